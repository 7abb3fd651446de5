"""Time contenders beside each other: interleaved, warmed up, in random order, with the garbage collector off."""

import contextlib
import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

WARM_UP = 3
"""Untimed steps of each contender before the first round: memory is touched, code compiled, threads started."""
LEAD_IN = 2
"""Untimed steps before each batch of several: caches and threads are as they are in a training loop."""

FEWEST = 5
"""Rounds that are made however slow they are, unless fewer are asked for."""


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Parameters
    ----------
    elements : int
        The size of the large arrays; only the full size is beyond every cache.
    rounds : int
        How often each contender is measured, at most.
    budget : float
        Seconds after which a comparison should end, if that leaves at least 5 rounds.
    batch : float
        Seconds that one sample of the fastest contender should take: that many steps are timed together.
    settle : float
        Seconds between two contenders: OpenMP's threads spin for some milliseconds after their work, on the next one's cores.
    busy : float
        Seconds of one sample beside busy processes: many time slices.
    processes : int
        Fresh interpreters started to time the import.
    """

    elements: int = 2**25
    rounds: int = 21
    budget: float = 25.0
    batch: float = 5e-3
    settle: float = 20e-3
    busy: float = 0.3
    processes: int = 11


FULL = Effort()
QUICK = Effort(elements=2**22, rounds=3, budget=1.0, settle=10e-3, busy=0.1, processes=3)


@dataclass(frozen=True)
class Contender:
    """One way to do the same work.

    Parameters
    ----------
    name : str
        What the tables call it.
    prepare : callable
        ``prepare(k)`` takes the k-th set of gradients (untimed) and returns the function that does one step.
    parameters : callable
        Returns the parameters, a list of arrays, as they are now; empty for kernels that compute nothing meaningful.
    arrays : int
        How many float32 arrays of the parameters' size one step reads or writes; 0 where that is not stated.
    """

    name: str
    prepare: Callable[[int], Callable[[], object]]
    parameters: Callable[[], list[np.ndarray]] = list
    arrays: int = 0


@dataclass(frozen=True)
class Ratio:
    """How much longer one contender takes than another: of the medians, and the median over rounds (neighbours in time)."""

    medians: float
    pairs: float

    def __str__(self) -> str:
        return f"{self.medians:.3g} (pairs {self.pairs:.3g})"


@dataclass
class Timing:
    """The samples of a comparison: seconds per step, for each contender one per round."""

    seconds: dict[str, np.ndarray]
    batch: int = 1
    steps: int = 0
    differences: dict[str, float] = field(default_factory=dict)

    def median(self, name: str) -> float:
        return float(np.median(self.seconds[name]))

    def spread(self, name: str) -> float:
        """Return half the distance of the quartiles, relative to the median."""
        low, high = np.quantile(self.seconds[name], (0.25, 0.75))
        return float((high - low) / 2 / self.median(name))

    def ratio(self, slow: str, fast: str) -> Ratio:
        return Ratio(self.median(slow) / self.median(fast), float(np.median(self.seconds[slow] / self.seconds[fast])))

    def fastest(self, names: Sequence[str]) -> str:
        return min(names, key=self.median)


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Collect garbage now, and not again inside the block."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def timed(step: Callable[[], object], n: int) -> float:
    """Return the seconds that each of n steps took."""
    begin = time.perf_counter()
    for _ in repeat(None, n):
        step()
    return (time.perf_counter() - begin) / n


def interleave(contenders: Sequence[Contender], effort: Effort) -> Timing:
    """Measure contenders in rounds, each in a new random order, all with the same number of steps and the same gradients.

    Parameters
    ----------
    contenders : sequence of Contender
    effort : Effort

    Returns
    -------
    Timing
    """
    order = np.random.default_rng(0)
    with collector_off():
        once = []
        for contender in contenders:
            step = contender.prepare(0)
            once.append(min(timed(step, 1) for _ in range(WARM_UP)))
        most = effort.budget / FEWEST / sum(once)  # steps of all contenders that one round has time for
        batch = max(1, round(min(effort.batch / min(once), most, 5000)))
        lead_in = LEAD_IN if batch > 1 else 0
        round_time = sum(once) * (batch + lead_in) + effort.settle * len(once)
        rounds = min(effort.rounds, max(FEWEST, math.ceil(effort.budget / round_time)))
        samples = np.empty((len(contenders), rounds))
        for r in range(rounds):
            for k in order.permutation(len(contenders)):
                step = contenders[k].prepare(r)
                time.sleep(effort.settle)
                for _ in range(lead_in):
                    step()
                samples[k, r] = timed(step, batch)
    seconds = {c.name: row for c, row in zip(contenders, samples, strict=True)}
    return Timing(seconds, batch, WARM_UP + rounds * (batch + lead_in))


def difference(start: list[np.ndarray], a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """Return the largest difference between two results, relative to the farthest that a parameter has moved."""
    moved = apart = 0.0
    stretch = 1 << 20  # temporary arrays stay small
    for s, x, y in zip(start, a, b, strict=True):
        s, x, y = s.reshape(-1), x.reshape(-1), y.reshape(-1)
        for low in range(0, s.size, stretch):
            part = slice(low, low + stretch)
            moved = np.maximum(moved, np.max(np.abs(x[part] - s[part])))  # a NaN comes through
            apart = np.maximum(apart, np.max(np.abs(x[part] - y[part])))
    return float(apart / moved) if moved else math.inf


def compare(contenders: Sequence[Contender], start: list[np.ndarray], effort: Effort) -> Timing:
    """Interleave contenders, the first of which is ours, and note how far the others' parameters end from ours."""
    timing = interleave(contenders, effort)
    ours = contenders[0].parameters()
    for contender in contenders[1:]:
        theirs = contender.parameters()
        if theirs:
            timing.differences[contender.name] = difference(start, ours, theirs)
    return timing
