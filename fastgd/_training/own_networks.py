"""Networks whose optimizer takes its steps itself; see ``own_lanes.py``."""

import math
from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute, rules
from fastgd._training.network import NetworkLanes, NetworkResult
from fastgd._training.own_steps import FINDS_STEPS, OwnSteps, own_optimizer
from fastgd._training.rows import Rows
from fastgd.optimizers._base import Optimizer

__all__ = ["OwnNetworkLanes"]


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
    non_negative : bool
        As in `NetworkLanes`, and so are averages where they are read. False for optimizers that search: a step that stops at 0 may never
        lower the loss as much as the whole gradient promises.

    Notes
    -----
    A network's parameters are the weights and the biases of each layer, so many arrays for optimizers that look at arrays one by one. Of
    these the parameters that are not kept are a part, all 0: what looks at a whole array counts them. What is read are the parameters to
    be evaluated: of schedule-free optimizers and with `EMA` the averages, with `Lookahead` the slow weights. Each trial step of a line
    search costs as much as a gradient over the batch, of all networks, with the same units dropped.
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
        non_negative: bool = False,
        **options: Any,
    ):
        tuner = own_optimizer("OwnNetworkLanes", optimizer, clip_norm)
        name = type(optimizer).__name__
        if penalty != "coupled" and (np.any(alpha) or np.any(l1)):
            accepted = f"part of the gradient with {name}, {FINDS_STEPS}"
            raise check.value_error(
                "", "penalty", accepted, penalty, "Set decoupled_weight_decay=False, or no penalty."
            )
        if max_norm is not None:
            raise check.value_error("", "max_norm", f"None with {name}, which takes its steps itself", max_norm)
        if non_negative and tuner.searches:
            accepted = f"False with {name}: its search knows no bounds"
            fix = "Use an optimizer without a line search, such as DoG or Adam."
            raise check.value_error("", "non_negative", accepted, non_negative, fix)
        options |= {"alpha": alpha, "l1": l1, "optimizer": _Keep()}
        super().__init__(rows_dtype, n_features, *args, **options)
        self._probe = NetworkLanes(rows_dtype, n_features, *args, **options) if tuner.searches else None
        self._non_negative = bool(non_negative)
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
        return self._own(self._shown()).T.copy()

    def _shown(self) -> np.ndarray:
        """Return the parameters that are to be evaluated, in the layout of those that are trained."""
        self._finish()
        shown = self._stepper.evaluated()
        self._constrain(shown)
        return shown

    def _constrain(self, parameters: np.ndarray) -> None:
        """Set to 0 what is not kept, and weights that must not be negative."""
        if self._kept is not None:
            self._own(parameters)[:, self._kept == 0] = 0
        if self._non_negative:
            for k in range(self.n_lanes):
                for name, view in self._views(parameters, k).items():
                    if name.startswith("coefs"):
                        np.maximum(view, 0, out=view)

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
        steps = given[-1]
        if steps is None:
            return super()._learn(given, sums, report)
        own, fields = np.zeros_like(sums), self._table.FIELDS

        def measured() -> np.ndarray:
            return self._losses(own, given)

        def tried(k: int, t: float = self.t) -> float:
            return self._tried(k, given, t)

        self._stepper.expect(int(self.t) + 1, steps[2][0], measured, tried)
        super()._learn(given, own, report)
        before = self._parameters.copy()
        own[:, fields["clipped"]] = self._finish()
        sums += own
        for k in range(self.n_lanes):
            report[k, :, self._table.MEASURES["update"]] = self._update_ratios(before, k)

    def _losses(self, sums: np.ndarray, given: tuple) -> np.ndarray:
        """Return each network's loss over a batch that was learnt from, penalty included."""
        _, part, _, _, _, mean_weight, *_ = given
        fields = self._table.FIELDS
        return (sums[:, fields["weighted_loss"]] / mean_weight + sums[:, fields["penalty"]]) / len(part)

    def _tried(self, k: int, given: tuple, t: float) -> float:
        """Return a network's loss over a batch with its parameters as they are: another object measures it, as if it learnt."""
        probe = self._probe
        assert probe is not None
        probe._parameters[...] = self._parameters
        self._constrain(probe._parameters)
        probe._clock[0] = t
        sums = np.zeros((self.n_lanes, self._table.N_SUMS))
        report = np.zeros((self.n_lanes, len(self.layers), self._table.N_REPORTS))
        probe._learn((*given[:-2], probe._clock, given[-1]), sums, report)
        return float(self._losses(sums, given)[k])

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
        return self._stepper.finish(int(self.t), lambda: self._constrain(self._parameters))

    def decision(self, rows: Any) -> np.ndarray:
        """Return the raw outputs, ``(n_rows, K * n_decisions)``, of the parameters that are to be evaluated."""
        shown = self._shown()
        trained = self._parameters.copy()
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
        self._stepper.check_state(state.get("own"), "OwnNetworkLanes")
        super().set_state(state)
        self._stepper.set_state(state["own"])
        if self._kept is not None and self._own(self._parameters)[:, self._kept == 0].any():
            self.set_coef(self.coef)  # it has been pruned since: the optimizer begins anew
