"""Random schedules: pure functions of the step, drawn from a counter-based generator."""

import functools
import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from fastgd._kernels._shapes import between
from fastgd._validation import real, type_error, value_error
from fastgd.schedules._algebra import factory
from fastgd.schedules._arguments import Positive, Rate, Seed, Steps, rate
from fastgd.schedules.base import Schedule
from fastgd.schedules.compose import _bound, ordered

BLOCK = 4096
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio, an odd number
WALK_LIMIT = 2**31
_DELTA = "a number, a range (low, high), or ('normal', mean, deviation)"


@functools.lru_cache(maxsize=16)
def uniforms(seed: int, block: int, stream: int = 0) -> tuple[float, ...]:
    """Return `BLOCK` numbers uniform in [0, 1), a function of the arguments alone.

    SplitMix64's finaliser (G. L. Steele, D. Lea, C. H. Flood, Fast Splittable Pseudorandom Number Generators, 2014) is applied
    twice, to the key and to the counter: integer arithmetic, so the same numbers on every machine and NumPy version.
    """
    counter = np.arange(BLOCK, dtype=np.uint64) + np.uint64(block * BLOCK)
    bits = _mixed(counter * GOLDEN + _mixed(np.array([seed], np.uint64) + np.uint64(stream) * GOLDEN))
    return tuple(((bits >> np.uint64(11)) * 2.0**-53).tolist())


def _mixed(z: np.ndarray) -> np.ndarray:
    z = z + GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@dataclass(frozen=True, repr=False)
class Random(Schedule, kind="random"):
    """A log-uniform draw per period."""

    low: Positive
    high: Positive
    seed: Seed
    every: Steps = 1

    def _prepare(self) -> None:
        ordered("random", self.low, self.high)
        self._set(_log=math.log(self.low), _span=math.log(self.high) - math.log(self.low))

    def _at(self, t: int, memory) -> float:
        block, i = divmod(t // self.every, BLOCK)
        log = self._log + self._span * uniforms(self.seed, block)[i]
        try:
            return between(math.exp(log), self.low, self.high)
        except OverflowError:  # by rounding, where `high` is the largest float
            return self.high


@factory
def random(low: float, high: float, seed: int, every: "int | str" = 1) -> Schedule:
    """Return a log-uniform draw per period: ``a_t = low * (high/low)**u_k`` with ``k = floor(t/every)`` and u uniform in [0, 1).

    The draws are a function of `seed` and k alone, whatever the order of evaluation.

    Parameters
    ----------
    low, high : float
        The range, positive.
    seed : int
        In [0, 2**64).
    every : int or str
        The length of a period.

    References
    ----------
    J. Bergstra, Y. Bengio, Random Search for Hyper-Parameter Optimization, JMLR 2012 (log-uniform rates).

    Examples
    --------
    >>> from fastgd.schedules import random
    >>> s = random(1e-4, 1e-2, seed=0, every=2)
    >>> bool(s(0) == s(1)), 1e-4 <= s(2) <= 1e-2
    (True, True)
    """
    return Random(low, high, seed, every)


def _delta(value: object, owner: str, name: str) -> "float | tuple":
    if isinstance(value, (tuple, list)):
        items = tuple(value)
        if len(items) == 2:
            low, high = (real(each, owner, name) for each in items)
            if low <= high:
                return low, high
        elif len(items) == 3 and items[0] == "normal":
            return "normal", real(items[1], owner, name), rate(items[2], owner, name)
        raise value_error(owner, name, _DELTA, value)
    if isinstance(value, str) or value is None:
        raise type_error(owner, name, _DELTA, value)
    return real(value, owner, name)


@dataclass(frozen=True, repr=False)
class RandomWalk(Schedule, kind="random_walk"):
    """A clipped sum of random increments; the value at the start of each block of steps is remembered."""

    a0: Rate
    delta: Annotated[Any, _delta]
    seed: Seed = 0
    low: Rate = 0.0
    high: Annotated[float | None, _bound] = None

    def _prepare(self) -> None:
        ordered("random_walk", self.low, self.high)
        self._set(_high=math.inf if self.high is None else self.high)
        if not self.low <= self.a0 <= self._high:
            raise value_error("random_walk", "a0", f"within [low, high] = [{self.low}, {self.high}]", self.a0)
        # Threads may both compute an entry: they write the same number, and the pair below is replaced as a whole.
        self._set(_starts={0: self.a0}, _latest=(-1, []))

    def _at(self, t: int, memory) -> float:
        if not isinstance(self.delta, tuple):
            return min(max(self.a0 + t * self.delta, self.low), self._high)
        if t > WALK_LIMIT:
            fix = "A walk has to be walked: it costs time in proportion to t."
            raise value_error("random_walk", "t", "at most 2**31", t, fix)
        block, i = divmod(t, BLOCK)
        return self._block(block)[i]

    def _block(self, block: int) -> list[float]:
        latest, values = self._latest
        if latest == block:
            return values
        known = block
        while known not in self._starts:
            known -= 1
        for b in range(known, block + 1):
            values = self._walked(self._starts[b], b)
            self._starts[b + 1] = values.pop()
        self._set(_latest=(block, values))
        return values

    def _walked(self, value: float, block: int) -> list[float]:
        """Return the values at the steps of the block, and at the step after it."""
        low, high = self.low, self._high
        values = [value]
        for increment in self._increments(block):
            value = min(max(value + increment, low), high)
            values.append(value)
        return values

    def _increments(self, block: int) -> list[float]:
        u = uniforms(self.seed, block)
        if self.delta[0] != "normal":
            low, high = self.delta
            return [low * (1.0 - x) + high * x for x in u]
        _, mean, deviation = self.delta
        angles = uniforms(self.seed, block, stream=1)
        return [
            mean + deviation * math.sqrt(-2.0 * math.log(1.0 - x)) * math.cos(2.0 * math.pi * y)
            for x, y in zip(u, angles, strict=True)
        ]


@factory
def random_walk(
    a0: float,
    delta: "float | tuple[float, float] | tuple[str, float, float]",
    seed: int = 0,
    low: float = 0.0,
    high: float | None = None,
) -> Schedule:
    """Return the walk ``a_t = clip(a_{t-1} + delta_t, low, high)``, clipped at every step.

    The increments are a function of `seed` and t alone. A random walk is computed from its beginning, once, about 0.3 us per
    step, and up to t = 2**31; a steady one is ``clip(a0 + t * delta, low, high)`` at any t.

    Parameters
    ----------
    a0 : float
        The rate at step 0, within [low, high].
    delta : float or tuple
        A number: the same increment at every step. A range ``(low, high)``: uniform increments. ``("normal", mean,
        deviation)``: normal increments, by the Box-Muller transform.
    seed : int
        In [0, 2**64).
    low, high : float
        The bounds; no upper one by default.

    References
    ----------
    G. E. P. Box, M. E. Muller, A Note on the Generation of Random Normal Deviates, 1958.

    Examples
    --------
    >>> from fastgd.schedules import random_walk
    >>> random_walk(0.5, 0.25, high=1.0).values(4)
    array([0.5 , 0.75, 1.  , 1.  ])
    >>> s = random_walk(0.1, (-0.01, 0.01), seed=7)
    >>> bool(abs(s(1001) - s(1000)) <= 0.01)
    True
    """
    return RandomWalk(a0, delta, seed, low, high)
