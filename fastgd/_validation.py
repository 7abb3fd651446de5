"""Errors and argument checks: one message template for every entry point.

Template: ``the 'name' argument of Owner must be ACCEPTED; got VALUE. FIX``. Every error is raised before anything is changed, is at
most 300 characters long, and names the argument, the offending value, and what is accepted.
"""

import math
import numbers
import operator
from typing import Any

MESSAGE_LIMIT = 300


def shortened(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """Return `text`, its middle replaced by an ellipsis where it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    half = (limit - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


class _Short(Exception):
    """Keeps the messages of our errors short, whatever names and values users give."""

    def __init__(self, message: str = ""):
        super().__init__(shortened(message))


class ArgumentValueError(_Short, ValueError):
    """An argument has the right type and an unusable value."""


class ArgumentTypeError(_Short, TypeError):
    """An argument has an unusable type."""


class NonFiniteError(_Short, FloatingPointError):
    """A parameter or gradient holds NaN or infinity, or a norm exceeds what float64 can hold."""


class CorruptCheckpointError(ArgumentValueError):
    """A checkpoint file is damaged: its digest does not match its bytes."""


class ConcurrentStepError(_Short, RuntimeError):
    """Two threads used one optimizer state at the same time."""


def _message(owner: str, name: str, accepted: str, value: object, fix: str) -> str:
    subject = f"the {name!r} argument of {owner}" if owner else f"the {name!r} argument"
    return f"{subject} must be {accepted}; got {shortened(repr(value), 80)}.{' ' + fix if fix else ''}"


def value_error(owner: str, name: str, accepted: str, value: object, fix: str = "") -> ArgumentValueError:
    """Return the error for an unusable value, worded by the one template."""
    return ArgumentValueError(_message(owner, name, accepted, value, fix))


def type_error(owner: str, name: str, accepted: str, value: object, fix: str = "") -> ArgumentTypeError:
    """Return the error for an unusable type, worded by the one template."""
    return ArgumentTypeError(_message(owner, name, accepted, value, fix))


def real(
    value: object, owner: str, name: str, low: float = -math.inf, high: float = math.inf, closed: str = "both"
) -> float:
    """Return `value` as a finite float within the interval from `low` to `high`.

    Parameters
    ----------
    value : int, float, or NumPy real scalar (0-d arrays included, those of other libraries and on GPUs, too)
        Booleans, strings, complex numbers and larger arrays are refused.
    owner, name : str
        Where the argument belongs, for the message.
    low, high : float
        The bounds. An infinite bound is never attained: the value must be finite.
    closed : {"both", "left", "right", "neither"}
        Which bounds belong to the interval.
    """
    number = as_float(value, owner, name)
    above = number >= low if closed in ("both", "left") else number > low
    below = number <= high if closed in ("both", "right") else number < high
    if not (above and below and math.isfinite(number)):
        raise value_error(owner, name, _interval(low, high, closed), value)
    return number


def as_float(value: object, owner: str, name: str) -> float:
    """Return `value`, one of those that `real` accepts or NaN or infinity, as a float."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        raise type_error(owner, name, "a real number", value)
    if isinstance(value, numbers.Real):
        try:
            return float(value)
        except OverflowError:
            raise value_error(owner, name, "a number that float64 can hold", value) from None
    array: Any = value
    an_array = all(hasattr(value, name) for name in ("shape", "dtype", "item"))
    if an_array and getattr(array.dtype, "kind", "f") in "iuf":
        if math.prod(array.shape) != 1:
            raise value_error(owner, name, "a single number", value, "Pass per-parameter values through overrides=.")
        found = array.item()  # of any library's array, wherever it lies
        if type(found) is not bool and isinstance(found, numbers.Real):
            return float(found)
    raise type_error(owner, name, "a real number", value)


def _interval(low: float, high: float, closed: str) -> str:
    if low == -math.inf and high == math.inf:
        return "a finite number"
    if high == math.inf:
        return f"a finite number {'>=' if closed in ('both', 'left') else '>'} {low:g}"
    left = "[" if closed in ("both", "left") else "("
    right = "]" if closed in ("both", "right") else ")"
    return f"a number in {left}{low:g}, {high:g}{right}"


def limit(value: object, owner: str, name: str) -> float:
    """Return `value` as a clipping limit: a number >= 0, infinity included, negative zero not."""
    number = as_float(value, owner, name)
    number = number if number == math.inf else real(value, owner, name, 0)
    if math.copysign(1, number) < 0:
        raise value_error(owner, name, "a number >= 0", value, "Its sign would reverse the gradient.")
    return number


def integer(value: object, owner: str, name: str, low: int | None = None) -> int:
    """Return `value` as an int, at least `low`; booleans and floats are refused."""
    if isinstance(value, (bool, float)):
        raise type_error(owner, name, "an integer", value)
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise type_error(owner, name, "an integer", value) from None
    if low is not None and number < low:
        raise value_error(owner, name, f"an integer >= {low}", value)
    return number


def boolean(value: object, owner: str, name: str) -> bool:
    """Return `value`, which must be True or False."""
    if isinstance(value, bool):
        return value
    raise type_error(owner, name, "True or False", value)


def choice(value: object, owner: str, name: str, accepted: tuple[str, ...]) -> str:
    """Return `value`, which must be one of the accepted strings."""
    if not isinstance(value, str):
        raise type_error(owner, name, f"one of {', '.join(map(repr, accepted))}", value)
    if value not in accepted:
        raise value_error(owner, name, f"one of {', '.join(map(repr, accepted))}", value, nearest(value, accepted))
    return value


def nearest(word: str, known: "tuple[str, ...] | list[str]") -> str:
    """Return 'Did you mean ...?' for the known word closest to `word`, or an empty string."""
    import difflib

    found = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {found[0]!r}?" if found else ""


def refuse_unknown(owner: str, given: "dict[str, object]", known: "tuple[str, ...]") -> None:
    """Raise for the first keyword of `given` that is not `known`, naming the nearest known one."""
    for name, value in given.items():
        if name not in known:
            raise ArgumentTypeError(
                f"{owner} has no argument {name!r} (got {name}={shortened(repr(value), 40)}). {nearest(name, known)}"
            )
