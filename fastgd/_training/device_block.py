"""What the lanes of `DeviceLanes` are made of: their arrays, what one batch does to them, and what it measures."""

import types
from typing import Any

import numpy as np

from fastgd._kernels import execute, losses
from fastgd._kernels.array_functions import of_arrays
from fastgd._training.batch_block import SUMS
from fastgd._training.device import Columns, host
from fastgd._training.device_steps import steps_of

__all__ = ["DeviceBlock"]

STEPS = 256  # whose scalars are computed, and whose row numbers are sent, at once
LARGEST_SLOPE = 1e12


class DeviceBlock:
    """The one block of a `DeviceLanes`: what `BatchBlock` is in host memory.

    Attributes
    ----------
    arrays : dict of (array (K, n_features), array (K,))
        Of weights, gradient and the rule's state arrays: those of the weights and those of the intercepts.
    averages : (array, array) or None
        The same of the averages, in float64.
    sums : dict of array (K,)
        What is measured.
    """

    def __init__(self, owner: Any, part: slice, values: dict[str, np.ndarray], parameter: np.ndarray):
        rows = owner.rows
        self.owner, self.part, self.n, self.width = owner, part, owner.n_lanes, owner.n_lanes
        self.xp, self.own, self.values = rows.library, rows.own, values
        self.table = execute.lane_table()
        self.lanes = np.zeros((self.table.N_BATCH_STATE, self.n))
        self.kernel = types.SimpleNamespace(t=1.0)
        self.arrays = {name: self._pair() for name in ("weights", "gradient", *owner.rules.slots)}
        self.averages = self._pair(np.float64) if owner.average else None
        self.sums = {name: self.own(np.zeros(self.n), np.float64) for name in SUMS}
        self.ones, self.nowhere = self.own(np.ones(self.n), np.float64), self.own(np.full(self.n, np.nan), np.float64)
        self.constants = {name: self.own(column, np.float64) for name, column in values.items()}
        self.mean_weight = self.ones
        self.least, self.most = (self.own(np.full((1, 1), sign * LARGEST_SLOPE)) for sign in (-1, 1))
        self.steps: Any = None
        self.tables: Any = None
        if owner.loss != "softmax":
            function = getattr(losses, owner.loss)
            hyper = [self.own(parameter[None, :])] if execute.hyper_names(function) else []
            of_loss = of_arrays(function, self.xp, hyper[0] if hyper else self.arrays["weights"][0])
            self.loss = lambda z, y: of_loss(z, y, *hyper)
        else:
            self.loss = self._softmax
            self.first = self.own((np.arange(owner.n_outputs) == 0)[None, None, :])
            self.numbers = self.own(np.arange(owner.n_outputs)[None, :])

    def _pair(self, dtype: Any = None) -> tuple[Any, Any]:
        shape = self.n, self.owner.n_features
        return self.own(np.zeros(shape), dtype), self.own(np.zeros(self.n), dtype)

    def row(self, name: str) -> np.ndarray:
        """Return one number of each lane, as a view of what `report` has read."""
        return self.lanes[self.table.BATCH_STATE[name]]

    # -----------------------------------------------------------------------------------------------------------------------------
    # The weights, from and to the host

    def changed(self) -> dict[str, np.ndarray]:
        """Return copies on the host of all that training changes, laid out as in `BatchBlock.changed`; `push` takes them back."""
        self.report()
        self._weigh()
        pairs = {name: pair for name, pair in self.arrays.items() if name != "gradient"}
        pairs |= {} if self.averages is None else {"averages": self.averages}
        first, last = (self.table.BATCH_STATE[name] for name in ("squares", "clipped"))
        self.copies = {name: _joined(*pair) for name, pair in pairs.items()} | {"sizes": self.lanes[first : last + 1]}
        return self.copies

    def push(self) -> None:
        """Send what `changed` returned last to the device, as it is now."""
        for name, values in self.copies.items():
            if name == "averages":
                self._put(self.averages, values)
            elif name != "sizes":
                self._put(self.arrays[name], values)
        self.sums = {name: self.own(self.row(name), np.float64) for name in SUMS}

    def _put(self, pair: Any, values: np.ndarray) -> None:
        """Set arrays in place, which the kernels know by their addresses."""
        dtype = np.float64 if pair is self.averages else None
        pair[0][...], pair[1][...] = self.own(values[:-1].T, dtype), self.own(values[-1], dtype)

    def begin(self, coef: np.ndarray, intercept: np.ndarray) -> None:
        """Begin from these weights: no step has been done, nothing averaged."""
        nothing = np.zeros((self.owner.n_features + 1, self.n))
        for pair in (*self.arrays.values(), self.averages):
            if pair is not None:
                self._put(pair, nothing)
        self._put(self.arrays["weights"], np.concatenate([coef + 0.0, [intercept]]))

    def begin_rule(self, slots: list[np.ndarray]) -> None:
        """Give the optimizer's state arrays their first values."""
        for name, values in zip(self.owner.rules.slots, slots, strict=True):
            self._put(self.arrays[name], values)

    def coef(self) -> np.ndarray:
        return _joined(*self.arrays["weights"])[:-1]

    def average_coef(self) -> np.ndarray:
        assert self.averages is not None
        return _joined(*self.averages)[:-1]

    def finite(self) -> np.ndarray:
        w, b = self.arrays["weights"]
        return host(self.xp.all(self.xp.isfinite(w), axis=1) & self.xp.isfinite(b))

    def past(self) -> dict[str, Any]:
        """Return what features have yet to catch up with: nothing."""
        return {}

    def set_past(self, state: dict[str, Any]) -> None:
        """See `BatchBlock`; features that have yet to catch up on the host are nothing that can be gone on with here."""
        assert "past.position" not in state
        self.tables = None

    def settle(self) -> None:
        """Let every feature catch up: none ever lags here."""

    # -----------------------------------------------------------------------------------------------------------------------------
    # Steps

    def open(self, sparse: bool, fresh: bool, idle: Any, mean_weight: np.ndarray) -> None:
        """Prepare for a call of `epoch`."""
        self.mean_weight, self.tables = (
            self.own(mean_weight, np.float64),
            types.SimpleNamespace(room=STEPS, fill=self.fill),
        )
        self.row("mean_weight")[...] = mean_weight

    def begin_sums(self) -> None:
        """Let what is measured begin at 0."""
        for each in self.sums.values():
            each[...] = 0.0

    def fill(self, scalars: np.ndarray, shares: np.ndarray | None, drifts: np.ndarray) -> None:
        """Take what the next steps do; see `Tables.fill`."""
        owner, shared = self.owner, bool((scalars == scalars[..., :1]).all())
        if self.steps is None or self.steps.shared != shared:
            parameters = [[self.arrays[name][k] for name in self._touched()] for k in range(1 + owner.fit_intercept)]
            self.steps = steps_of(owner.rules.rule, parameters, shared)
        of_bias = scalars * owner.rules.intercept_factors[:, None]
        kept = [0, 1, *range(4, scalars.shape[1])]
        self.steps.fill([each[:, kept] for each in (scalars, of_bias)[: 1 + owner.fit_intercept]])
        self.now = 0
        self.shares = shares
        self.decays = self._unless_zero(scalars[:, 2], None)
        self.thresholds = self._unless_zero(scalars[:, 3], None)
        self.drifts = self._unless_zero(drifts if owner.one_class else np.zeros(1), None)

    def _touched(self) -> tuple[str, ...]:
        return "weights", "gradient", *self.owner.rules.slots

    def _unless_zero(self, values: np.ndarray, dtype: Any) -> Any:
        return self.own(values, dtype) if values.any() else None

    def learn(self, batch: Any, rows: Any, targets: Columns, weights: Columns | None, learning: bool) -> None:
        """See one batch, whose rows have these numbers."""
        xp, n, (w, b) = self.xp, len(rows), self.arrays["weights"]
        self._add_penalty(n)
        value, slope = self.loss(batch.product(w) + b, targets.take(rows))
        self._add("loss", xp.sum(value, axis=0, dtype=xp.float64))
        slope = xp.minimum(xp.maximum(slope, self.least), self.most)
        if weights is None:
            slope = slope / float(n)
        else:
            weight = weights.take(rows)
            self._add("weighted_loss", xp.sum(weight * value, axis=0))
            self._add("weight", xp.sum(weight, axis=0))
            slope = xp.astype(slope * (weight / (float(n) * self.mean_weight)), w.dtype)
        if learning:
            gradient, of_bias = self.arrays["gradient"]
            gradient[...] = batch.gradient(slope)
            of_bias[...] = xp.astype(xp.sum(slope, axis=0, dtype=xp.float64), b.dtype)
            self._measure_norms()
            self._update()

    def _softmax(self, z: Any, y: Any) -> tuple[Any, Any]:
        """Return the losses, a model's with its first lane and 0 with the others, and the slopes; `y` are numbers of classes."""
        xp, shape = self.xp, (z.shape[0], -1, self.owner.n_outputs)
        z = xp.reshape(z, shape)
        z = z - xp.max(z, axis=2, keepdims=True)
        of_class = xp.astype(y == self.numbers, z.dtype)[:, None, :]
        powers = xp.exp(z)
        total = xp.sum(powers, axis=2, keepdims=True)
        value = (xp.log(total) - xp.sum(z * of_class, axis=2, keepdims=True)) * self.first
        return tuple(xp.reshape(each, (shape[0], self.n)) for each in (value, powers / total - of_class))

    def _add(self, name: str, values: Any) -> None:
        self.sums[name] += values

    def _squares(self, array: Any) -> Any:
        """Return the sum of each lane's squares, in float64, which no float32 can leave."""
        wide = self.xp.astype(array, self.xp.float64)
        return self.xp.sum(wide * wide, axis=1)

    def _sizes(self) -> Any:
        return self.xp.sum(self.xp.abs(self.arrays["weights"][0]), axis=1, dtype=self.xp.float64)

    def _weigh(self) -> None:
        """Measure the weights, which the state of lanes in host memory keeps."""
        self.row("squares")[...] = host(self._squares(self.arrays["weights"][0]))
        self.row("absolutes")[...] = host(self._sizes()) if self.owner.has_l1 else 0

    def _add_penalty(self, n: int) -> None:
        """Add the penalty of the weights before this step, once for each row of its batch."""
        w, b = self.arrays["weights"]
        if self.values["l2"].any():
            self._add("penalty", (0.5 * n) * self.constants["l2"] * self._squares(w))
        if self.owner.has_l1:
            self._add("penalty", float(n) * self.constants["l1"] * self._sizes())
        if self.owner.one_class:
            self._add("penalty", float(n) * self.constants["drift"] * b)

    def _measure_norms(self) -> None:
        """Find the norm of each lane's gradient, of a model's lanes together, and clip."""
        xp, k, (gradient, of_bias) = self.xp, self.owner.n_outputs, self.arrays["gradient"]
        squares = self._squares(gradient)
        if self.owner.fit_intercept:
            squares = squares + xp.astype(of_bias, xp.float64) ** 2
        norm = xp.sqrt(squares)
        if k > 1:
            of_models = xp.sqrt(xp.sum(xp.reshape(squares, (-1, k)), axis=1, keepdims=True))
            norm = xp.reshape(of_models * xp.reshape(self.ones, (-1, k)), (self.n,))
        self._add("gradient", norm)
        if self.owner.clips:
            limit = self.constants["clip"]
            large = norm > limit
            self._add("clipped", xp.astype(large, xp.float64))
            factor = xp.astype(xp.where(large, limit / norm, self.ones), gradient.dtype)
            gradient *= factor[:, None]
            of_bias *= factor

    def _update(self) -> None:
        """Decay, the rule, the soft threshold, averages; see `BatchLanes`."""
        xp, (w, b), k = self.xp, self.arrays["weights"], self.now
        if self.decays is not None:
            w -= self.decays[k, :][:, None] * w
        self.steps.step()
        if self.drifts is not None:
            b -= self.drifts[k, :]
        if self.thresholds is not None:
            left = xp.abs(w) - self.thresholds[k, :][:, None]
            w[...] = xp.where(left > 0, xp.sign(w) * left, 0.0 * w)
        if self.averages is not None and self.shares is not None and self.shares[k]:
            for mean, now in zip(self.averages, (w, b), strict=True):
                mean += float(self.shares[k]) * (xp.astype(now, xp.float64) - mean)
        self.now += 1

    def note_lost(self) -> None:
        """Make lanes NaN that have met a gradient that is not finite: the rule has taken it for 0, but they have diverged."""
        w, norms = self.arrays["weights"][0], self.sums["gradient"]
        w += self.xp.astype(self.xp.where(self.xp.isfinite(norms), 0.0 * self.ones, self.nowhere), w.dtype)[:, None]

    def report(self) -> None:
        """Read what was measured."""
        for name, values in zip(SUMS, host(self.xp.stack([self.sums[n] for n in SUMS])), strict=True):
            self.row(name)[...] = values


def _joined(weights: Any, intercepts: Any) -> np.ndarray:
    """Return a copy on the host, (n_features + 1, K), the last row intercepts."""
    return np.concatenate([host(weights).T, host(intercepts)[None, :]])
