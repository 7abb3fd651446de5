"""Linear models in lanes, trained by mini-batches with any optimizer."""

from typing import Any, ClassVar

import numpy as np

from fastgd._kernels import execute
from fastgd._training.batch_block import SUMS, BatchBlock, cut
from fastgd._training.batch_scalars import RuleScalars
from fastgd._training.batch_tables import TILE, step_scalars
from fastgd._training.coded import check_classes
from fastgd._training.epoch_result import EpochResult
from fastgd._training.lane_arguments import (
    accepted_optimizer,
    checked_order,
    checked_rows,
    checked_state,
    loss_parameter_of,
)
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd._validation import limit, value_error
from fastgd.optimizers._base import Optimizer
from fastgd.schedules import Schedule

__all__ = ["BatchLanes"]

OWNER = "BatchLanes"
WORK, SPARSE_WORK = (
    2**25,
    2**21,
)  # stored values times lanes between two looks at signals: a few to a hundred milliseconds
# Rows that a thread predicts at once, least and most, and most of their stored values: until their gradient is added up they stay in a
# near cache, or where threads share them at least in a far one, and then threads wait for one another less often.
ALONE = (8, 128, 2**17)
SHARED = (16, 2048, 2**19)
WORTH = (
    2**18
)  # values of such rows, times tiles of lanes, for which another thread pays: a tenth of a millisecond, waking it takes 5 to 50 us


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
        Threads that share the work, never more than ``execute.thread_limit()``: each takes lanes of its own; where lanes are too few for
        that, all of them share every large batch of dense rows. No bit depends on it.

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

    block: ClassVar[type[BatchBlock]] = BatchBlock

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
        if optimizer is not None:
            accepted_optimizer(OWNER, optimizer)
        self.rules = RuleScalars(optimizer, self.dtype, intercept_decay)
        strength, ratio = self._per_lane(alpha) * penalty_on, self._per_lane(l1_ratio)
        self._l2, self._l1 = (1 - ratio) * strength, ratio * strength
        self._drift = alpha * intercept_decay if optimizer is None else alpha
        clip = self._clip(optimizer, clip_norm)
        self.clips = clip is not None
        parameter = np.zeros(self.n_lanes)
        if loss != "softmax":
            parameter = self._per_lane(loss_parameter_of(OWNER, loss, loss_parameter))

        self.n_threads = min(n_threads, execute.thread_limit())
        self.most_rows = min(batch_size, max(self._chunk(1), self._chunk(self.n_threads)))
        self.fit_intercept, self.one_class = fit_intercept, one_class
        decays = bool(getattr(optimizer, "weight_decay", 0) != 0 or self.rules.rule.__name__ == "asgd")
        self.penalised, self.has_l1 = decays or bool(strength.any()), bool(self._l1.any())
        values = {"l2": self._l2, "l1": self._l1, "drift": alpha * one_class}
        values |= {"clip": self._per_lane(np.inf) if clip is None else clip}
        parts = cut(self.n_lanes, n_outputs, self.n_threads)
        self._blocks = [self.block(self, part, values, parameter) for part in parts]
        self._kernels = [b.kernel for b in self._blocks]
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

    def _per_lane(self, values: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, np.float64), (self.n_lanes,))

    @property
    def t(self) -> float:
        """The number of the next step, from 1."""
        return self._kernels[0].t

    @t.setter
    def t(self, value: float) -> None:
        for kernel in self._kernels:
            kernel.t = value

    # -----------------------------------------------------------------------------------------------------------------------------
    # The weights

    @property
    def coef(self) -> np.ndarray:
        """A copy of the weights, ``(n_features, K)``, every feature caught up."""
        return np.concatenate([b.coef() for b in self._blocks], axis=1)

    @property
    def intercept(self) -> np.ndarray:
        """A copy of the intercepts, ``(K,)``, float64."""
        return self._weights()[-1].astype(np.float64)

    def _weights(self) -> np.ndarray:
        """Return a copy of the weights as they are, the last row intercepts."""
        return np.concatenate([b.changed()["weights"] for b in self._blocks], axis=1)

    def set_coef(self, coef: np.ndarray, intercept: Any) -> None:
        """Begin from these weights ``(n_features, K)`` and intercepts ``(K,)``: the optimizer begins anew, nothing has been averaged."""
        coef, intercept = self._checked(coef), self._per_lane(intercept)
        for b in self._blocks:
            b.begin(coef[:, b.part], intercept[b.part])
        self.rules.began = -1

    @property
    def average_coef(self) -> np.ndarray:
        """A copy of the averaged weights, ``(n_features, K)``; zeros, or what `set_average` gave, before averaging has begun."""
        if not self.average:
            return np.zeros((self.n_features, self.n_lanes), self.dtype)
        return np.concatenate([b.average_coef() for b in self._blocks], axis=1).astype(self.dtype)

    @property
    def average_intercept(self) -> np.ndarray:
        """A copy of the averaged intercepts, ``(K,)``."""
        return np.concatenate([b.changed()["averages"][-1] if self.average else np.zeros(b.n) for b in self._blocks])

    def set_average(self, coef: np.ndarray, intercept: Any) -> None:
        """Go on averaging from these averages, which count as those of the steps from `average` to ``t - 1``."""
        if not self.average:
            raise value_error(OWNER, "average", "the step at which averaging begins", self.average)
        coef, intercept = self._checked(coef), self._per_lane(intercept)
        for b in self._blocks:
            b.settle()
            averages = b.changed()["averages"]
            averages[:-1], averages[-1] = coef[:, b.part], intercept[b.part]

    def _checked(self, coef: np.ndarray) -> np.ndarray:
        coef = np.asarray(coef, self.dtype)
        if coef.shape != (self.n_features, self.n_lanes):
            raise value_error(OWNER, "coef", f"an array of shape {(self.n_features, self.n_lanes)}", coef.shape)
        return coef

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
        began: float | None = None,
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
        began : float, optional
            The step counter at the beginning of the order: what is measured goes on from the stretch before, and counts from there.

        Returns
        -------
        EpochResult
        """
        rows = Rows.of(rows, OWNER)
        self.rules.reach(
            int(self.t) - 1
        )  # an interrupt may have come anywhere, and measuring takes no step of the rule
        order, targets, row_weight = self._checked_epoch(rows, targets, order, rate, row_weight)
        if start % self.batch_size:
            raise value_error(OWNER, "start", f"a multiple of batch_size={self.batch_size}", start)
        stop = len(order) if stop is None else min(stop, len(order))
        learning = rate.formula != "constant" or bool(rate.eta0.any())
        self._open(rows, rate, start, len(order), row_weight if row_weight is None else row_weight.take(order, axis=0))
        if began is None:
            for b in self._blocks:
                b.begin_sums()
        first, done, n_steps = self.t, 0, self.n_steps(max(0, stop - start))
        while done < n_steps:
            n = min(n_steps - done, self._room())
            eta = np.broadcast_to(rate.values(self.t, start // self.batch_size + done, n), (n, self.n_lanes))
            low = start + done * self.batch_size
            part = order[low : min(low + n * self.batch_size, stop)]
            self._steps(rows, part, targets, row_weight, eta, learning)
            done += n
        if stop == len(order):
            self._settle()
        if began is not None:
            start, first = 0, began
        return self._result(max(0, stop - start), round(self.t - first), row_weight is not None)

    def _open(self, rows: Rows, rate: RateTable, start: int, n_rows: int, weights: np.ndarray | None) -> None:
        """Prepare for a call of `epoch`."""
        last = int(self.t) - 1 + self.n_steps(n_rows - start)
        idle = self.rules.idle(rate.formula == "constant", last)
        mean = np.ones(1)
        if weights is not None and self.batch_size > 1 and len(weights):
            mean = np.ascontiguousarray(weights.T).mean(axis=1)  # the bits of a column do not depend on the others
        mean = self._per_lane(np.where(mean == 0, 1, mean))
        for b in self._blocks:
            b.open(rows.indices is not None, start == 0, idle, mean)

    def _room(self) -> int:
        """Return how many steps may be filled in next."""
        return min(b.tables.room for b in self._blocks if b.tables is not None)

    def _settle(self) -> None:
        for b in self._blocks:
            b.settle()

    def _chunk(self, sharing: int) -> int:
        """Return how many rows are predicted at once by so many threads together."""
        least, rows, values = ALONE if sharing == 1 else SHARED
        return max(least, min(rows, values // max(1, self.n_features))) * sharing

    def _threads(self, rows: Rows) -> tuple[int, int]:
        """Return how many threads take blocks of lanes, and how many share the batches of each block: one of the two is 1.

        Batches of sparse rows are never shared: their gradients meet in the same features.
        """
        n_threads = min(self.n_threads, execute.thread_limit())
        values = min(self.batch_size, self._chunk(n_threads)) * self.n_features * -(-self._blocks[0].n // TILE)
        if rows.indices is None and len(self._blocks) < n_threads and values >= WORTH:
            return 1, n_threads
        return n_threads, 1

    def _steps(
        self, rows: Rows, order: np.ndarray, targets: np.ndarray, row_weight: Any, eta: np.ndarray, learning: bool
    ) -> None:
        """Do the steps of one filling of the tables, whose rates are `eta`."""
        if learning:
            self._fill(int(self.t) - 1, eta)
        n_threads, sharing = self._threads(rows)
        for kernel in self._kernels:
            kernel.open(rows, self.batch_size, len(order), learning, self._chunk(sharing), sharing)
        size = self._slice_rows(rows)
        try:
            for low in range(0, len(order), size):
                part = order[low : low + size]
                y = np.ascontiguousarray(targets.take(part, axis=0), self.dtype)
                weight = None if row_weight is None else np.ascontiguousarray(row_weight.take(part, axis=0), np.float64)
                self._kernels[0].learn(self._kernels, part, y, weight, n_threads)
        finally:  # an interrupt may have cut a batch off
            for kernel in self._kernels:
                kernel.close()
        if self._room() == 0 or rows.indices is None:
            self._settle()

    def _fill(self, step: int, eta: np.ndarray) -> None:
        """Fill in the tables of the steps from `step` (from 0) on."""
        if self.rules.began < 0:
            slots = self.rules.initial(step, eta[0], self._weights())
            for b in self._blocks:
                b.begin_rule(slots)
        scalars, shares, drifts = step_scalars(self.rules, step, eta, self._l2, self._l1), None, eta * self._drift
        if self._blocks[0].averages is not None:
            t = step + 1 + np.arange(len(eta))
            shares = np.where(t >= self.average, 1 / np.maximum(1, t - self.average + 1), 0)
        for b in self._blocks:
            assert b.tables is not None
            b.tables.fill(scalars[..., b.part], shares, drifts[:, b.part])

    def _checked_epoch(self, rows: Rows, targets: np.ndarray, order: Any, rate: RateTable, row_weight: Any) -> tuple:
        checked_rows(OWNER, rows, self.dtype, self.n_features)
        n, k, models = rows.n_rows, self.n_lanes, self.n_lanes // self.n_outputs
        if targets.shape not in ((n, 1), (n, k if self.n_outputs == 1 else 1)):
            raise value_error(OWNER, "targets", f"of shape ({n}, 1) or ({n}, {k}), of softmax ({n}, 1)", targets.shape)
        if self.n_outputs > 1:
            check_classes(OWNER, targets, self.n_outputs)
        if row_weight is not None and row_weight.shape not in ((n, 1), (n, k), (n, models)):
            raise value_error(OWNER, "row_weight", f"of shape ({n}, 1) or ({n}, {k})", row_weight.shape)
        if row_weight is not None and row_weight.shape[1] not in (1, k):
            row_weight = np.repeat(row_weight, self.n_outputs, axis=1)
        if rate.code:
            raise value_error(OWNER, "rate", "a rate that does not depend on the row", rate.formula)
        if rate.formula != "optimal" and rate.eta0.any():
            self.rules.check_rates(rate.eta0)
        if rows.indices is not None and self.rules.coupled:
            fix = "Use alpha=, or AdamW, whose decay is decoupled."
            owner = type(self.rules.optimizer).__name__
            raise value_error(
                owner, "weight_decay", "0 on sparse rows, where no feature would ever rest", "another", fix
            )
        return checked_order(OWNER, order, n), targets, row_weight

    def _slice_rows(self, rows: Rows) -> int:
        width = sum(b.width for b in self._blocks)
        if rows.indices is None:
            return max(1, WORK // (max(1, rows.n_features) * width))
        return max(1, SPARSE_WORK // (max(1, rows.data.size // max(1, rows.n_rows)) * width))

    def _result(self, n_rows: int, n_steps: int, weighted: bool) -> EpochResult:
        loss, weighted_loss, weight, penalty, gradient, clipped = (
            np.concatenate([b.row(name) for b in self._blocks]) for name in SUMS
        )
        if not weighted:
            weighted_loss, weight = loss.copy(), np.full(self.n_lanes, float(n_rows))
        finite = np.concatenate([b.finite() for b in self._blocks])
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
        out = np.empty((rows.n_rows, self.n_lanes), self.dtype)
        readers = [b.reader(self._chunk(1)) for b in self._blocks]
        readers[0].decide(readers, rows, np.arange(rows.n_rows), out, min(self.n_threads, execute.thread_limit()))
        return out

    # -----------------------------------------------------------------------------------------------------------------------------
    # Checkpoints

    def state(self) -> dict[str, Any]:
        """Return copies of everything that training changes; `set_state` in an equal object goes on with the same bits."""
        self.rules.reach(int(self.t) - 1)
        every = [b.changed() | _of_lanes(b.past()) for b in self._blocks]
        found = {name: np.concatenate([arrays[name] for arrays in every], axis=-1) for name in every[0]}
        return {"t": self.t} | self._blocks[0].past() | found | self.rules.state()

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned; the number of threads may be another."""
        checked_state(OWNER, state, {n: (len(a), self.n_lanes) for n, a in self._blocks[0].changed().items()})
        self.t = float(state["t"])
        self.rules.set_state(state, int(self.t) - 1)
        for b in self._blocks:
            for name, array in b.changed().items():
                array[...] = state[name][:, b.part]
            b.set_past(state)


def _of_lanes(past: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return those tables of the past that have a column for each lane."""
    return {name: past[name] for name in ("past.scalars", "past.history") if past}
