"""The types of the schedules' fields: ``Annotated[type, check]``, where ``check(value, owner, name)`` normalises the value."""

import operator
from typing import Annotated, Any

import numpy as np

from fastgd._validation import boolean, integer, real, type_error, value_error
from fastgd.schedules._durations import ACCEPTED, Duration, duration


def rate(value: object, owner: str, name: str) -> float:
    """A finite number >= 0."""
    return real(value, owner, name, 0.0)


def positive(value: object, owner: str, name: str) -> float:
    """A finite number > 0."""
    return real(value, owner, name, 0.0, closed="neither")


def fraction(value: object, owner: str, name: str) -> float:
    """A number in [0, 1]."""
    return real(value, owner, name, 0.0, 1.0)


def time(value: object, owner: str, name: str) -> "int | float | Duration":
    """A time constant: a duration that need not be whole."""
    return duration(value, owner, name, fractional=True)


def steps_or_zero(value: object, owner: str, name: str) -> "int | Duration":
    """A duration, or 0."""
    return duration(value, owner, name, low=0)


def seed(value: object, owner: str, name: str) -> int:
    """An integer in [0, 2**64)."""
    number = integer(value, owner, name, 0)
    if number >= 2**64:
        raise value_error(owner, name, "less than 2**64", value)
    return number


def durations(value: object, owner: str, name: str) -> tuple:
    """A list of durations."""
    if not isinstance(value, (tuple, list, np.ndarray)):
        raise type_error(owner, name, f"a list, each {ACCEPTED}", value)
    return tuple(duration(each, owner, name) for each in value)


def rates(value: object, owner: str, name: str) -> tuple[float, ...]:
    """A list of finite numbers >= 0."""
    if not isinstance(value, (tuple, list, np.ndarray)):
        raise type_error(owner, name, "a list of numbers", value)
    return tuple(rate(each, owner, name) for each in value)


Rate = Annotated[float, rate]
Positive = Annotated[float, positive]
Fraction = Annotated[float, fraction]
# Numbers once resolved, Durations before: Any, so that the formulas, which see numbers only, type-check.
Steps = Annotated[Any, duration]
StepsOrZero = Annotated[Any, steps_or_zero]
Time = Annotated[Any, time]
Durations = Annotated[Any, durations]
Rates = Annotated[Any, rates]
Switch = Annotated[bool, boolean]
Seed = Annotated[int, seed]


def base_and_duration(owner: str, a0: Any, T: Any) -> tuple[Any, Any]:
    """Return (a0, T) where `a0` may be left out: ``cosine(10_000)`` is ``cosine(1.0, 10_000)``."""
    if T is not None:
        return a0, T
    if isinstance(a0, (str, Duration)):
        return 1.0, a0
    try:
        return 1.0, operator.index(a0)  # type: ignore[arg-type]
    except TypeError:
        fix = "The base rate comes first, then T; the base rate alone can be left out."
        raise type_error(owner, "T", ACCEPTED, None, fix) from None
