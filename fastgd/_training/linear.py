"""Linear models in lanes: many weight vectors trained by the same pass over the rows."""

import functools
import threading
from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd._training import orders
from fastgd._training.coded import Coded, check_classes
from fastgd._training.epoch_result import EpochResult
from fastgd._training.lane_arguments import checked_rows, checked_state, loss_parameter_of
from fastgd._training.lane_block import WIDTHS, LaneBlock, split
from fastgd._training.predictions import decide
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd._training.together import together
from fastgd._validation import value_error

__all__ = ["LinearLanes"]

OWNER = "LinearLanes"
WORK = 2**21  # stored values of sparse rows times lanes between two looks at signals: some milliseconds
DENSE_WORK = 2**23  # the same of dense rows, which are quicker
MOST_ROWS, MOST_CELLS = 8192, 2**18  # in one slice, for the size of its tables: rows, and rows times lanes
AHEAD = 16  # rows after a slice that are named to it, FAR in lane_rows.pxd: their memory is asked for before it ends
MOST_OUTPUTS = WIDTHS[-1]


class LinearLanes:
    """`K` linear models with a common loss, each with its own penalty, rate, targets and row weights.

    Parameters
    ----------
    rows_dtype : dtype
        float32 or float64: the dtype of rows and weights.
    n_features : int
    loss : str
        The name of a function in ``losses.py``, or ``"softmax"``.
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
    n_outputs : int
        The classes of ``"softmax"``, at most 16: lanes ``m * n_outputs`` to ``(m + 1) * n_outputs - 1`` are model `m`, whose targets
        ``(n_rows, 1)`` are numbers of classes; `EpochResult` gives the model's loss with its first lane, and 0 with the others.
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
        n_outputs: int = 1,
        n_threads: int = 1,
    ):
        self.dtype = np.dtype(rows_dtype)
        self.n_features, self.loss, self.average = n_features, loss, average
        self.fit_intercept, self.intercept_decay = fit_intercept, intercept_decay
        self.t, self.n_threads, self.n_outputs = 1.0, n_threads, n_outputs
        alpha = np.atleast_1d(np.asarray(alpha, np.float64))
        self.n_lanes = len(alpha)
        self._check_outputs()
        strength = self._per_lane(alpha) * penalty_on
        ratio = self._per_lane(l1_ratio)
        parameter = self._hyper(loss_parameter)
        has_l1 = bool((strength * ratio).any())
        table = execute.lane_table()
        lanes = {"l2": (1 - ratio) * strength, "l1": ratio * strength, "drift": self._per_lane(alpha) * one_class}
        parts = split(self.n_lanes, min(n_threads, execute.thread_limit()), n_outputs)
        self._threads = [[LaneBlock(table, self, p, lanes, parameter, has_l1) for p in each] for each in parts]
        self._blocks = sorted((b for blocks in self._threads for b in blocks), key=lambda b: b.part.start)

    def _per_lane(self, values: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, np.float64), (self.n_lanes,))

    def _check_outputs(self) -> None:
        right = 1 < self.n_outputs <= MOST_OUTPUTS if self.loss == "softmax" else self.n_outputs == 1
        if not right or self.n_lanes % self.n_outputs:
            accepted = f"1, or for the loss 'softmax' 2 to {MOST_OUTPUTS} classes, a divisor of the number of lanes"
            raise value_error(OWNER, "n_outputs", accepted, self.n_outputs)

    def _hyper(self, loss_parameter: Any) -> np.ndarray:
        """Return the loss's hyperparameter per lane, 0 for a loss that has none."""
        if self.loss == "softmax":
            return np.zeros(self.n_lanes)
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
        targets: Any,
        order: np.ndarray | range | None,
        rate: RateTable,
        row_weight: Any = None,
        start: int = 0,
        stop: int | None = None,
        began: float | None = None,
    ) -> EpochResult:
        """See the rows once, in this order, updating all lanes at every row.

        Parameters
        ----------
        rows : Rows, CSR matrix, or ndarray
            Of the dtype and number of features given at the beginning.
        targets : ndarray (n_rows, 1) or (n_rows, K), or Coded
            In the loss's own coding: -1 and 1 for margin losses, 0 and 1 for ``log_loss``, numbers of classes for ``softmax``.
        order : ndarray of integers, range, or None
            The numbers of the rows to see, in order; each may come never or many times. None: all, as they stand.
        rate : RateTable
        row_weight : ndarray (n_rows, 1) or (n_rows, K), optional
            Factors of each row's update. This and `targets` may also be tables that are made when asked for: with ``shape``, and
            ``take(rows, axis=0)`` that returns an array. Arrays of other dtypes than the lanes' and float64 are converted slice by slice.
        start, stop : int
            See only this stretch of the order. Positions matter to `RateTable.steps` alone; the rest goes by the step counter `t`.
        began : float, optional
            The step counter at the beginning of the order: what is measured goes on from the stretch before, and counts from there.

        Returns
        -------
        EpochResult
        """
        rows = Rows.of(rows, OWNER)
        order = orders.checked(OWNER, order, rows.n_rows)
        targets, code, row_weight = self._checked_rows(rows, targets, row_weight)
        stop = len(order) if stop is None else min(stop, len(order))
        for b in self._blocks:
            b.open(self, rate.code, fresh=start == 0, go_on=began is not None)
        first, squares = self.t, rows.squares(self._blocks[0].square)
        shared = (rows, order, start, stop, squares, targets, code, row_weight, rate, first)
        calls = [functools.partial(self._train, blocks, *shared) for blocks in self._threads]
        together(calls, execute.thread_limit())
        return self._result(int(self.t - (first if began is None else began)), row_weight is not None)

    def _train(
        self,
        blocks: list[LaneBlock],
        rows: Rows,
        order: np.ndarray | range,
        start: int,
        stop: int,
        squares: np.ndarray | None,
        targets: Any,
        code: np.ndarray | None,
        row_weight: Any,
        rate: RateTable,
        t: float,
        ended: threading.Event,
    ) -> None:
        """See the rows with the lanes of one thread, a slice at a time: between two come signals."""
        size = self._slice_rows(rows, sum(b.width for b in blocks))
        for low in range(start, stop, size):
            if ended.is_set():
                return
            n = min(size, stop - low)
            part, eta = orders.numbers(order, low, low + n + AHEAD), rate.values(t, low, n)
            y = _stretch(targets, part[:n], self.dtype)
            weight = None if row_weight is None else _stretch(row_weight, part[:n], np.dtype(np.float64))
            by_step = y is not targets, weight is not row_weight
            after = [b.learn(rows, part, n, squares, y, code, weight, eta, t, by_step) for b in blocks]
            t = self.t = after[0]

    def _checked_rows(self, rows: Rows, targets: Any, row_weight: Any) -> tuple:
        """Return the targets, or the table of them and a code for each row, and the weights."""
        checked_rows(OWNER, rows, self.dtype, self.n_features)
        for name, values in (("targets", targets), ("row_weight", row_weight)):
            if values is not None and values.shape not in ((rows.n_rows, 1), (rows.n_rows, self.n_lanes)):
                raise value_error(
                    OWNER, name, f"of shape ({rows.n_rows}, 1) or ({rows.n_rows}, {self.n_lanes})", values.shape
                )
        if self.n_outputs > 1:
            check_classes(OWNER, targets, self.n_outputs)
        parts = targets.parts(self.dtype) if isinstance(targets, Coded) else None
        return *(parts or (targets, None)), row_weight

    def _slice_rows(self, rows: Rows, n_lanes: int) -> int:
        stored, work = max(1, rows.data.size // max(1, rows.n_rows)), DENSE_WORK if rows.indices is None else WORK
        return max(1, min(MOST_ROWS, MOST_CELLS // n_lanes, work // (stored * n_lanes)))

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
        out = np.empty((rows.n_rows, self.n_lanes), self.dtype)
        decide(rows, [(b.reader(), b.part) for b in self._blocks], out, self.n_threads)
        return out

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
        checked_state(OWNER, state, {name: (len(array), self.n_lanes) for name, array in every[0].items()})
        for b, arrays in zip(self._blocks, every, strict=True):
            for name, array in arrays.items():
                array[...] = state[name][:, b.part]
        self.t = float(state["t"])


def _stretch(table: Any, rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return an array that kernels can read as it is; of any other, or of a table that is made when it is asked for, these rows."""
    if isinstance(table, np.ndarray) and table.dtype == dtype and table.flags.c_contiguous:
        return table
    return np.ascontiguousarray(table.take(rows, axis=0), dtype)
