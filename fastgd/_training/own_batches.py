"""Linear models whose optimizer takes its steps itself; see ``own_lanes.py``."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._training.batch_block import SUMS, BatchBlock
from fastgd._training.batches import BatchLanes
from fastgd._training.epoch_result import EpochResult
from fastgd._training.margins import BatchMargins
from fastgd._training.own_steps import FINDS_STEPS, OwnSteps, own_optimizer
from fastgd._training.rows import Rows
from fastgd.optimizers._base import Optimizer

__all__ = ["OwnBatchLanes"]


class _OwnBlock(BatchBlock):
    """The one block of lanes whose optimizer takes its steps itself: what is read are the weights that it means to be evaluated."""

    def settled(self) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        self.owner._finish()
        arrays, averages = super().settled()
        return {**arrays, "weights": self.owner._stepper.evaluated()}, averages


class OwnBatchLanes(BatchLanes):
    """`BatchLanes` whose optimizer takes its steps itself; arguments that are not named here are those of `BatchLanes`.

    Parameters
    ----------
    rows_dtype, n_features, loss
        As in `BatchLanes`.
    alpha : array-like (K,)
        Strength of the L2 penalty, whose gradient is part of the gradient; on weights, not intercepts.
    l1_ratio : array-like (K,)
        0 wherever `alpha` counts: the soft threshold of L1 would need the rate of the step.
    penalty_on, average, one_class
        As in `BatchLanes`.
    optimizer : Optimizer
        Any; the rate of each lane and step takes the place of its `lr`.
    clip_norm : float, optional
        The largest Euclidean norm of a model's gradient, penalty included.
    n_threads : int
        Without effect: the steps themselves are Python.

    Notes
    -----
    A model's parameters are its weights and its intercept, two arrays for optimizers that look at arrays one by one. The optimizer's own
    `weight_decay` is for both. What is read are the weights to be evaluated: of schedule-free optimizers and with `EMA` the averages, with
    `Lookahead` the slow weights. A line search sees the rows of a batch once more, for all lanes together, however many steps it tries.
    """

    block = _OwnBlock

    def __init__(
        self,
        rows_dtype: Any,
        n_features: int,
        loss: str,
        *,
        alpha: Any,
        l1_ratio: Any,
        penalty_on: bool = True,
        average: int = 0,
        one_class: bool = False,
        optimizer: Optimizer | None,
        clip_norm: Any = None,
        n_threads: int = 1,
        **options: Any,
    ):
        tuner = own_optimizer("OwnBatchLanes", optimizer, clip_norm)
        alpha = np.atleast_1d(np.asarray(alpha, np.float64))
        options |= {"alpha": np.zeros_like(alpha), "l1_ratio": 0.0}
        super().__init__(rows_dtype, n_features, loss, **options)
        name = type(optimizer).__name__
        strength = self._per_lane(alpha) * penalty_on
        if (strength * self._per_lane(l1_ratio)).any():
            fix = "Use penalty='l2' or None, or an optimizer that runs in lanes."
            raise check.value_error(
                "", "l1_ratio", f"0 with {name}, {FINDS_STEPS}: L1 needs a rate", np.max(l1_ratio), fix
            )
        extras: Any = tuner.extras
        averages = type(tuner)._evaluated is not Optimizer._evaluated or any(extra.slot for extra in extras)
        if average and averages:
            raise check.value_error("", "average", f"False with {name}, which averages weights itself", average)
        self.clips, self.average = tuner.clip_norm is not None, average
        self._strength, self._pull = strength, alpha * one_class
        self._block = self._blocks[0]
        self._arrays = self._block.arrays
        weights, gradient = self._arrays["weights"], self._arrays["gradient"]
        self._searches = tuner.searches
        self._penalises = bool(strength.any() or self._pull.any())
        self._total = np.zeros_like(gradient) if self._penalises else gradient
        self._penalty = np.zeros(self.n_lanes)
        self._stepper = OwnSteps(tuner, self.n_lanes // self.n_outputs, weights, self._total, self._views)
        self._mean: tuple[float, np.ndarray | None] = 0.0, None  # the counter and the averages then

    def _views(self, array: np.ndarray, k: int) -> dict[str, np.ndarray]:
        columns: Any = slice(k * self.n_outputs, (k + 1) * self.n_outputs) if self.n_outputs > 1 else k
        coef = {"coef": array[:-1, columns]}
        bias = slice(-1, None) if self.n_outputs == 1 else -1
        return coef | {"intercept": array[bias, columns]} if self.fit_intercept else coef

    # -----------------------------------------------------------------------------------------------------------------------------
    # The weights

    @property
    def intercept(self) -> np.ndarray:
        """A copy of the intercepts, ``(K,)``, float64."""
        return self._block.settled()[0]["weights"][-1, : self.n_lanes].astype(np.float64)

    def set_coef(self, coef: np.ndarray, intercept: Any) -> None:
        """Begin from these weights ``(n_features, K)`` and intercepts ``(K,)``: the optimizer begins anew, nothing has been averaged."""
        super().set_coef(coef, intercept)
        self._stepper.begin_anew()
        self._mean = 0.0, None

    @property
    def average_coef(self) -> np.ndarray:
        """A copy of the averaged weights, ``(n_features, K)``; zeros, or what `set_average` gave, before averaging has begun."""
        return self._averaged()[:-1, : self.n_lanes].astype(self.dtype)

    @property
    def average_intercept(self) -> np.ndarray:
        """A copy of the averaged intercepts, ``(K,)``."""
        return self._averaged()[-1, : self.n_lanes].copy()

    def _averaged(self) -> np.ndarray:
        self._finish()
        return np.zeros(self._arrays["weights"].shape) if self._mean[1] is None else self._mean[1]

    def set_average(self, coef: np.ndarray, intercept: Any) -> None:
        """Go on averaging from these averages, which count as those of the steps from `average` to ``t - 1``."""
        mean = np.zeros(self._arrays["weights"].shape)
        mean[:-1, : self.n_lanes], mean[-1, : self.n_lanes] = self._checked(coef), self._per_lane(intercept)
        self._mean = self.t, mean

    # -----------------------------------------------------------------------------------------------------------------------------
    # Training

    def epoch(self, rows: Any, targets: np.ndarray, *args: Any, **kwargs: Any) -> EpochResult:
        """See the rows once, in this order, each model taking a step after every batch; see `BatchLanes.epoch`."""
        self._finish()
        return super().epoch(rows, targets, *args, **kwargs)

    def _checked_epoch(self, rows: Rows, targets: np.ndarray, order: Any, rate: Any, row_weight: Any) -> tuple:
        if rate.formula != "optimal" and rate.eta0.any():
            interval, owner = self._stepper.optimizer._interval("lr"), type(self._stepper.optimizer).__name__
            interval.number(float(rate.eta0.min()), owner, "lr (the least rate of a lane)")
        return super()._checked_epoch(rows, targets, order, rate, row_weight)

    def _steps(
        self, rows: Rows, order: np.ndarray, targets: np.ndarray, row_weight: Any, eta: np.ndarray, learning: bool
    ) -> None:
        if not learning:
            return super()._steps(rows, order, targets, row_weight, eta, learning)
        places = [self._block.table.BATCH_STATE[name] for name in SUMS]
        lanes = self._block.lanes
        total, still = lanes[places], np.zeros((1, self.n_lanes))
        for k, rates in enumerate(eta):
            batch = order[k * self.batch_size : (k + 1) * self.batch_size]
            lanes[places] = 0
            self._arrays["gradient"][...] = 0  # of sparse rows the engine only writes what they name

            def measured(n: int = len(batch)) -> np.ndarray:
                return self._measured(n, row_weight is not None)

            along = BatchMargins(self, rows, batch, targets, row_weight).along if self._searches else None
            self._stepper.expect(int(self.t) + 1, rates[:: self.n_outputs], measured, along=along)
            super()._steps(rows, batch, targets, row_weight, still, True)
            self._block.row("clipped")[...] = np.repeat(self._finish(), self.n_outputs)
            self._block.row("penalty")[...] = len(batch) * self._penalty
            total += lanes[places]
        lanes[places] = total

    def _measured(self, n_rows: int, weighted: bool) -> np.ndarray:
        """Return each model's loss over the batch just measured, penalty included, and put that into the gradient, too."""
        if self._penalises:
            w, g, k = self._arrays["weights"], self._arrays["gradient"], self.n_lanes
            np.multiply(w[:-1, :k], self._strength.astype(self.dtype), out=self._total[:-1, :k])
            self._total[-1, :k] = self._pull
            self._total += g
            self._penalty = self._penalties()
        loss = self._block.row("weighted_loss" if weighted else "loss") / (n_rows * self._block.row("mean_weight"))
        return (loss + self._penalty).reshape(-1, self.n_outputs).sum(axis=1)

    def _penalties(self) -> np.ndarray:
        """Return each lane's penalty with its weights as they are."""
        w, k = self._arrays["weights"], self.n_lanes
        squares = np.einsum("ij,ij->j", w[:-1, :k], w[:-1, :k], dtype=np.float64)
        return 0.5 * self._strength * squares + self._pull * w[-1, :k]

    # What `BatchMargins` asks for

    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights and the gradient, penalty included, ``(n_features + 1, K)`` or wider, the last row intercepts."""
        return self._arrays["weights"], self._total

    def mean_weight(self, lane: int) -> float:
        """Return the mean weight of the epoch's rows for a lane."""
        return float(self._block.row("mean_weight")[lane])

    def loss_parameter(self, lane: int) -> float:
        """Return the loss's hyperparameter of a lane."""
        return float(self._block.hyper[lane])

    def penalty_along(self, own: slice, direction: np.ndarray, scale: float) -> Callable[[float], float]:
        """Return the function that gives the penalty of these lanes after a step of some size along a direction times `scale`."""
        if not self._penalises:
            return lambda eta: 0.0
        w, d = self._arrays["weights"][:, own].astype(np.float64), direction.astype(np.float64)
        strength, pull = self._strength[own], self._pull[own]
        first, square = (
            strength @ np.einsum("ij,ij->j", w[:-1], d[:-1]),
            strength @ np.einsum("ij,ij->j", d[:-1], d[:-1]),
        )
        at_start = 0.5 * strength @ np.einsum("ij,ij->j", w[:-1], w[:-1]) + pull @ w[-1]
        first += pull @ d[-1]
        return lambda eta: float(at_start - eta * scale * first + 0.5 * (eta * scale) ** 2 * square)

    def _finish(self) -> np.ndarray:
        """Take the steps that are due; return which models' gradients were clipped."""
        return self._stepper.finish(int(self.t), self._count_into_average)

    def _count_into_average(self) -> None:
        step = int(self.t) - 1
        if 0 < self.average <= step and self._mean[0] != self.t:
            w, mean = self._arrays["weights"].astype(np.float64), self._mean[1]
            self._mean = self.t, w if mean is None else mean + (w - mean) / (step - self.average + 1)

    # -----------------------------------------------------------------------------------------------------------------------------
    # Checkpoints

    def state(self) -> dict[str, Any]:
        """Return copies of everything that training changes; `set_state` in an equal object goes on with the same bits."""
        self._finish()
        mean = None if self._mean[1] is None else self._mean[1].copy()
        return super().state() | {"own": self._stepper.state(), "mean": (self._mean[0], mean)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self._stepper.check_state(state.get("own"), "OwnBatchLanes")
        super().set_state(state)
        self._stepper.set_state(state["own"])
        self._mean = state["mean"]
