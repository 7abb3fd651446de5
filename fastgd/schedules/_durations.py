"""Durations with units: steps, epochs, and per cent of the whole run."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastgd._validation import integer, real, type_error, value_error

LAST_STEP = 2**53
ACCEPTED = "a duration: whole steps (500, '500 steps'), '10 epochs' or '5%'"
_UNITS = {"step": "steps", "steps": "steps", "epoch": "epochs", "epochs": "epochs", "%": "%"}


@dataclass(frozen=True, slots=True)
class Duration:
    """A positive number of epochs or per cent, not yet turned into steps."""

    number: float
    unit: str

    def __str__(self) -> str:
        number = int(self.number) if self.number.is_integer() else self.number
        return f"{number}%" if self.unit == "%" else f"{number} {self.unit}"

    def exact(self, context: "Context"):
        """Return the exact number of steps, a Fraction: 33.3 means 333/10 here, not the nearest binary number."""
        from fractions import Fraction

        share = Fraction(repr(self.number))
        if self.unit == "%":
            return share / 100 * context.whole("total_steps", self)
        return share * context.whole("steps_per_epoch", self)


class Context(NamedTuple):
    """What a run knows when it starts."""

    steps_per_epoch: int | None
    total_steps: int | None

    def whole(self, name: str, duration: Duration) -> int:
        value = getattr(self, name)
        if value is None:
            raise value_error("resolve", name, f"given to resolve the duration '{duration}'", None)
        return value

    def steps(self, duration: "int | float | Duration", position) -> "int | float":
        """Return `duration` in steps when it begins at the exact `position`.

        Both ends are rounded, not the length, so that consecutive durations tile the run without gap or overlap.
        """
        if not isinstance(duration, Duration):
            return duration
        return max(1, nearest(position + duration.exact(self)) - nearest(position))


ANY = Context(1, 1)


def exact(duration: "int | float | Duration", context: Any):
    """Return the unrounded length of `duration` in steps."""
    return duration.exact(context) if isinstance(duration, Duration) else duration


def nearest(position) -> int:
    """Return the integer nearest to a position in steps, halves upward."""
    return position if isinstance(position, int) else math.floor(position * 2 + 1) // 2


def duration(value: Any, owner: str, name: str, fractional: bool = False, low: int = 1) -> Any:
    """Return `value` as an int number of steps, or as a Duration where its unit is not the step.

    With `fractional`, a positive real number of steps is accepted too: a time constant, not a count.
    """
    if isinstance(value, Duration):
        return value
    if isinstance(value, str):
        return _from_text(value, owner, name, low)
    if isinstance(value, int) and not isinstance(value, bool):
        number: float = value
    elif value is None or isinstance(value, (bool, bytes, complex)):
        raise type_error(owner, name, ACCEPTED, value)
    else:
        number = real(value, owner, name)
        if fractional and not number.is_integer():
            return real(value, owner, name, 0.0, closed="neither")
    if number != number // 1 or not low <= number <= LAST_STEP:
        raise value_error(owner, name, f"{ACCEPTED}, at least {low} and at most 2**53", value)
    return int(number)


def _from_text(text: str, owner: str, name: str, low: int) -> "int | Duration":
    words = text.replace("%", " % ").split()
    try:
        number, unit = float(words[0]), _UNITS[words[1]]
    except (IndexError, KeyError, ValueError):
        raise value_error(owner, name, ACCEPTED, text) from None
    if len(words) != 2 or not 0 < number < math.inf:
        raise value_error(owner, name, ACCEPTED, text)
    return duration(number, owner, name, low=low) if unit == "steps" else Duration(number, unit)


def context(steps_per_epoch: object, total_steps: object) -> Context:
    """Return the checked context of `Schedule.resolve`."""
    given = {"steps_per_epoch": steps_per_epoch, "total_steps": total_steps}
    return Context(*(None if value is None else integer(value, "resolve", name, 1) for name, value in given.items()))
