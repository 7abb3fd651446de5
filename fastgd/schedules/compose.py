"""Schedules made of schedules: sequence, product, sum, the larger, the smaller, clip, shift, a duration."""

import functools
import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from fastgd._validation import integer, real, type_error, value_error
from fastgd.schedules import _durations
from fastgd.schedules._algebra import as_schedule, factory
from fastgd.schedules._arguments import Steps
from fastgd.schedules._durations import ANY, LAST_STEP, Context, Duration
from fastgd.schedules.base import Schedule


def _schedules(value: object, owner: str, name: str) -> tuple[Schedule, ...]:
    if not isinstance(value, (tuple, list)):
        raise type_error(owner, name, "a list of schedules", value)
    parts: list[Schedule] = []
    for part in (as_schedule(each, owner, name) for each in value):
        parts.extend(part.parts if part.kind == owner else (part,))  # chains stay flat: (a * b) * c is a * b * c
    least = 1 if owner in ("maximum", "minimum") else 2
    if len(parts) < least:
        raise value_error(owner, name, f"at least {least} schedules", value)
    return tuple(parts)


Schedules = Annotated[Any, _schedules]  # a tuple, once checked


def _bound(value: object, owner: str, name: str) -> float | None:
    return None if value is None else real(value, owner, name, 0.0)


def _offset(value: object, owner: str, name: str) -> "int | Duration":
    if isinstance(value, (str, Duration)):
        return _durations.duration(value, owner, name)
    n = integer(value, owner, name)
    if abs(n) > LAST_STEP:
        raise value_error(owner, name, "at most 2**53 steps", n)
    return n


def ordered(owner: str, low: float | None, high: float | None) -> None:
    """Raise unless low <= high, None being unbounded."""
    if low is not None and high is not None and low > high:
        raise value_error(owner, "low", f"at most high = {high!r}", low)


@dataclass(frozen=True, repr=False)
class _Parallel(Schedule):
    """Schedules that run side by side; the longest duration is that of the whole."""

    parts: Schedules

    def _length(self, context: Context | None):
        lengths = [part._length(context) for part in self.parts]
        return max((length for length in lengths if length is not None), default=None)

    def _prepare(self) -> None:
        self._set(_each=tuple(part._at for part in self.parts), _nothing=(None,) * len(self.parts))

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        pairs = zip(self.parts, memory or self._nothing, strict=True)
        return functools.reduce(self._two_arrays, (part._values(first, count, its) for part, its in pairs))


class Product(_Parallel, kind="product"):
    """The product of the parts, from left to right."""

    _two_arrays = staticmethod(np.multiply)

    def _at(self, t: int, memory) -> float:
        value = 1.0
        for at, its in zip(self._each, memory or self._nothing):  # noqa: B905 (the lengths agree, and strict costs time)
            value *= at(t, its)
        return value


class Sum(_Parallel, kind="sum"):
    """The sum of the parts, from left to right."""

    _two_arrays = staticmethod(np.add)

    def _at(self, t: int, memory) -> float:
        value = 0.0
        for at, its in zip(self._each, memory or self._nothing):  # noqa: B905
            value += at(t, its)
        return value


class Maximum(_Parallel, kind="maximum"):
    """The largest of the parts."""

    def _at(self, t: int, memory) -> float:
        return max(at(t, its) for at, its in zip(self._each, memory or self._nothing, strict=True))

    @staticmethod
    def _two_arrays(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(y > x, y, x)  # as Python's max treats NaN


class Minimum(_Parallel, kind="minimum"):
    """The smallest of the parts."""

    def _at(self, t: int, memory) -> float:
        return min(at(t, its) for at, its in zip(self._each, memory or self._nothing, strict=True))

    @staticmethod
    def _two_arrays(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(y < x, y, x)


@dataclass(frozen=True, repr=False)
class Sequence(Schedule, kind="sequence"):
    """The parts one after the other, each from its own step 0; the last one goes on for ever."""

    parts: Schedules

    def _prepare(self) -> None:
        for part in self.parts[:-1]:
            if part._length(ANY) is None:
                fix = "Give it one by .lasting(n)."
                raise value_error("sequence", "parts", "schedules with a duration, all but the last", part, fix)
        if not self.is_resolved:
            return
        starts: list[int] = [0]
        targets: list[float | None] = [None]
        for part in self.parts[:-1]:
            starts.append(starts[-1] + part._length(None))
        for part, following in zip(self.parts[-2::-1], self.parts[:0:-1], strict=True):
            # A warm-up ramps to the value at which the following part starts, itself perhaps a warm-up with a target.
            value = following._at(0, None) * (1.0 if targets[0] is None else targets[0])
            targets.insert(0, value if part.kind == "warmup" else None)
        self._set(_starts=starts, _targets=targets)

    def _at(self, t: int, memory) -> float:
        i = bisect_right(self._starts, t) - 1
        value = self.parts[i]._at(t - self._starts[i], memory[i] if memory else None)
        target = self._targets[i]
        return value if target is None else value * target

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        pieces = []
        ends = [*self._starts[1:], first + count]
        for i, (part, start, end) in enumerate(zip(self.parts, self._starts, ends, strict=True)):
            low, high = max(first, start), min(first + count, end)
            if low < high:
                values = part._values(low - start, high - low, memory[i] if memory else None)
                pieces.append(values if self._targets[i] is None else values * self._targets[i])
        return np.concatenate(pieces) if pieces else np.empty(0)

    def _observe(self, memory, loss: float, t: int):
        if not self.is_stateful:
            return None
        memory = list(memory or self._start())
        i = bisect_right(self._starts, t) - 1
        memory[i] = self.parts[i]._observe(memory[i], loss, t - self._starts[i])
        return memory

    def _length(self, context: Context | None):
        lengths = [part._length(context) for part in self.parts]
        return None if lengths[-1] is None else sum(lengths)

    def _resolve(self, context: Context, position) -> Schedule:
        parts = []
        for part in self.parts[:-1]:
            end = position + part._length(context)
            if _durations.nearest(end) > _durations.nearest(position):
                parts.append(part._resolve(context, position))
            position = end
        last = self.parts[-1]._resolve(context, position)
        return Sequence((*parts, last)) if parts else last


@dataclass(frozen=True, repr=False)
class _Wrapper(Schedule):
    """One schedule with something done to it by a method of the same name."""

    of: Annotated[Schedule, as_schedule]

    def _of_memory(self, memory):
        return memory[0] if memory else None

    def _length(self, context: Context | None):
        return self.of._length(context)


@dataclass(frozen=True, repr=False)
class Clip(_Wrapper, kind="clip"):
    """The schedule kept within [low, high]."""

    low: Annotated[float | None, _bound] = None
    high: Annotated[float | None, _bound] = None

    def _prepare(self) -> None:
        ordered("clip", self.low, self.high)
        self._set(_floor=-math.inf if self.low is None else self.low)
        self._set(_ceiling=math.inf if self.high is None else self.high)

    def _at(self, t: int, memory) -> float:
        value = self.of._at(t, memory[0] if memory else None)
        return self._floor if value < self._floor else self._ceiling if value > self._ceiling else value

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        return np.clip(self.of._values(first, count, self._of_memory(memory)), self._floor, self._ceiling)


@dataclass(frozen=True, repr=False)
class Shift(_Wrapper, kind="shift"):
    """The schedule begun `n` steps later, or entered part-way where `n` is negative."""

    n: Annotated[Any, _offset]

    def _at(self, t: int, memory) -> float:
        return self.of._at(max(t - self.n, 0), memory[0] if memory else None)

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        memory = self._of_memory(memory)
        held = min(count, max(0, self.n - first))
        moving = self.of._values(max(first - self.n, 0), count - held, memory)
        return np.concatenate((np.full(held, self.of._at(0, memory)), moving)) if held else moving

    def _observe(self, memory, loss: float, t: int):
        return super()._observe(memory, loss, max(t - self.n, 0))

    def _length(self, context: Context | None):
        length = self.of._length(context)
        return None if length is None else max(0, length + _durations.exact(self.n, context))

    def _resolve(self, context: Context, position) -> Schedule:
        of = self.of._resolve(context, position + _durations.exact(self.n, context))
        return Shift(of, context.steps(self.n, position))


@dataclass(frozen=True, repr=False)
class Lasting(_Wrapper, kind="lasting"):
    """The schedule with a duration."""

    T: Steps
    _length_field = "T"

    def _at(self, t: int, memory) -> float:
        return self.of._at(t, memory[0] if memory else None)

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        return self.of._values(first, count, self._of_memory(memory))

    def _length(self, context: Context | None):
        return _durations.exact(self.T, context)


@factory
def maximum(*schedules: "Schedule | float") -> Schedule:
    """Return the largest of the schedules at every step: ``max(s_1(t), ..., s_k(t))``.

    Parameters
    ----------
    *schedules : Schedule or float
        At least one; a number means a constant.

    Returns
    -------
    Schedule
        Its duration is the longest of theirs.

    Examples
    --------
    >>> from fastgd.schedules import linear, maximum
    >>> maximum(linear(1.0, 4), 0.5).values(5)
    array([1.  , 0.75, 0.5 , 0.5 , 0.5 ])
    """
    return Maximum(schedules)


@factory
def minimum(*schedules: "Schedule | float") -> Schedule:
    """Return the smallest of the schedules at every step: ``min(s_1(t), ..., s_k(t))``.

    Parameters
    ----------
    *schedules : Schedule or float
        At least one; a number means a constant.

    Returns
    -------
    Schedule
        Its duration is the longest of theirs.

    Examples
    --------
    >>> from fastgd.schedules import linear, minimum
    >>> minimum(linear(1.0, 4), 0.5).values(5)
    array([0.5 , 0.5 , 0.5 , 0.25, 0.  ])
    """
    return Minimum(schedules)
