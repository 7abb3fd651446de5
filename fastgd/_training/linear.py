"""Linear models in lanes: many weight vectors trained by the same pass over the rows."""

from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd._training.epoch_result import EpochResult
from fastgd._training.lane_arguments import aligned, checked_order, checked_rows, loss_parameter_of
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd._validation import value_error

__all__ = ["LinearLanes"]

OWNER = "LinearLanes"
BLOCK = 16  # lanes in one array
WORK = 2**21  # stored values times lanes between two looks at signals: some milliseconds
MOST_ROWS = 8192  # in one slice, for the size of its tables
SIGNED_BY_TARGET = ("hinge", "perceptron")  # whose passive-aggressive step goes in the target's direction


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

    Notes
    -----
    One step is scikit-learn's, in this order: prediction, loss, L2 decay ``w *= max(0, 1 - (1 - l1_ratio) * rate * alpha)``, update of
    weights and intercept by the slope (limited to 1e12), averages, cumulative L1 penalty (Tsuruoka et al., 2009). On sparse rows the L1
    penalty of a weight is collected when a row touches it, before the prediction and after the update, so that sparse and dense rows give
    the same weights: exactly with L1 alone, and with L2 beside it up to the decay between two touches, which is applied to that debt too.
    """

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
    ):
        self.dtype = np.dtype(rows_dtype)
        self.n_features, self.loss, self.average = n_features, loss, average
        self.fit_intercept, self.intercept_decay = fit_intercept, intercept_decay
        self.t = 1.0
        alpha = np.atleast_1d(np.asarray(alpha, np.float64))
        self.n_lanes = len(alpha)
        strength = self._per_lane(alpha) * penalty_on
        ratio = self._per_lane(l1_ratio)
        parameter = self._hyper(loss_parameter)
        has_l1 = bool((strength * ratio).any())
        table = execute.lane_table()
        lanes = {"l2": (1 - ratio) * strength, "l1": ratio * strength, "drift": self._per_lane(alpha) * one_class}
        self._blocks = []
        for low in range(0, self.n_lanes, BLOCK):
            part = slice(low, min(low + BLOCK, self.n_lanes))
            values = {name: column[part] for name, column in lanes.items()}
            self._blocks.append(_Lanes(table, self, part, values, parameter[part], has_l1))

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
            Factors of each row's update.
        start, stop : int
            See only this stretch of the order. Positions matter to `RateTable.steps` alone; the rest goes by the step counter `t`.

        Returns
        -------
        EpochResult
        """
        rows = Rows.of(rows, OWNER)
        order, targets, row_weight = self._checked_rows(rows, targets, order, row_weight)
        stop = len(order) if stop is None else min(stop, len(order))
        for b in self._blocks:
            b.open(self, rate.code, fresh=start == 0)
        first, size, squares = self.t, self._slice_rows(rows), rows.squares(self._blocks[0].square)
        for low in range(start, stop, size):
            part = order[low : min(low + size, stop)]
            eta = rate.values(self.t, low, len(part))
            y, weight = targets.take(part, axis=0), None if row_weight is None else row_weight.take(part, axis=0)
            after = [
                b.learn(rows, part, squares.take(part).astype(np.float64), y, weight, eta, self.t) for b in self._blocks
            ]
            self.t = after[0]
        return self._result(int(self.t - first), row_weight is not None)

    def _checked_rows(self, rows: Rows, targets: np.ndarray, order: Any, row_weight: Any) -> tuple:
        checked_rows(OWNER, rows, self.dtype, self.n_features)
        for name, values in (("targets", targets), ("row_weight", row_weight)):
            if values is not None and values.shape not in ((rows.n_rows, 1), (rows.n_rows, self.n_lanes)):
                raise value_error(
                    OWNER, name, f"of shape ({rows.n_rows}, 1) or ({rows.n_rows}, {self.n_lanes})", values.shape
                )
        return checked_order(OWNER, order, rows.n_rows), targets, row_weight

    def _slice_rows(self, rows: Rows) -> int:
        stored = max(1, rows.data.size // max(1, rows.n_rows))
        return max(1, min(MOST_ROWS, WORK // (stored * self.n_lanes)))

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
        return np.concatenate([b.decide(rows) for b in self._blocks], axis=1)

    # -----------------------------------------------------------------------------------------------------------------------------
    # Checkpoints

    def state(self) -> dict[str, Any]:
        """Return copies of everything that training changes; `set_state` in an equal object goes on with the same bits."""
        found: dict[str, Any] = {"t": self.t}
        for k, b in enumerate(self._blocks):
            found |= {f"{name}.{k}": array.copy() for name, array in b.arrays().items()}
        return found

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        pairs = [(b.arrays(), k) for k, b in enumerate(self._blocks)]
        for arrays, k in pairs:
            for name, array in arrays.items():
                if getattr(state.get(f"{name}.{k}"), "shape", None) != array.shape:
                    raise value_error(OWNER, "state", f"an array {name}.{k} of shape {array.shape}", sorted(state))
        for arrays, k in pairs:
            for name, array in arrays.items():
                array[...] = state[f"{name}.{k}"]
        self.t = float(state["t"])


class _Lanes:
    """One block of up to 16 lanes: its arrays, padded to 1, 4, 8 or 16 lanes, and the compiled loops on them."""

    def __init__(self, table: Any, owner: LinearLanes, part: slice, values: dict, parameter: np.ndarray, has_l1: bool):
        self.table, self.part, self.n = table, part, part.stop - part.start
        self.width = next(w for w in (1, 4, 8, 16) if w >= self.n)
        self.dtype, shape = owner.dtype, (owner.n_features, self.width)
        self.w = aligned(shape, owner.dtype)
        self.state = np.zeros((table.N_STATE, self.width))
        self.hyper = np.zeros((1, self.width), owner.dtype)
        self.hyper[0, : self.n] = parameter
        self.paid = aligned(shape, np.dtype(np.float64)) if has_l1 else None
        self.averages = aligned(shape, np.dtype(np.float64)) if owner.average else None
        self.loss = table.LOSSES[owner.loss, self.dtype.name, self.width]
        self.block = table.Block(self.w, self.state, self.hyper, self.loss, self.paid, self.averages)
        self.state[[table.STATE["scale"], table.STATE["divisor"]]] = 1
        for name, column in values.items():
            self.row(name)[...] = column

    def row(self, name: str) -> np.ndarray:
        """Return one number of each lane, as a view."""
        return self.state[self.table.STATE[name], : self.n]

    def arrays(self) -> dict[str, np.ndarray]:
        every = {"weights": self.w, "lanes": self.state, "paid": self.paid, "averages": self.averages}
        return {name: array for name, array in every.items() if array is not None}

    def begin(self, coef: np.ndarray, intercept: np.ndarray) -> None:
        self.w[:, : self.n] = coef + 0.0  # -0.0 becomes 0.0
        self.row("intercept")[...] = intercept
        for name, value in {"scale": 1, "divisor": 1, "averaged": 0, "owed": 0, "mean_intercept": 0}.items():
            self.row(name)[...] = value
        for array in (self.paid, self.averages):
            if array is not None:
                array[...] = 0

    def begin_average(self, coef: np.ndarray, intercept: np.ndarray) -> None:
        assert self.averages is not None
        self.averages[:, : self.n] = coef
        for name, value in {"divisor": 1, "averaged": 0, "mean_intercept": intercept}.items():
            self.row(name)[...] = value

    def settled(self) -> "tuple[np.ndarray, np.ndarray, np.ndarray | None]":
        """Return copies of weights, state and averages with all L1 penalty collected; reading them must not change the future."""
        if self.paid is None:
            return self.w, self.state, self.averages
        w, state, paid = self.w.copy(), self.state.copy(), self.paid.copy()
        averages = None if self.averages is None else self.averages.copy()
        self.table.Block(w, state, self.hyper, self.loss, paid, averages).settle()
        return w, state, averages

    def coef(self) -> np.ndarray:
        w, state, _ = self.settled()
        return (w * state[self.table.STATE["scale"]])[:, : self.n].astype(self.dtype)

    def average_coef(self) -> np.ndarray:
        w, state, averages = self.settled()
        if averages is None:
            return np.zeros((len(w), self.n), self.dtype)
        averaged, divisor = state[self.table.STATE["averaged"]], state[self.table.STATE["divisor"]]
        return ((averages + averaged * w) / divisor)[:, : self.n].astype(self.dtype)

    def finite(self) -> np.ndarray:
        return (np.isfinite(self.w).all(axis=0) & np.isfinite(self.state[self.table.STATE["intercept"]]))[: self.n]

    def open(self, owner: LinearLanes, code: int, fresh: bool) -> None:
        """Prepare for a call of `epoch`: its sums begin at 0."""
        for name in ("loss", "weighted_loss", "weight", "penalty", "gradient"):
            self.row(name)[...] = 0
        signed = owner.loss in SIGNED_BY_TARGET
        self.block.options(code, signed, owner.fit_intercept, owner.intercept_decay, owner.average)
        if fresh:
            self.block.weigh()

    def learn(
        self,
        rows: Rows,
        order: np.ndarray,
        squares: np.ndarray,
        targets: np.ndarray,
        weight: Any,
        eta: np.ndarray,
        t: float,
    ) -> float:
        targets = self.columns(targets, self.dtype)
        weight = None if weight is None else self.columns(weight, np.dtype(np.float64))
        if eta.shape[1] == 1:
            eta = np.ascontiguousarray(np.broadcast_to(eta, (len(eta), self.width)))
        else:
            eta = self.columns(eta, np.dtype(np.float64))
        return self.block.learn(rows, order, squares, targets, weight, eta, t)

    def columns(self, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return this block's columns of a table, padded; a single column, which is every lane's, as it is."""
        if values.shape[1] == 1:
            return np.ascontiguousarray(values, dtype)
        if values.shape[1] == self.width and self.part.start == 0:
            return np.ascontiguousarray(values, dtype)
        padded = np.zeros((len(values), self.width), dtype)
        padded[:, : self.n] = values[:, self.part]
        return padded

    def square(self, rows: Rows, out: np.ndarray) -> None:
        self.block.square(rows, out)

    def decide(self, rows: Rows) -> np.ndarray:
        w, state, _ = self.settled()
        out = np.empty((rows.n_rows, self.width), self.dtype)
        self.table.Block(w, state, self.hyper, self.loss, None, None).decide(rows, out)
        return out[:, : self.n]
