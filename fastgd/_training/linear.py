"""Linear models in lanes: many weight vectors trained by the same pass over the rows."""

import functools
import threading
from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd._training.epoch_result import EpochResult
from fastgd._training.lane_arguments import checked_order, checked_rows, loss_parameter_of
from fastgd._training.lane_block import LaneBlock, split
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd._training.together import together
from fastgd._validation import value_error

__all__ = ["LinearLanes"]

OWNER = "LinearLanes"
WORK = 2**21  # stored values times lanes between two looks at signals: some milliseconds
MOST_ROWS = 8192  # in one slice, for the size of its tables


class LinearLanes:
    """`K` linear models with a common loss, each with its own penalty, rate, targets and row weights.

    Parameters
    ----------
    rows_dtype : dtype
        float32 or float64: the dtype of rows and weights.
    n_features : int
    loss : str
        The name of a function in ``losses.py``.
    alpha, l1_ratio : array-like (K,)
        Strength of the penalty, and the share of its L1 part (0: L2 alone, 1: L1 alone).
    penalty_on : bool
        Without, `alpha` only matters for the rate and for `one_class`.
    loss_parameter : array-like (K,), optional
        The loss's hyperparameter (``epsilon`` or ``q``) of each lane.
    fit_intercept : bool
    intercept_decay : float
        Factor of the intercept's rate.
    average : int
        0, or the step from which on the weights are averaged.
    one_class : bool
        One-class SVM: the intercept also moves by ``-rate * alpha``, and ``alpha * intercept`` belongs to the penalty.
    n_threads : int
        Threads over which the lanes are spread, never more than ``execute.thread_limit()`` at a time. No bit depends on it.

    Notes
    -----
    One step is scikit-learn's, in this order: prediction, loss, L2 decay ``w *= max(0, 1 - (1 - l1_ratio) * rate * alpha)``, update of
    weights and intercept by the slope (limited to 1e12), averages, cumulative L1 penalty (Tsuruoka et al., 2009). On sparse rows the L1
    penalty of a weight is collected when a row touches it, before the prediction (and with L2 or averages also after the update), so that
    sparse and dense rows give the same weights: exactly with L1 alone, and with L2 beside it up to the decay between two touches, which is
    applied to that debt too.

    An interruption leaves the lanes of different threads at different rows; only `set_state` brings them together again.
    """

    batch_size = 1
    n_outputs = 1

    def __init__(
        self,
        rows_dtype: Any,
        n_features: int,
        loss: str,
        *,
        alpha: Any,
        l1_ratio: Any,
        penalty_on: bool = True,
        loss_parameter: Any = None,
        fit_intercept: bool = True,
        intercept_decay: float = 1.0,
        average: int = 0,
        one_class: bool = False,
        n_threads: int = 1,
    ):
        self.dtype = np.dtype(rows_dtype)
        self.n_features, self.loss, self.average = n_features, loss, average
        self.fit_intercept, self.intercept_decay = fit_intercept, intercept_decay
        self.t, self.n_threads = 1.0, n_threads
        alpha = np.atleast_1d(np.asarray(alpha, np.float64))
        self.n_lanes = len(alpha)
        strength = self._per_lane(alpha) * penalty_on
        ratio = self._per_lane(l1_ratio)
        parameter = self._hyper(loss_parameter)
        has_l1 = bool((strength * ratio).any())
        table = execute.lane_table()
        lanes = {"l2": (1 - ratio) * strength, "l1": ratio * strength, "drift": self._per_lane(alpha) * one_class}
        parts = split(self.n_lanes, min(n_threads, execute.thread_limit()))
        self._threads = [[LaneBlock(table, self, p, lanes, parameter, has_l1) for p in each] for each in parts]
        self._blocks = sorted((b for blocks in self._threads for b in blocks), key=lambda b: b.part.start)

    def _per_lane(self, values: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, np.float64), (self.n_lanes,))

    def _hyper(self, loss_parameter: Any) -> np.ndarray:
        """Return the loss's hyperparameter per lane, 0 for a loss that has none."""
        return self._per_lane(loss_parameter_of(OWNER, self.loss, loss_parameter))

    # -----------------------------------------------------------------------------------------------------------------------------
    # The weights

    @property
    def coef(self) -> np.ndarray:
        """A copy of the weights, ``(n_features, K)``, with decay applied and all L1 penalty collected."""
        return np.concatenate([b.coef() for b in self._blocks], axis=1)

    @property
    def intercept(self) -> np.ndarray:
        """A copy of the intercepts, ``(K,)``, float64."""
        return np.concatenate([b.row("intercept") for b in self._blocks])

    def set_coef(self, coef: np.ndarray, intercept: Any) -> None:
        """Begin from these weights ``(n_features, K)`` and intercepts ``(K,)``: no L1 penalty is owed, nothing has been averaged."""
        coef, intercept = self._checked(coef, "coef"), self._per_lane(intercept)
        for b in self._blocks:
            b.begin(coef[:, b.part], intercept[b.part])

    @property
    def average_coef(self) -> np.ndarray:
        """A copy of the averaged weights, ``(n_features, K)``; zeros, or what `set_average` gave, before averaging has begun."""
        return np.concatenate([b.average_coef() for b in self._blocks], axis=1)

    @property
    def average_intercept(self) -> np.ndarray:
        """A copy of the averaged intercepts, ``(K,)``."""
        return np.concatenate([b.row("mean_intercept") for b in self._blocks])

    def set_average(self, coef: np.ndarray, intercept: Any) -> None:
        """Go on averaging from these averages, which count as those of the steps from `average` to ``t - 1``."""
        if not self.average:
            raise value_error(OWNER, "average", "the step at which averaging begins", self.average)
        coef, intercept = self._checked(coef, "coef"), self._per_lane(intercept)
        for b in self._blocks:
            b.begin_average(coef[:, b.part], intercept[b.part])

    def _checked(self, coef: np.ndarray, name: str) -> np.ndarray:
        coef = np.asarray(coef, self.dtype)
        if coef.shape != (self.n_features, self.n_lanes):
            raise value_error(OWNER, name, f"an array of shape {(self.n_features, self.n_lanes)}", coef.shape)
        return coef

    # -----------------------------------------------------------------------------------------------------------------------------
    # Training

    def n_steps(self, n_rows: int) -> int:
        """Return how many steps so many rows are: one each."""
        return n_rows

    def epoch(
        self,
        rows: Any,
        targets: np.ndarray,
        order: np.ndarray | None,
        rate: RateTable,
        row_weight: np.ndarray | None = None,
        start: int = 0,
        stop: int | None = None,
        began: float | None = None,
    ) -> EpochResult:
        """See the rows once, in this order, updating all lanes at every row.

        Parameters
        ----------
        rows : Rows, CSR matrix, or ndarray
            Of the dtype and number of features given at the beginning.
        targets : ndarray (n_rows, 1) or (n_rows, K)
            In the loss's own coding: -1 and 1 for margin losses, 0 and 1 for ``log_loss``.
        order : ndarray of integers, or None
            The numbers of the rows to see, in order; each may come never or many times. None: all, as they stand.
        rate : RateTable
        row_weight : ndarray (n_rows, 1) or (n_rows, K), optional
            Factors of each row's update. This and `targets` may also be tables that are made when asked for: with ``shape``, and
            ``take(rows, axis=0)`` that returns an array.
        start, stop : int
            See only this stretch of the order. Positions matter to `RateTable.steps` alone; the rest goes by the step counter `t`.
        began : float, optional
            The step counter at the beginning of the order: what is measured goes on from the stretch before, and counts from there.

        Returns
        -------
        EpochResult
        """
        rows = Rows.of(rows, OWNER)
        order, targets, row_weight = self._checked_rows(rows, targets, order, row_weight)
        stop = len(order) if stop is None else min(stop, len(order))
        for b in self._blocks:
            b.open(self, rate.code, fresh=start == 0, go_on=began is not None)
        first, squares = self.t, rows.squares(self._blocks[0].square)
        shared = (rows, order, start, stop, squares, targets, row_weight, rate, first)
        calls = [functools.partial(self._train, blocks, *shared) for blocks in self._threads]
        together(calls, execute.thread_limit())
        return self._result(int(self.t - (first if began is None else began)), row_weight is not None)

    def _train(
        self,
        blocks: list[LaneBlock],
        rows: Rows,
        order: np.ndarray,
        start: int,
        stop: int,
        squares: np.ndarray,
        targets: np.ndarray,
        row_weight: np.ndarray | None,
        rate: RateTable,
        t: float,
        ended: threading.Event,
    ) -> None:
        """See the rows with the lanes of one thread, a slice at a time: between two come signals."""
        size = self._slice_rows(rows, sum(b.width for b in blocks))
        for low in range(start, stop, size):
            if ended.is_set():
                return
            high = min(low + size, stop)
            eta = rate.values(t, low, high - low)
            y = _stretch(targets, order[low:high], self.dtype)
            weight = None if row_weight is None else _stretch(row_weight, order[low:high], np.dtype(np.float64))
            by_step = y is not targets, weight is not row_weight
            after = [b.learn(rows, order, low, high, squares, y, weight, eta, t, by_step) for b in blocks]
            t = self.t = after[0]

    def _checked_rows(self, rows: Rows, targets: np.ndarray, order: Any, row_weight: Any) -> tuple:
        checked_rows(OWNER, rows, self.dtype, self.n_features)
        for name, values in (("targets", targets), ("row_weight", row_weight)):
            if values is not None and values.shape not in ((rows.n_rows, 1), (rows.n_rows, self.n_lanes)):
                raise value_error(
                    OWNER, name, f"of shape ({rows.n_rows}, 1) or ({rows.n_rows}, {self.n_lanes})", values.shape
                )
        if isinstance(targets, np.ndarray):
            targets = np.ascontiguousarray(targets, self.dtype)
        if isinstance(row_weight, np.ndarray):
            row_weight = np.ascontiguousarray(row_weight, np.float64)
        return checked_order(OWNER, order, rows.n_rows), targets, row_weight

    def _slice_rows(self, rows: Rows, n_lanes: int) -> int:
        stored = max(1, rows.data.size // max(1, rows.n_rows))
        return max(1, min(MOST_ROWS, WORK // (stored * n_lanes)))

    def _result(self, n_rows: int, weighted: bool) -> EpochResult:
        loss, weighted_loss, weight, penalty, gradient = (
            np.concatenate([b.row(name) for b in self._blocks])
            for name in ("loss", "weighted_loss", "weight", "penalty", "gradient")
        )
        if not weighted:
            weighted_loss, weight = loss.copy(), np.full(self.n_lanes, float(n_rows))
        finite = np.concatenate([b.finite() for b in self._blocks])
        gradient = gradient / max(1, n_rows)
        return EpochResult(loss, weighted_loss, weight, penalty, n_rows, gradient, None, bool(finite.all()), finite)

    def decision(self, rows: Any) -> np.ndarray:
        """Return the raw predictions ``X @ coef + intercept``, ``(n_rows, K)`` in the rows' dtype."""
        rows = Rows.of(rows, OWNER)
        if rows.indices is None:
            return (rows.data @ self.coef + self.intercept).astype(self.dtype, copy=False)
        outs = [np.empty((rows.n_rows, b.width), self.dtype) for b in self._blocks]
        readers = [b.reader() for b in self._blocks]
        size = self._slice_rows(rows, sum(b.width for b in self._blocks))
        lows = range(0, rows.n_rows, size)

        def decide(lows: range, ended: threading.Event) -> None:
            for low in lows:
                for reader, out in zip(readers, outs, strict=True):
                    if not ended.is_set():
                        reader.decide(rows, low, min(low + size, rows.n_rows), out)

        n_threads = min(self.n_threads, execute.thread_limit())
        calls = [functools.partial(decide, lows[k::n_threads]) for k in range(n_threads)]
        together(calls, n_threads)
        return np.concatenate([out[:, : b.n] for out, b in zip(outs, self._blocks, strict=True)], axis=1)

    # -----------------------------------------------------------------------------------------------------------------------------
    # Checkpoints

    def state(self) -> dict[str, Any]:
        """Return copies of everything that training changes; `set_state` in an equal object goes on with the same bits."""
        every = [b.arrays() for b in self._blocks]
        found = {name: np.concatenate([arrays[name] for arrays in every], axis=1) for name in every[0]}
        return {"t": self.t, **found}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned; the number of threads may be another."""
        every = [b.arrays() for b in self._blocks]
        for name, array in every[0].items():
            shape = (len(array), self.n_lanes)
            if getattr(state.get(name), "shape", None) != shape:
                raise value_error(OWNER, "state", f"an array {name} of shape {shape}", sorted(state))
        for b, arrays in zip(self._blocks, every, strict=True):
            for name, array in arrays.items():
                array[...] = state[name][:, b.part]
        self.t = float(state["t"])


def _stretch(table: Any, rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return an array as it is; of a table that is made when it is asked for, these rows."""
    return table if isinstance(table, np.ndarray) else np.ascontiguousarray(table.take(rows, axis=0), dtype)
