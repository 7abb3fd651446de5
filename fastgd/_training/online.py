"""Linear models in lanes, trained row by row by normalised, adaptive, importance-aware updates."""

from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd._training import orders
from fastgd._training.epoch_result import EpochResult
from fastgd._training.lane_arguments import checked_rows, checked_state, loss_parameter_of
from fastgd._training.linear import LinearLanes
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd._validation import type_error, value_error
from fastgd.optimizers.online import NormalizedOnline

__all__ = ["OnlineLanes"]

OWNER = "NormalizedOnline"
WORK = 2**20  # stored values times lanes between two looks at signals: some milliseconds


class OnlineLanes:
    """`K` linear models with a common loss, trained by `NormalizedOnline`; the methods are those of `LinearLanes`.

    Parameters
    ----------
    rows_dtype, n_features, loss, alpha, l1_ratio, penalty_on, loss_parameter, fit_intercept, intercept_decay
        As in `LinearLanes`.
    optimizer : NormalizedOnline
        The rate of each lane and step takes the place of its `lr`.
    average : int
        0: these lanes keep no averages.
    one_class : bool
        False.
    batch_size : int
        1.
    clip_norm : None
    n_outputs : int
        1: no softmax.
    n_threads : int
        Without effect.

    Notes
    -----
    All numbers are float64, whatever the rows are. The penalty of `EpochResult` is that of the weights at the end, times the rows.
    """

    n_outputs, batch_size, average = 1, 1, 0

    def __init__(
        self,
        rows_dtype: Any,
        n_features: int,
        loss: str,
        *,
        optimizer: NormalizedOnline,
        alpha: Any,
        l1_ratio: Any,
        penalty_on: bool = True,
        loss_parameter: Any = None,
        fit_intercept: bool = True,
        intercept_decay: float = 1.0,
        average: int = 0,
        one_class: bool = False,
        batch_size: int = 1,
        clip_norm: Any = None,
        n_outputs: int = 1,
        n_threads: int = 1,
    ):
        self._table = execute.online_table()
        _check_loss(loss, optimizer, self._table.MOVES)
        for name, given, accepted in (
            ("average", average, "False"),
            ("batch_size", None if batch_size == 1 else batch_size, "1 or None"),
            ("clip_norm", clip_norm, "None"),
            ("one_class", one_class, "False: it has no one-class SVM"),
        ):
            if given:
                raise value_error("", name, f"{accepted} with {OWNER}, which learns from single rows", given)
        self.dtype, self.n_features, self.loss = np.dtype(rows_dtype), n_features, loss
        alpha = np.atleast_1d(np.asarray(alpha, np.float64))
        self.n_lanes, self.t = len(alpha), 1.0
        strength, share = self._per_lane(alpha) * penalty_on, self._per_lane(l1_ratio)
        self._l2, self._l1 = (1 - share) * strength, share * strength
        self._hyper = self._per_lane(loss_parameter_of("LinearLanes", loss, loss_parameter)).copy()
        self._move = self._table.MOVES[loss] if optimizer.importance_aware else 0
        self._rules = optimizer.adaptive, optimizer.normalized, fit_intercept, float(intercept_decay)
        self._first_rate = 0.0 if optimizer.adaptive or optimizer.normalized else 1.0
        self._cells = np.zeros((self.n_lanes, n_features + 1, len(self._table.CELL)))
        self._lanes = np.zeros((self.n_lanes, len(self._table.LANE)))
        self._kernel = self._on(self._cells)
        self._cell("rates")[...] = self._first_rate

    def _on(self, cells: np.ndarray) -> Any:
        """Return the compiled loops on these cells."""
        loss = execute.lane_table().LOSSES[self.loss, "float64", 1]
        return self._table.Online(
            cells, self._lanes, self._hyper, self._l2.copy(), self._l1.copy(), loss, self._move, *self._rules
        )

    def _per_lane(self, values: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, np.float64), (self.n_lanes,))

    def _cell(self, name: str) -> np.ndarray:
        """Return one number of each cell, ``(n_features + 1, K)``, as a view."""
        return self._cells[:, :, self._table.CELL.index(name)].T

    def _lane(self, name: str) -> np.ndarray:
        """Return one number of each lane, ``(K,)``, as a view."""
        return self._lanes[:, self._table.LANE.index(name)]

    # -----------------------------------------------------------------------------------------------------------------------------
    # The weights

    def _settled(self) -> np.ndarray:
        """Return a copy of the weights, ``(n_features + 1, K)``, with all penalties collected; reading must not change the future."""
        if not (self._l2.any() or self._l1.any()):
            return self._cell("weights").copy()
        cells = self._cells.copy()
        self._on(cells).settle()
        return cells[:, :, self._table.CELL.index("weights")].T

    @property
    def coef(self) -> np.ndarray:
        """A copy of the weights, ``(n_features, K)``, with all penalties collected."""
        return self._settled()[:-1].astype(self.dtype)

    @property
    def intercept(self) -> np.ndarray:
        """A copy of the intercepts, ``(K,)``, float64."""
        return self._cell("weights")[-1].copy()

    def set_coef(self, coef: np.ndarray, intercept: Any) -> None:
        """Begin from these weights ``(n_features, K)`` and intercepts ``(K,)``, with nothing known of scales and gradients."""
        coef, intercept = np.asarray(coef), self._per_lane(intercept)
        if coef.shape != (self.n_features, self.n_lanes):
            raise value_error(OWNER, "coef", f"an array of shape {(self.n_features, self.n_lanes)}", coef.shape)
        self._cells[...], self._lanes[...] = 0, 0
        self._cell("rates")[...] = self._first_rate
        self._cell("weights")[:-1], self._cell("weights")[-1] = coef, intercept

    @property
    def average_coef(self) -> np.ndarray:
        """Zeros: nothing is averaged."""
        return np.zeros((self.n_features, self.n_lanes), self.dtype)

    @property
    def average_intercept(self) -> np.ndarray:
        """Zeros: nothing is averaged."""
        return np.zeros(self.n_lanes)

    def set_average(self, coef: np.ndarray, intercept: Any) -> None:
        """Refuse: nothing is averaged."""
        raise value_error(OWNER, "average", "False", True)

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
        """See the rows once, in this order; see `LinearLanes.epoch`. A constant rate of 0 for all lanes measures only."""
        rows = Rows.of(rows, OWNER)
        order = orders.checked(OWNER, order, rows.n_rows)
        self._check_epoch(rows, targets, rate, row_weight)
        stop = len(order) if stop is None else min(stop, len(order))
        learning = rate.formula != "constant" or bool(rate.eta0.any())
        if began is None:
            for name in ("loss", "weighted_loss", "seen", "gradient"):
                self._lane(name)[...] = 0
        first, size = self.t, max(1, WORK // (max(1, rows.data.size // max(1, rows.n_rows)) * self.n_lanes))
        for low in range(start, stop, size):
            high = min(low + size, stop)
            part = orders.numbers(order, low, high)
            y = np.ascontiguousarray(targets.take(part, axis=0), np.float64)
            weight = None if row_weight is None else np.ascontiguousarray(row_weight.take(part, axis=0), np.float64)
            eta = np.ascontiguousarray(rate.values(self.t, low, high - low), np.float64)
            self._kernel.see(rows, part, y, weight, eta, learning)
            self.t += high - low
        return self._result(int(self.t - (first if began is None else began)), row_weight is not None)

    def _check_epoch(self, rows: Rows, targets: Any, rate: RateTable, row_weight: Any) -> None:
        checked_rows(OWNER, rows, self.dtype, self.n_features)
        for name, values in (("targets", targets), ("row_weight", row_weight)):
            if values is not None and values.shape not in ((rows.n_rows, 1), (rows.n_rows, self.n_lanes)):
                accepted = f"of shape ({rows.n_rows}, 1) or ({rows.n_rows}, {self.n_lanes})"
                raise value_error(OWNER, name, accepted, values.shape)
        if rate.code:
            raise value_error(OWNER, "rate", "a rate that does not depend on the row", rate.formula)
        lowest = 0.0 if row_weight is None or not len(row_weight) else float(np.min(row_weight))
        if lowest < 0:
            raise value_error(OWNER, "sample_weight", ">= 0: it is how often a row counts", lowest)

    def _result(self, n_rows: int, weighted: bool) -> EpochResult:
        loss, weighted_loss, weight, gradient = (
            self._lane(name).copy() for name in ("loss", "weighted_loss", "seen", "gradient")
        )
        if not weighted:
            weighted_loss, weight = loss.copy(), np.full(self.n_lanes, float(n_rows))
        w, total = self._settled(), self._cell("weights").sum(axis=0)
        penalty = (0.5 * self._l2 * (w[:-1] ** 2).sum(axis=0) + self._l1 * np.abs(w[:-1]).sum(axis=0)) * n_rows
        finite = np.isfinite(total)
        return EpochResult(
            loss, weighted_loss, weight, penalty, n_rows, gradient / max(1, n_rows), None, bool(finite.all()), finite
        )

    def decision(self, rows: Any) -> np.ndarray:
        """Return the raw predictions ``X @ coef + intercept``, ``(n_rows, K)`` in the rows' dtype."""
        reader = LinearLanes(self.dtype, self.n_features, "squared_error", alpha=np.zeros(self.n_lanes), l1_ratio=0.0)
        reader.set_coef(self.coef, self.intercept)
        return reader.decision(rows)

    # -----------------------------------------------------------------------------------------------------------------------------
    # Checkpoints

    def state(self) -> dict[str, Any]:
        """Return copies of everything that training changes; `set_state` in an equal object goes on with the same bits."""
        return {"t": self.t, "lanes": self._lanes.T.copy()} | {n: self._cell(n).copy() for n in self._table.CELL}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        shapes = {name: (self.n_features + 1, self.n_lanes) for name in self._table.CELL}
        shapes["lanes"] = (len(self._table.LANE), self.n_lanes)
        checked_state(OWNER, state, shapes)
        self.t, self._lanes[...] = float(state["t"]), state["lanes"].T
        for name in self._table.CELL:
            self._cell(name)[...] = state[name]


def _check_loss(loss: str, optimizer: Any, moves: dict[str, int]) -> None:
    if not isinstance(optimizer, NormalizedOnline):
        raise type_error("OnlineLanes", "optimizer", OWNER, optimizer)
    if loss == "softmax":
        fix = "Use loss='log_loss': one class against the others."
        raise value_error("", "loss", f"a loss of one prediction with {OWNER}", loss, fix)
    if optimizer.importance_aware and loss not in moves:
        fix = "Use NormalizedOnline(importance_aware=False), or another loss."
        raise value_error("", "loss", f"one of {', '.join(moves)} with importance-aware steps", loss, fix)
