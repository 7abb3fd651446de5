"""What joins schedules: operators, methods that wrap, and the meaning of a number or a text as a schedule."""

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastgd._validation import real, refuse_unknown, type_error

if TYPE_CHECKING:
    from fastgd.schedules.base import Schedule

CLASSES: dict[str, Any] = {}
FACTORIES: dict[str, Callable] = {}


def factory(function: Callable) -> Callable:
    """Register a public factory under its name, and name the nearest argument where a keyword is misspelt."""
    known = tuple(inspect.signature(function).parameters)

    @functools.wraps(function)
    def make(*args, **kwargs):
        if kwargs:
            refuse_unknown(function.__name__, kwargs, known)
        return function(*args, **kwargs)

    FACTORIES[function.__name__] = make
    return make


class Algebra:
    """The composition rules of schedules; the classes of the results are in compose.py and found by name."""

    # NumPy scalars hand `scalar * schedule` over to __rmul__ instead of making an object array.
    __array_ufunc__ = None

    def __rshift__(self, other) -> "Schedule":
        return CLASSES["sequence"]((self, other))

    def __rrshift__(self, other) -> "Schedule":
        return CLASSES["sequence"]((other, self))

    def __mul__(self, other) -> "Schedule":
        return CLASSES["product"]((self, other))

    def __rmul__(self, other) -> "Schedule":
        return CLASSES["product"]((other, self))

    def __add__(self, other) -> "Schedule":
        return CLASSES["sum"]((self, other))

    def __radd__(self, other) -> "Schedule":
        return CLASSES["sum"]((other, self))

    def clip(self, low: float | None = None, high: float | None = None) -> "Schedule":
        """Return the schedule kept within [low, high].

        Parameters
        ----------
        low, high : float, optional
            The bounds; None means unbounded.

        Examples
        --------
        >>> from fastgd.schedules import inverse_time
        >>> inverse_time(1.0, 10).clip(low=0.25)(1000)
        0.25
        """
        return CLASSES["clip"](self, low, high)

    def shift(self, n: "int | str") -> "Schedule":
        """Return the schedule begun `n` steps later, its first value held until then; with negative `n`, entered part-way.

        The value at step `t` is ``s(max(t - n, 0))``.

        Parameters
        ----------
        n : int or str
            A number of steps, which may be negative, or a duration such as ``"2 epochs"``.

        Examples
        --------
        >>> from fastgd.schedules import linear
        >>> linear(1.0, 4).shift(2).values(5)
        array([1.  , 1.  , 1.  , 0.75, 0.5 ])
        >>> linear(1.0, 4).shift(-2)(0)
        0.5
        """
        return CLASSES["shift"](self, n)

    def lasting(self, T: "int | str") -> "Schedule":
        """Return the schedule with a duration, after which ``>>`` goes on to the next part.

        Parameters
        ----------
        T : int or str
            The duration: steps, or text such as ``"2 epochs"`` or ``"5%"``.

        Examples
        --------
        >>> from fastgd.schedules import constant, linear
        >>> (constant(0.5).lasting(3) >> linear(0.5, 2)).values(5)
        array([0.5 , 0.5 , 0.5 , 0.5 , 0.25])
        """
        return CLASSES["lasting"](self, T)


def as_schedule(value: "float | str | Schedule", owner: str = "", name: str = "schedule") -> "Schedule":
    """Return `value` as a schedule: a number means a constant, a string is parsed.

    Parameters
    ----------
    value : float, Schedule or str
        NumPy scalars and 0-d arrays count as numbers. Numbers must be finite and not negative.
    owner, name : str
        Whose argument this is, for error messages.

    Raises
    ------
    ArgumentTypeError
        `value` is something else, a boolean for example.

    Examples
    --------
    >>> from fastgd.schedules import as_schedule
    >>> as_schedule(0.1)
    constant(0.1)
    """
    if isinstance(value, Algebra):
        return value  # type: ignore[return-value]  # Schedule is the only subclass
    if isinstance(value, str):
        from fastgd.schedules.text import parse

        return parse(value)
    if value is None or isinstance(value, (bool, complex)):
        raise type_error(owner, name, "a number, a schedule or its text", value)
    return CLASSES["constant"](real(value, owner, name, 0.0))
