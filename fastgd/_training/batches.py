"""Linear models in lanes, trained by mini-batches with any optimizer."""

from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd._training.batch_scalars import RuleScalars
from fastgd._training.batch_tables import Tables
from fastgd._training.epoch_result import EpochResult
from fastgd._training.lane_arguments import aligned, checked_order, checked_rows, loss_parameter_of
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd._validation import limit, value_error
from fastgd.optimizers._base import Optimizer
from fastgd.schedules import Schedule

__all__ = ["BatchLanes"]

OWNER = "BatchLanes"
TILE = 16  # lanes that a compiled loop sees at once
WORK = 2**25  # stored values times lanes between two looks at signals: some milliseconds
CHUNK = 128  # rows predicted at once
CHUNK_VALUES = 2**17  # stored values of such rows: they stay in a near cache until their gradient is added up
SUMS = ("loss", "weighted_loss", "weight", "penalty", "gradient", "clipped")


class BatchLanes:
    """`K` linear models with a common loss, trained by mini-batches; each with its own penalty, rate, targets and row weights.

    It has the methods of `LinearLanes`. Its step counter `t` counts batches.

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
        Factor of the intercept's rate, without an optimizer.
    average : int
        0, or the step from which on the weights are averaged.
    one_class : bool
        One-class SVM: the intercept also moves by ``-rate * alpha``, and ``alpha * intercept`` belongs to the penalty.
    batch_size : int
        Rows of a step; the last batch of an epoch may be smaller.
    optimizer : Optimizer, optional
        A built-in one, whose `lr` is replaced by the rate of each lane and step; None is plain gradient descent.
    clip_norm : float or array-like (K,), optional
        The largest Euclidean norm of a lane's gradient, by default the optimizer's.
    n_outputs : int
        The classes of ``"softmax"``: lanes ``m * n_outputs`` to ``(m + 1) * n_outputs - 1`` are model `m`, whose targets ``(n_rows, 1)``
        are numbers of classes; `EpochResult` gives the model's loss with its first lane, and 0 with the others.
    n_threads : int
        Has no effect: one thread does it.

    Notes
    -----
    One step, each lane with its rate ``eta``: the mean gradient ``g`` of the batch's losses; decay
    ``w *= max(0, 1 - eta * (1 - l1_ratio) * alpha)``, and the optimizer's decoupled one; the optimizer's rule; the soft threshold
    ``eta * l1_ratio * alpha``; averages. Intercepts follow the same rule without penalties. The mean is over the rows of the batch, and
    divided by the mean weight of the epoch's rows, so that in a full batch a weight of 2 is the row twice; with ``batch_size=1`` it is
    not divided, as in scikit-learn. A lane whose gradient is not finite becomes NaN.

    Of sparse rows a batch only touches the features that it names; the others catch up when they are named again, at the end of the
    epoch, or when weights are read, with the same result to rounding. That is quick with plain descent, Adagrad, RMSprop, Adadelta and
    FTRL; momentum is run step by step until it has faded (see ``RuleScalars.idle``); the sign rules Lion and Signum, a scheduled
    hyperparameter, and averages take every step for every feature, which costs as much as dense rows.
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
        batch_size: int = 1,
        optimizer: Optimizer | None = None,
        clip_norm: Any = None,
        n_outputs: int = 1,
        n_threads: int = 1,
    ):
        self.dtype = np.dtype(rows_dtype)
        self.n_features, self.loss, self.average = n_features, loss, average
        self.batch_size, self.n_outputs = batch_size, n_outputs
        alpha = np.atleast_1d(np.asarray(alpha, np.float64))
        self.n_lanes = len(alpha)
        self._check_outputs()
        self._rules = RuleScalars(optimizer, self.dtype, intercept_decay)
        strength, ratio = self._per_lane(alpha) * penalty_on, self._per_lane(l1_ratio)
        self._l2, self._l1 = (1 - ratio) * strength, ratio * strength
        self._drift = alpha * intercept_decay if optimizer is None else alpha
        clip = self._clip(optimizer, clip_norm)
        self.clips = clip is not None

        stride = next((w for w in (1, 4, 8) if w >= self.n_lanes), -(-self.n_lanes // TILE) * TILE)
        table, shape = execute.lane_table(), (n_features + 1, stride)
        names = ("weights", "gradient", *self._rules.slots)
        self._arrays = {name: aligned(shape, self.dtype) for name in names}
        self._averages = aligned(shape, np.dtype(np.float64)) if average else None
        self._table, self._lanes = table, np.zeros((table.N_BATCH_STATE, stride))
        self._row("l2")[:], self._row("l1")[:] = self._l2, self._l1
        self._row("drift")[:] = alpha * one_class
        self._row("clip")[:] = np.inf if clip is None else clip
        self._fit_intercept, self._one_class = fit_intercept, one_class
        decays = bool(getattr(optimizer, "weight_decay", 0) != 0 or self._rules.rule.__name__ == "asgd")
        self._penalised = decays or bool(strength.any())
        self._hyper = np.zeros(max(stride, TILE), self.dtype)
        if loss != "softmax":
            own = np.zeros(stride)
            own[: self.n_lanes] = self._per_lane(loss_parameter_of(OWNER, loss, loss_parameter))
            self._hyper[:] = np.resize(own, len(self._hyper))
        self._chunk = max(8, min(CHUNK, CHUNK_VALUES // max(1, n_features)))
        self._kernel = self._new_kernel(self._arrays, self._averages, self._lanes, self._chunk)
        self._tables: Tables | None = None
        self.t = 1.0

    def _check_outputs(self) -> None:
        if (self.loss == "softmax") != (self.n_outputs > 1) or self.n_lanes % self.n_outputs:
            accepted = "1, or for the loss 'softmax' the number of classes, a divisor of the number of lanes"
            raise value_error(OWNER, "n_outputs", accepted, self.n_outputs)

    def _clip(self, optimizer: Optimizer | None, clip_norm: Any) -> np.ndarray | None:
        if clip_norm is None:
            clip_norm = None if optimizer is None else optimizer.clip_norm
        if clip_norm is None:
            return None
        if isinstance(clip_norm, Schedule):
            raise value_error(OWNER, "clip_norm", "a number, or one for each lane", clip_norm)
        return self._per_lane([limit(c, OWNER, "clip_norm") for c in np.ravel(clip_norm)])

    def _new_kernel(self, arrays: dict, averages: Any, lanes: np.ndarray, chunk: int) -> Any:
        dtype, width = self.dtype.name, min(TILE, lanes.shape[1])
        loss = 0 if self.loss == "softmax" else self._table.LOSSES[self.loss, dtype, TILE]
        rule = self._table.RULES[self._rules.rule.__name__, dtype, width]
        return self._table.Batches(
            list(arrays.values()), lanes, averages, self.n_lanes, self.n_outputs, loss, self._hyper, rule, chunk, self._fit_intercept,
            self._penalised, bool(self._l1.any()), self._rules.intercept_factors,
        )  # fmt: skip

    def _per_lane(self, values: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, np.float64), (self.n_lanes,))

    def _row(self, name: str) -> np.ndarray:
        """Return one number of each lane, as a view."""
        return self._lanes[self._table.BATCH_STATE[name], : self.n_lanes]

    @property
    def t(self) -> float:
        """The number of the next step, from 1."""
        return self._kernel.t

    @t.setter
    def t(self, value: float) -> None:
        self._kernel.t = value

    # -----------------------------------------------------------------------------------------------------------------------------
    # The weights

    @property
    def coef(self) -> np.ndarray:
        """A copy of the weights, ``(n_features, K)``, every feature caught up."""
        return self._settled()[0]["weights"][:-1, : self.n_lanes].copy()

    @property
    def intercept(self) -> np.ndarray:
        """A copy of the intercepts, ``(K,)``, float64."""
        return self._arrays["weights"][-1, : self.n_lanes].astype(np.float64)

    def set_coef(self, coef: np.ndarray, intercept: Any) -> None:
        """Begin from these weights ``(n_features, K)`` and intercepts ``(K,)``: the optimizer begins anew, nothing has been averaged."""
        coef, intercept = self._checked(coef), self._per_lane(intercept)
        for array in (*self._arrays.values(), self._averages):
            if array is not None:
                array[...] = 0
        self._arrays["weights"][:-1, : self.n_lanes] = coef + 0.0  # -0.0 becomes 0.0
        self._arrays["weights"][-1, : self.n_lanes] = intercept
        self._rules.began = -1
        self._tables = None

    @property
    def average_coef(self) -> np.ndarray:
        """A copy of the averaged weights, ``(n_features, K)``; zeros, or what `set_average` gave, before averaging has begun."""
        averages = self._settled()[1]
        if averages is None:
            return np.zeros((self.n_features, self.n_lanes), self.dtype)
        return averages[:-1, : self.n_lanes].astype(self.dtype)

    @property
    def average_intercept(self) -> np.ndarray:
        """A copy of the averaged intercepts, ``(K,)``."""
        return np.zeros(self.n_lanes) if self._averages is None else self._averages[-1, : self.n_lanes].copy()

    def set_average(self, coef: np.ndarray, intercept: Any) -> None:
        """Go on averaging from these averages, which count as those of the steps from `average` to ``t - 1``."""
        if self._averages is None:
            raise value_error(OWNER, "average", "the step at which averaging begins", self.average)
        coef, intercept = self._checked(coef), self._per_lane(intercept)
        self._settle()
        self._averages[:-1, : self.n_lanes], self._averages[-1, : self.n_lanes] = coef, intercept

    def _checked(self, coef: np.ndarray) -> np.ndarray:
        coef = np.asarray(coef, self.dtype)
        if coef.shape != (self.n_features, self.n_lanes):
            raise value_error(OWNER, "coef", f"an array of shape {(self.n_features, self.n_lanes)}", coef.shape)
        return coef

    def _settled(self) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """Return arrays and averages with every feature caught up; reading them must not change the future."""
        if self._tables is None or self._tables.position == 0:
            return self._arrays, self._averages
        arrays = {name: array.copy() for name, array in self._arrays.items()}
        averages = None if self._averages is None else self._averages.copy()
        kernel = self._new_kernel(arrays, averages, self._lanes.copy(), 1)
        self._tables.settle_copy(kernel)
        return arrays, averages

    def _new_tables(self, sparse: bool) -> Tables:
        n, k = self.n_features, self.n_lanes
        return Tables(self._kernel, self._rules, sparse, n, k, self._lanes.shape[1], self._one_class)

    def _settle(self) -> None:
        """Let every feature catch up."""
        if self._tables is not None:
            self._tables.settle()

    # -----------------------------------------------------------------------------------------------------------------------------
    # Training

    def n_steps(self, n_rows: int) -> int:
        """Return how many steps so many rows are: one for each batch, of which the last may be smaller."""
        return -(-n_rows // self.batch_size)

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
        """See the rows once, in this order, updating all lanes after every batch.

        Parameters
        ----------
        rows : Rows, CSR matrix, or ndarray
            Of the dtype and number of features given at the beginning.
        targets : ndarray (n_rows, 1) or (n_rows, K)
            In the loss's own coding: -1 and 1 for margin losses, 0 and 1 for ``log_loss``, numbers of classes for ``softmax``.
        order : ndarray of integers, or None
            The numbers of the rows to see, in order; each may come never or many times. None: all, as they stand.
        rate : RateTable
            Not PA-I or PA-II; `RateTable.steps` counts the batches of the order. A constant rate of 0 for all lanes measures only:
            the optimizer's state stays, too.
        row_weight : ndarray (n_rows, 1) or (n_rows, K), optional
            Factors of each row's slope; of softmax also one column for each model.
        start, stop : int
            See only this stretch of the order; `start` is the beginning of a batch.

        Returns
        -------
        EpochResult
        """
        rows = Rows.of(rows, OWNER)
        order, targets, row_weight = self._checked_epoch(rows, targets, order, rate, row_weight)
        if start % self.batch_size:
            raise value_error(OWNER, "start", f"a multiple of batch_size={self.batch_size}", start)
        stop = len(order) if stop is None else min(stop, len(order))
        learning = rate.formula != "constant" or bool(rate.eta0.any())
        tables = self._open(
            rows, rate, start, len(order), row_weight if row_weight is None else row_weight.take(order, axis=0)
        )
        first, done, n_steps = self.t, 0, self.n_steps(max(0, stop - start))
        while done < n_steps:
            n = min(n_steps - done, tables.room)
            eta = np.broadcast_to(rate.values(self.t, start // self.batch_size + done, n), (n, self.n_lanes))
            low = start + done * self.batch_size
            part = order[low : min(low + n * self.batch_size, stop)]
            self._steps(rows, part, targets, row_weight, eta, learning)
            done += n
        if stop == len(order):
            self._settle()
        return self._result(max(0, stop - start), round(self.t - first), row_weight is not None)

    def _open(self, rows: Rows, rate: RateTable, start: int, n_rows: int, weights: np.ndarray | None) -> Tables:
        """Prepare for a call of `epoch`: its sums begin at 0."""
        sparse, step = rows.indices is not None, int(self.t) - 1
        if self._tables is None or self._tables.sparse != sparse:
            self._settle()
            self._tables = self._new_tables(sparse)
        if start == 0:
            self._settle()  # an interrupt may have left features behind
        last = step + self.n_steps(n_rows - start)
        self._tables.plan(self._rules.idle(rate.formula == "constant", last))
        for name in SUMS:
            self._row(name)[...] = 0
        mean = None  # column by column: NumPy adds up several at once in another order, which would change bits
        if weights is not None and self.batch_size > 1 and len(weights):
            mean = np.array([column.mean() for column in weights.T])
        self._row("mean_weight")[...] = 1 if mean is None else np.where(mean == 0, 1, mean)
        if sparse and start == 0:
            self._kernel.weigh()
        return self._tables

    def _steps(
        self, rows: Rows, order: np.ndarray, targets: np.ndarray, row_weight: Any, eta: np.ndarray, learning: bool
    ) -> None:
        """Do the steps of one filling of the tables, whose rates are `eta`."""
        tables, step = self._tables, int(self.t) - 1
        assert tables is not None
        if learning:
            if self._rules.began < 0:
                self._begin(step, eta[0])
            tables.fill(step, eta, self._l2, self._l1, self._drift, self.average)
        self._kernel.open(rows, self.batch_size, len(order), learning)
        size = self._slice_rows(rows)
        try:
            for low in range(0, len(order), size):
                part = order[low : low + size]
                y = np.ascontiguousarray(targets.take(part, axis=0), self.dtype)
                weight = None if row_weight is None else np.ascontiguousarray(row_weight.take(part, axis=0), np.float64)
                self._kernel.learn(part, y, weight)
        finally:  # an interrupt may come anywhere: only the loop itself knows how far it came
            done = self._kernel.close()
            if learning:
                self._rules.go_on(done)
        if tables.room == 0 or not tables.sparse:
            self._settle()

    def _begin(self, step: int, eta: np.ndarray) -> None:
        """Give the optimizer's state arrays their first values."""
        arrays = self._rules.initial(step, eta, self._arrays["weights"][:, : self.n_lanes])
        for slot, array in zip(self._rules.slots, arrays, strict=True):
            self._arrays[slot][:, : self.n_lanes] = array

    def _checked_epoch(self, rows: Rows, targets: np.ndarray, order: Any, rate: RateTable, row_weight: Any) -> tuple:
        checked_rows(OWNER, rows, self.dtype, self.n_features)
        n, k, models = rows.n_rows, self.n_lanes, self.n_lanes // self.n_outputs
        if targets.shape not in ((n, 1), (n, k if self.n_outputs == 1 else 1)):
            raise value_error(OWNER, "targets", f"of shape ({n}, 1) or ({n}, {k}), of softmax ({n}, 1)", targets.shape)
        if (
            self.n_outputs > 1
            and n
            and not (targets.min() >= 0 and targets.max() < self.n_outputs and (targets % 1 == 0).all())
        ):
            accepted = f"classes from 0 to {self.n_outputs - 1}"
            raise value_error(OWNER, "targets", accepted, [float(targets.min()), float(targets.max())])
        if row_weight is not None and row_weight.shape not in ((n, 1), (n, k), (n, models)):
            raise value_error(OWNER, "row_weight", f"of shape ({n}, 1) or ({n}, {k})", row_weight.shape)
        if row_weight is not None and row_weight.shape[1] not in (1, k):
            row_weight = np.repeat(row_weight, self.n_outputs, axis=1)
        if rate.code:
            raise value_error(OWNER, "rate", "a rate that does not depend on the row", rate.formula)
        if rate.formula != "optimal" and rate.eta0.any():
            self._rules.check_rates(rate.eta0)
        if rows.indices is not None and self._rules.coupled:
            fix = "Use alpha=, or AdamW, whose decay is decoupled."
            owner = type(self._rules.optimizer).__name__
            raise value_error(
                owner, "weight_decay", "0 on sparse rows, where no feature would ever rest", "another", fix
            )
        return checked_order(OWNER, order, n), targets, row_weight

    def _slice_rows(self, rows: Rows) -> int:
        stored = max(1, rows.data.size // max(1, rows.n_rows)) if rows.indices is not None else max(1, rows.n_features)
        return max(1, WORK // (stored * self._lanes.shape[1]))

    def _result(self, n_rows: int, n_steps: int, weighted: bool) -> EpochResult:
        loss, weighted_loss, weight, penalty, gradient, clipped = (self._row(name).copy() for name in SUMS)
        if not weighted:
            weighted_loss, weight = loss.copy(), np.full(self.n_lanes, float(n_rows))
        finite = np.isfinite(self._arrays["weights"][:, : self.n_lanes]).all(axis=0)
        n_steps = max(1, n_steps)
        share = clipped / n_steps if self.clips else None
        return EpochResult(
            loss, weighted_loss, weight, penalty, n_rows, gradient / n_steps, share, bool(finite.all()), finite
        )

    def decision(self, rows: Any) -> np.ndarray:
        """Return the raw predictions ``X @ coef + intercept``, ``(n_rows, K)`` in the rows' dtype."""
        rows = Rows.of(rows, OWNER)
        if rows.indices is None:
            return (rows.data @ self.coef + self.intercept).astype(self.dtype, copy=False)
        arrays, averages = self._settled()
        out = np.empty((rows.n_rows, self.n_lanes), self.dtype)
        self._new_kernel(arrays, averages, self._lanes, CHUNK).decide(rows, np.arange(rows.n_rows), out)
        return out

    # -----------------------------------------------------------------------------------------------------------------------------
    # Checkpoints

    def _kept(self) -> dict[str, np.ndarray]:
        """Return the arrays that training changes, the tables aside."""
        kept = {name: array for name, array in self._arrays.items() if name != "gradient"}
        kept |= {"sizes": self._lanes[[self._table.BATCH_STATE[n] for n in ("squares", "absolutes")]]}
        return kept if self._averages is None else kept | {"averages": self._averages}

    def state(self) -> dict[str, Any]:
        """Return copies of everything that training changes; `set_state` in an equal object goes on with the same bits."""
        found = {name: array.copy() for name, array in self._kept().items()}
        past = {} if self._tables is None else self._tables.past()
        return {"t": self.t} | found | self._rules.state() | past

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        for name, array in self._kept().items():
            if getattr(state.get(name), "shape", None) != array.shape:
                raise value_error(OWNER, "state", f"an array {name} of shape {array.shape}", sorted(state))
        for name, array in self._kept().items():
            array[...] = state[name]
        self._lanes[[self._table.BATCH_STATE[n] for n in ("squares", "absolutes")]] = state["sizes"]
        self.t = float(state["t"])
        self._rules.set_state(state)
        self._tables = None
        if "past.position" in state:
            self._tables = self._new_tables(sparse=True)
            self._tables.set_past(state)
