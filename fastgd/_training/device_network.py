"""Networks in lanes on arrays of any library, as on a GPU: `NetworkLanes`, whose parameters and arithmetic are where the rows are."""

from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import activations, losses
from fastgd._kernels.array_functions import of_arrays
from fastgd._training.device import Columns, DeviceRows, host
from fastgd._training.device_dropout import factors
from fastgd._training.device_steps import steps_of
from fastgd._training.lane_arguments import checked_state
from fastgd._training.network import NetworkLanes
from fastgd._training.network_shape import SOFTMAX, Head

__all__ = ["DeviceNetworks"]

STEPS = 256  # whose scalars are computed, and whose row numbers are sent, at once


class DeviceNetworks(NetworkLanes):
    """`NetworkLanes` whose parameters are arrays of the rows' library, on the rows' device.

    Arguments, methods and results are those of `NetworkLanes`: a step is the same to rounding. Each network's products are the library's;
    the optimizer's rule is run by the kernels of `device_steps.py`. What is read are copies on the host.

    Parameters
    ----------
    rows : DeviceRows
        Any rows of the library, on the device, of the dtype and number of features that will be learnt from.
    *args, **options
        As in `NetworkLanes`.
    """

    def __init__(self, rows: DeviceRows, *args: Any, **options: Any):
        self.xp, self.rows = rows.library, rows
        batch_size = options.pop("batch_size", 32)
        # The compiled code is not called: its arrays need no room for a batch.
        super().__init__(rows.dtype, rows.n_features, *args, **options | {"n_threads": 1, "batch_size": 1})
        self.batch_size = check.integer(batch_size, "DeviceNetworks", "batch_size", 1)
        seeds = np.atleast_1d(np.asarray(options.get("seed", 0), np.uint64))
        self._seeds = np.broadcast_to(seeds, (self.n_lanes,)).tolist()
        del self._networks
        first: Any = super()._own(self._parameters)
        self._parameters = rows.own(first)
        self._slots = {name: rows.own(np.zeros(first.shape)) for name in self._slots}
        self._gradient = rows.own(np.zeros(first.shape))
        self._steps: Any = None
        self._sent: dict[str, Columns] = {}
        self._l2, self._l1 = (self._penalties(options.get(name, 0.0)) for name in ("alpha", "l1"))
        self._decoupled, self._non_negative = options.get("penalty") == "decoupled", bool(options.get("non_negative"))
        self._mask = None if self._kept is None else rows.own(self._kept)
        self._activations = [self._activation(layer) for layer in self.layers[:-1]]
        self._losses = [self._loss(head) for head in self.heads]

    def _penalties(self, given: Any) -> list[float]:
        return np.broadcast_to(np.asarray(given, np.float64), (self.n_lanes,)).tolist()

    def _function(self, function: Any, hyper: Any) -> Any:
        """Return a function of numbers, its hyperparameters given, as one of arrays."""
        values = [self.rows.own(np.full((1, 1), value)) for value in hyper]
        of_array = of_arrays(function, self.xp, self._parameters)
        return lambda *arrays: of_array(*arrays, *values)

    def _activation(self, layer: Any) -> Any:
        return self._function(getattr(activations, layer.activation), layer.hyper)

    def _loss(self, head: Head) -> Any:
        if head.loss in SOFTMAX:
            numbers = self.rows.own(np.arange(head.n_out)[None, :])
            return lambda z, y: self._softmax(
                head, z, y if head.loss != "softmax" else self.xp.astype(y == numbers, z.dtype)
            )
        function = getattr(losses, head.loss)
        hyper = [head.parameter] if head.parameter else []
        return self._function(function, hyper)

    def _softmax(self, head: Head, z: Any, y: Any) -> tuple[Any, Any]:
        """Return the losses (n, 1) and slopes of probabilities `y`; see ``network_heads.pxd`` for the temperature."""
        xp, temperature = self.xp, float(head.parameter)
        z = (z - xp.max(z, axis=1, keepdims=True)) / temperature
        powers = xp.exp(z)
        total, mass = xp.sum(powers, axis=1, keepdims=True), xp.sum(y, axis=1, keepdims=True)
        value = mass * xp.log(total) - xp.sum(y * z, axis=1, keepdims=True)
        return temperature**2 * value, temperature * (mass * (powers / total) - y)

    # -----------------------------------------------------------------------------------------------------------------------------
    # The parameters, from and to the host

    def _own(self, array: Any) -> np.ndarray:
        """Return a copy on the host of what belongs to the networks, (K, n_parameters)."""
        return array[:, : self.n_parameters] if isinstance(array, np.ndarray) else host(array)

    def _put(self, parameters: np.ndarray, which: Any = slice(None)) -> None:
        if isinstance(self._parameters, np.ndarray):  # at the beginning
            return super()._put(parameters, which)
        kept = parameters if self._kept is None else np.where(self._kept, parameters, 0)
        self._parameters[...] = self.rows.own(np.broadcast_to(kept, (self.n_lanes, self.n_parameters)))

    def _begin_slots(self, rates: np.ndarray) -> None:
        arrays = self._rules.initial(0, np.broadcast_to(rates, self.n_lanes), self._own(self._parameters).T)
        for array, first in zip(self._slots.values(), arrays, strict=True):
            array[...] = self.rows.own(first.T)

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned, here or in `NetworkLanes` on the host."""
        arrays = {"parameters": self._parameters, **self._slots}
        checked_state("DeviceNetworks", state, dict.fromkeys(arrays, (self.n_lanes, self.n_parameters)))
        for name, array in arrays.items():
            array[...] = self.rows.own(state[name])
        self._clock[0] = state["t"]
        self._rules.set_state(state, int(self.t) - 1)

    def _views(self, array: Any, k: int) -> list[tuple[Any, Any]]:
        """Return the weights (n_in, n_out) and biases of each layer of a network."""
        found, place = [], 0
        for layer in self.layers:
            last = place + layer.n_in * layer.n_out
            weights = self.xp.reshape(array[k, place:last], (layer.n_in, layer.n_out))
            found.append((weights, array[k, last : last + layer.n_out]))
            place = last + layer.n_out
        return found

    # -----------------------------------------------------------------------------------------------------------------------------
    # Training

    def _slice_steps(self, rows: Any) -> int:
        return STEPS

    def _columns(self, name: str, values: Any, rows: DeviceRows, dtype: Any) -> Columns:
        """Return targets or weights on the device, where they stay until others come."""
        kept = self._sent.get(name)
        if kept is None or kept.source is not values:
            kept = self._sent[name] = Columns(values, rows, dtype)
        return kept

    def _learn(self, given: tuple, sums: np.ndarray, report: np.ndarray) -> None:
        """See the rows of a slice."""
        rows, order, size, targets, weight, mean_weight, clock, steps = given
        if steps is not None:
            self._fill(steps[0])
        targets = self._columns("targets", targets, rows, self.dtype)
        weights = None if weight is None else self._columns("weight", weight, rows, np.float64)
        found = {name: self.rows.own(np.zeros(self.n_lanes), np.float64) for name in self._table.FIELDS}
        n_steps, report[...] = self.n_steps(len(order)), 0
        with np.errstate(all="ignore"):  # of libraries in host memory
            for number, (numbers, batch) in enumerate(rows.batches(order, size)):
                y, weight = targets.take(numbers), None if weights is None else weights.take(numbers)
                last = steps is not None and number == n_steps - 1
                dead = [
                    self._see(k, batch, y, weight, mean_weight[k], len(numbers), found, steps is not None)
                    for k in range(self.n_lanes)
                ]
                if steps is not None:
                    norms = self._measure_gradient(len(numbers), found)
                    before = (self.xp.asarray(self._parameters, copy=True), self._layer_norms(), dead) if last else None
                    self._step(norms, float(steps[1][number]), steps[2][number], found)
                    if before is not None:
                        self._report(*before, report)
                clock += steps is not None
        for name, values in zip(found, host(self.xp.stack(list(found.values()))), strict=True):
            sums[:, self._table.FIELDS[name]] += values

    def _fill(self, scalars: np.ndarray) -> None:
        """Take the scalars of the next steps, (n_steps, K, n_scalars)."""
        shared = bool((scalars == scalars[:, :1]).all())
        if self._steps is None or self._steps.shared != shared:
            parameter = [self._parameters, self._gradient, *self._slots.values()]
            self._steps = steps_of(self._rules.rule, [parameter], shared)
        self._steps.fill([scalars.transpose(0, 2, 1)])

    def _see(
        self, k: int, batch: Any, y: Any, weight: Any, mean_weight: float, n: int, found: dict[str, Any], learns: bool
    ) -> list[Any]:
        """Measure the batch with one network, and find its gradient; return of each layer the slopes of its units."""
        xp, layers = self.xp, self._views(self._parameters, k)
        values, slopes = self._forward(batch, layers, k if learns else None)
        value: Any = 0.0
        slope: list[Any] = []
        for head, loss in zip(self.heads, self._losses, strict=True):
            z, of_head = (
                a[:, i : i + m] for a, i, m in ((values[-1], head.first, head.n_out), (y, head.target, head.n_targets))
            )
            own, slopes_of_head = loss(z, of_head)
            value = value + head.weight * xp.sum(own, axis=1)
            slope.append(head.weight * slopes_of_head)
        found["loss"][k] += xp.sum(value, dtype=xp.float64)
        factor: Any = float(1.0 / (n * mean_weight))
        if weight is not None:
            weight = weight[:, 0] if weight.shape[1] == 1 else weight[:, k]
            found["weighted_loss"][k] += xp.sum(weight * value)
            found["weight"][k] += xp.sum(weight)
            factor = xp.astype(weight * factor, value.dtype)[:, None]
        else:
            found["weighted_loss"][k] += xp.sum(value, dtype=xp.float64)
            found["weight"][k] += float(n)
        slopes.append(factor * (slope[0] if len(slope) == 1 else xp.concat(slope, axis=1)))
        if learns:
            self._backward(batch, layers, values, slopes, k)
        return slopes

    def _forward(self, batch: Any, layers: list, dropping: int | None = None) -> tuple[list[Any], list[Any]]:
        """Return the values of each layer, and the slopes of the activations of the hidden ones; with dropout those of a network."""
        values: list[Any] = []
        slopes: list[Any] = []
        for k, (weights, biases) in enumerate(layers):
            z = (batch.product(batch.turned(weights)) if k == 0 else values[-1] @ weights) + biases
            if k < len(self._activations):
                z, slope = self._activations[k](z)
                slope = slope + 0 * z  # of some it is one number
                if dropping is not None and self.layers[k].dropout:
                    place = self._seeds[dropping], int(self._clock[0]), k
                    kept = factors(self.rows, tuple(z.shape), self.layers[k].dropout, *place)
                    z, slope = z * kept, slope * kept
                slopes.append(slope)
            values.append(z)
        return values, slopes

    def _backward(self, batch: Any, layers: list, values: list[Any], slopes: list[Any], k: int) -> None:
        """Write the gradient, from the slopes of the outputs; those of the activations become those of the units."""
        xp, place = self.xp, self.n_parameters
        for at in range(len(layers) - 1, -1, -1):
            layer, slope = self.layers[at], slopes[at]
            of_weights = batch.gradient(slope).T if at == 0 else values[at - 1].T @ slope
            place -= layer.size
            last = place + layer.n_in * layer.n_out
            self._gradient[k, place:last] = xp.reshape(of_weights, (-1,))
            self._gradient[k, last : place + layer.size] = xp.sum(slope, axis=0)
            if at > 0:
                slopes[at - 1] = slopes[at - 1] * (slope @ layers[at][0].T)

    def _squares(self, array: Any) -> Any:
        wide = self.xp.astype(array, self.xp.float64)
        return self.xp.sum(wide * wide)

    def _measure_gradient(self, n: int, found: dict[str, Any]) -> list[Any]:
        """Add the penalties' gradients; return the norm of each network's gradient."""
        norms = []
        for k in range(self.n_lanes):
            self._penalise(k, n, found)
            gradient = self._gradient[k, :]
            if self._mask is not None:
                gradient *= self._mask
            norms.append(self.xp.sqrt(self._squares(gradient)))
            found["gradient"][k] += norms[k]
            found["nonfinite"][k] += self.xp.astype(~self.xp.isfinite(norms[k]), self.xp.float64)
        return norms

    def _layer_norms(self) -> list[list[Any]]:
        """Return the norm of each layer's gradient, of each network."""
        every = (self._views(self._gradient, k) for k in range(self.n_lanes))
        return [[self.xp.sqrt(self._squares(g) + self._squares(b)) for g, b in layers] for layers in every]

    def _step(self, norms: list[Any], clip: float, rates: np.ndarray, found: dict[str, Any]) -> None:
        """Clip, and take the optimizer's step; see `NetworkLanes`."""
        xp = self.xp
        for k in range(self.n_lanes):
            if clip < np.inf:
                gradient, large = self._gradient[k, :], norms[k] > clip
                found["clipped"][k] += xp.astype(large, xp.float64)
                gradient *= xp.astype(xp.where(large, clip / norms[k], norms[k] * 0 + 1), gradient.dtype)
            if self._decoupled and self._l2[k]:
                for weights, _ in self._views(self._parameters, k):
                    weights -= float(rates[k] * self._l2[k]) * weights
        self._steps.step()
        for k in range(self.n_lanes):
            self._constrain(k, float(rates[k]))

    def _penalise(self, k: int, n: int, found: dict[str, Any]) -> None:
        """Add the penalty of a network's weights to what is measured, and its gradient where it is coupled."""
        xp, l2, l1 = self.xp, self._l2[k], self._l1[k]
        if not (l2 or l1):
            return
        times = n if self._decoupled else 1
        pairs = zip(self._views(self._parameters, k), self._views(self._gradient, k), strict=True)
        for (weights, _), (gradient, _) in pairs:
            worth = 0.5 * l2 * self._squares(weights) + l1 * xp.sum(xp.abs(weights), dtype=xp.float64)
            found["penalty"][k] += times * worth
            if not self._decoupled:
                gradient += (l2 / n) * weights + (l1 / n) * xp.sign(weights)

    def _constrain(self, k: int, rate: float) -> None:
        """Do what comes after the rule's step: decoupled L1, what is cut out, no negative weights, the largest norm."""
        xp, threshold = self.xp, rate * self._l1[k] if self._decoupled else 0.0
        if threshold or self._non_negative or self.max_norm:
            for weights, _ in self._views(self._parameters, k):
                if threshold:
                    left = xp.abs(weights) - threshold
                    weights[...] = xp.where(left > 0, xp.sign(weights) * left, 0 * weights)
                if self._non_negative:
                    weights[...] = xp.where(weights < 0, 0 * weights, weights)
                if self.max_norm:
                    squares = xp.sum(weights * weights, axis=0)
                    large = squares > self.max_norm**2
                    weights *= xp.where(large, self.max_norm / xp.sqrt(squares), 0 * squares + 1)
        if self._mask is not None:
            row = self._parameters[k, :]
            row *= self._mask

    def _report(self, before: Any, norms: list[list[Any]], slopes: list[list[Any]], report: np.ndarray) -> None:
        """Measure each layer after the last step of a slice; see `NetworkResult`."""
        xp, at = self.xp, self._table.MEASURES
        for k in range(self.n_lanes):
            parts = zip(self._views(self._parameters, k), self._views(before, k), strict=True)
            for layer, ((w, b), (w0, b0)) in enumerate(parts):
                size = xp.sqrt(self._squares(w0) + self._squares(b0))
                change = xp.sqrt(self._squares(w - w0) + self._squares(b - b0))
                silent = xp.all(slopes[k][layer] == 0, axis=0)
                dead = xp.sum(xp.astype(silent, xp.float64)) / silent.shape[0]
                found = host(xp.stack([norms[k][layer], xp.where(size > 0, change / size, 0 * size), dead])).tolist()
                report[k, layer, [at["gradient"], at["update"], at["dead"]]] = found
            report[k, -1, at["dead"]] = 0

    def decision(self, rows: Any) -> np.ndarray:
        """Return the raw outputs, ``(n_rows, K * n_decisions)``, on the host."""
        return host(self.raw(rows))

    def raw(self, rows: DeviceRows) -> Any:
        """Return the raw outputs, ``(n_rows, K * n_decisions)``, on the device: those of the first network, of the second, and so on."""
        batch = rows.batch(range(rows.n_rows))
        with np.errstate(all="ignore"):
            every = [self._forward(batch, self._views(self._parameters, k))[0][-1] for k in range(self.n_lanes)]
        return every[0] if len(every) == 1 else self.xp.concat(every, axis=1)
