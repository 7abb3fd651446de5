"""Lanes for the optimizers that no compiled loop over lanes can run: those that measure the whole gradient, and users' rules.

The engines of `BatchLanes` and `NetworkLanes` measure loss and gradient of each batch without moving anything; then each model's optimizer
takes its step itself, by `State.step`, with the penalty in loss and gradient. That is Python for each batch and model, about a tenth of a
millisecond beside what the batch costs, and on sparse rows a gradient of all features: batches of some hundred rows make it small.
"""

import math
from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute, rules
from fastgd._training.batch_block import SUMS, BatchBlock
from fastgd._training.batches import BatchLanes
from fastgd._training.epoch_result import EpochResult
from fastgd._training.lane_arguments import BUILT_IN, accepted_optimizer
from fastgd._training.network import NetworkLanes, NetworkResult
from fastgd._training.own_steps import OwnSteps
from fastgd._training.rows import Rows
from fastgd.optimizers._base import Optimizer

__all__ = ["OwnBatchLanes", "OwnNetworkLanes", "batch_lanes", "network_lanes", "runs_in_lines", "runs_in_networks"]

FINDS_STEPS = "whose step sizes are its own"


def runs_in_lines(optimizer: Optimizer | None) -> bool:
    """Return whether compiled loops take this optimizer's steps in linear models."""
    return optimizer is None or (optimizer.in_lanes and type(optimizer).__module__.startswith(BUILT_IN))


def runs_in_networks(optimizer: Optimizer | None) -> bool:
    """Return whether compiled loops take this optimizer's steps in networks."""
    return optimizer is None or optimizer.in_lanes


def batch_lanes(
    rows_dtype: Any, n_features: int, loss: str, *, optimizer: Optimizer | None, **options: Any
) -> BatchLanes:
    """Return linear models for any optimizer; the arguments are those of `BatchLanes`."""
    kind = BatchLanes if runs_in_lines(optimizer) else OwnBatchLanes
    return kind(rows_dtype, n_features, loss, optimizer=optimizer, **options)


def network_lanes(rows_dtype: Any, n_features: int, *args: Any, optimizer: Optimizer, **options: Any) -> NetworkLanes:
    """Return networks for any optimizer; the arguments are those of `NetworkLanes`."""
    kind = NetworkLanes if runs_in_networks(optimizer) else OwnNetworkLanes
    return kind(rows_dtype, n_features, *args, optimizer=optimizer, **options)


def _own_optimizer(owner: str, optimizer: Optimizer | None, clip_norm: Any) -> Optimizer:
    accepted = accepted_optimizer(owner, optimizer, users_rules=True, in_lanes=False)
    return accepted if clip_norm is None else accepted.replace(clip_norm=clip_norm)


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
    `weight_decay` is for both.
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
        tuner = _own_optimizer("OwnBatchLanes", optimizer, clip_norm)
        alpha = np.atleast_1d(np.asarray(alpha, np.float64))
        super().__init__(rows_dtype, n_features, loss, alpha=np.zeros_like(alpha), l1_ratio=0.0, **options)
        name = type(optimizer).__name__
        strength = self._per_lane(alpha) * penalty_on
        if (strength * self._per_lane(l1_ratio)).any():
            fix = "Use penalty='l2' or None, or an optimizer that runs in lanes."
            raise check.value_error(
                "", "l1_ratio", f"0 with {name}, {FINDS_STEPS}: L1 needs a rate", np.max(l1_ratio), fix
            )
        if average and type(tuner)._evaluated is not Optimizer._evaluated:
            raise check.value_error("", "average", f"False with {name}, which averages weights itself", average)
        self.clips, self.average = tuner.clip_norm is not None, average
        self._strength, self._pull = strength, alpha * one_class
        self._block = self._blocks[0]
        self._arrays = self._block.arrays
        weights, gradient = self._arrays["weights"], self._arrays["gradient"]
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

            self._stepper.expect(int(self.t) + 1, rates[:: self.n_outputs], measured)
            super()._steps(rows, batch, targets, row_weight, still, True)
            self._block.row("clipped")[...] = np.repeat(self._finish(), self.n_outputs)
            self._block.row("penalty")[...] = len(batch) * self._penalty
            total += lanes[places]
        lanes[places] = total

    def _measured(self, n_rows: int, weighted: bool) -> np.ndarray:
        """Return each model's loss over the batch just measured, penalty included, and put that into the gradient, too."""
        loss = self._block.row("weighted_loss" if weighted else "loss") / (n_rows * self._block.row("mean_weight"))
        if self._penalises:
            w, g, k = self._arrays["weights"], self._arrays["gradient"], self.n_lanes
            np.multiply(w[:-1, :k], self._strength.astype(self.dtype), out=self._total[:-1, :k])
            self._total[-1, :k] = self._pull
            self._total += g
            squares = np.einsum("ij,ij->j", w[:-1, :k], w[:-1, :k], dtype=np.float64)
            self._penalty = 0.5 * self._strength * squares + self._pull * w[-1, :k]
            loss = loss + self._penalty
        return loss.reshape(-1, self.n_outputs).sum(axis=1)

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
        super().set_state(state)
        self._stepper.set_state(state.get("own"), "OwnBatchLanes")
        self._mean = state["mean"]


class _Keep(Optimizer):
    """Moves nothing, and keeps the gradient in its state array, to the last bit."""

    def _rule(self):
        return rules.momentum

    def _scalars(self, age, carry):
        return {"lr": 0.0, "l2": 0.0, "mu": 0.0, "mu_c": 1.0}


class OwnNetworkLanes(NetworkLanes):
    """`NetworkLanes` whose optimizer takes its steps itself; arguments that are not named here are those of `NetworkLanes`.

    Parameters
    ----------
    rows_dtype, n_features
        As in `NetworkLanes`.
    alpha, l1 : float or array-like (K,)
        As in `NetworkLanes`.
    penalty : {"coupled"}
        The penalty's gradient is part of the gradient.
    optimizer : Optimizer
        Any; the rate of each network and step takes the place of its `lr`.
    clip_norm : float, optional
        The largest norm of the gradient, penalty included; instead of the optimizer's.
    max_norm : None

    Notes
    -----
    A network's parameters are the weights and the biases of each layer, so many arrays for optimizers that look at arrays one by one.
    """

    def __init__(
        self,
        rows_dtype: Any,
        n_features: int,
        *args: Any,
        alpha: Any = 0.0,
        l1: Any = 0.0,
        penalty: str = "coupled",
        optimizer: Optimizer,
        clip_norm: float | None = None,
        max_norm: float | None = None,
        **options: Any,
    ):
        tuner = _own_optimizer("OwnNetworkLanes", optimizer, clip_norm)
        name = type(optimizer).__name__
        if penalty != "coupled" and (np.any(alpha) or np.any(l1)):
            accepted = f"part of the gradient with {name}, {FINDS_STEPS}"
            raise check.value_error(
                "", "penalty", accepted, penalty, "Set decoupled_weight_decay=False, or no penalty."
            )
        if max_norm is not None:
            raise check.value_error("", "max_norm", f"None with {name}, which takes its steps itself", max_norm)
        super().__init__(rows_dtype, n_features, *args, alpha=alpha, l1=l1, optimizer=_Keep(), **options)
        self.optimizer = tuner
        gradient = self._slots["momentum_buffer"]
        self._stepper = OwnSteps(tuner, self.n_lanes, self._parameters, gradient, self._views)

    def _views(self, array: np.ndarray, k: int) -> dict[str, np.ndarray]:
        flat, place, found = array[k], 0, {}
        for j, layer in enumerate(self.layers):
            last = place + layer.n_in * layer.n_out
            found[f"coefs.{j}"] = flat[place:last].reshape(layer.n_in, layer.n_out)
            found[f"intercepts.{j}"] = flat[last : last + layer.n_out]
            place = last + layer.n_out
        return found

    @property
    def coef(self) -> np.ndarray:
        """A copy of all parameters, ``(n_parameters, K)``: for each layer the weights ``(n_in, n_out)``, then the biases."""
        self._finish()
        return self._own(self._stepper.evaluated()).T.copy()

    def set_coef(self, coef: np.ndarray, intercept: Any = 0.0) -> None:
        """Set all parameters, ``(n_parameters, K)``: the optimizer begins anew, for what it remembers is of the others."""
        super().set_coef(coef, intercept)
        self._stepper.begin_anew()

    def epoch(self, rows: Any, targets: np.ndarray, *args: Any, **kwargs: Any) -> NetworkResult:
        """See the rows once, in this order, each network taking a step after every batch; see `NetworkLanes.epoch`."""
        self._finish()
        return super().epoch(rows, targets, *args, **kwargs)

    def _slice_steps(self, rows: Rows) -> int:
        return 1

    def _learn(self, given: tuple, sums: np.ndarray, report: np.ndarray) -> None:
        _, part, _, _, _, mean_weight, _, steps = given
        if steps is None:
            return super()._learn(given, sums, report)
        own, fields = np.zeros_like(sums), self._table.FIELDS

        def measured() -> np.ndarray:
            loss = own[:, fields["weighted_loss"]] / mean_weight
            return (loss + own[:, fields["penalty"]]) / len(part)

        self._stepper.expect(int(self.t) + 1, steps[2][0], measured)
        super()._learn(given, own, report)
        before = self._parameters.copy()
        own[:, fields["clipped"]] = self._finish()
        sums += own
        for k in range(self.n_lanes):
            report[k, :, self._table.MEASURES["update"]] = self._update_ratios(before, k)

    def _update_ratios(self, before: np.ndarray, k: int) -> list[float]:
        """Return the norm of the change of each layer's parameters, relative to that of the parameters."""
        place, ratios = 0, []
        for layer in self.layers:
            own = slice(place, place + layer.size)
            old, new = before[k, own], self._parameters[k, own]
            size = execute.square_sum([old])
            ratios.append(math.sqrt(execute.square_sum([new - old]) / size) if size > 0 else 0.0)
            place += layer.size
        return ratios

    def _finish(self) -> np.ndarray:
        """Take the steps that are due; return whose gradients were clipped."""
        return self._stepper.finish(int(self.t))

    def decision(self, rows: Any) -> np.ndarray:
        """Return the raw outputs, ``(n_rows, K * n_decisions)``, of the parameters that are to be evaluated."""
        trained, shown = self._parameters.copy(), self._stepper.evaluated()
        self._parameters[...] = shown
        try:
            return super().decision(rows)
        finally:
            self._parameters[...] = trained

    def state(self) -> dict[str, Any]:
        """Return copies of everything that training changes; `set_state` in an equal object goes on with the same bits."""
        self._finish()
        return super().state() | {"own": self._stepper.state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        super().set_state(state)
        self._stepper.set_state(state.get("own"), "OwnNetworkLanes")
