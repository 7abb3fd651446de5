"""The base class of all schedules: evaluation, composition, units, and the round trips through text and JSON.

A schedule is a frozen description, a pure function of the 0-based step:

>>> from fastgd.schedules import cosine, warmup
>>> rate = 1e-3 * (warmup("5%") >> cosine("95%"))
>>> print(rate)
0.001 * (warmup(5%) >> cosine(95%))
>>> rate.resolve(total_steps=1000).values(1000).max().item()
0.001
"""

import math
from dataclasses import Field, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastgd import _drawing as drawing
from fastgd._validation import ArgumentValueError, integer, real, shortened, value_error
from fastgd.schedules import _durations
from fastgd.schedules._algebra import CLASSES, Algebra
from fastgd.schedules._durations import LAST_STEP, Context, Duration

DEPTH_LIMIT = 64


@dataclass(frozen=True, repr=False)
class Schedule(Algebra):
    """A rate as a function of the step; the base class of all schedules.

    Schedules are made by the functions of `fastgd.schedules` and combined by operators: ``a >> b`` (first `a` for its
    duration, then `b` from its own step 0), ``a * b``, ``a + b``, where either side may be a number. They are immutable,
    hashable, comparable and picklable. ``str(s)`` is text that `fastgd.schedules.parse` reads back to an equal schedule;
    ``s.to_dict()`` is JSON-able and `fastgd.schedules.from_dict` reads it back.

    Attributes
    ----------
    is_resolved : bool
        Whether all durations are in steps, so that the schedule can be evaluated.
    is_stateful : bool
        Whether a part is driven by the measured loss (`plateau`, `performance`). The schedule keeps no memory itself: the caller
        does, between `start`, `observe` and `at`.

    Examples
    --------
    >>> from fastgd.schedules import cosine, parse, warmup
    >>> s = warmup(500) >> cosine(1e-3, 10_000)
    >>> s(0), s(250), s(500), s(10_500)
    (0.0, 0.0005, 0.001, 0.0)
    >>> parse(str(s)) == s
    True
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Derived attributes are set by `_set`, once, at construction."""

    kind = ""
    _length_field: ClassVar[str | None] = None  # the name of the field that is the duration
    _unit_base = False  # the text form may leave out a base rate `a0` of 1

    def __init_subclass__(cls, kind: str = "", **options):
        super().__init_subclass__(**options)
        if kind:
            cls.kind = kind
            CLASSES[kind] = cls

    def __post_init__(self):
        for each in fields(self):
            check = each.type.__metadata__[0]  # the fields are Annotated, see _arguments.py
            value = check(getattr(self, each.name), self.kind, public_name(each))
            object.__setattr__(self, each.name, value)
        depth = 1 + max((child._depth for child in self._children()), default=0)
        if depth > DEPTH_LIMIT:
            raise value_error(self.kind, "depth", f"at most {DEPTH_LIMIT} nested schedules", depth)
        self._set(_depth=depth, is_resolved=not any(isinstance(value, Duration) for value in self._flat()))
        self._set(is_stateful=any(child.is_stateful for child in self._children()))
        if self.is_resolved and not all(child.is_resolved for child in self._children()):
            self._set(is_resolved=False)
        self._prepare()

    def _set(self, **values) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _flat(self):
        for each in fields(self):
            value = getattr(self, each.name)
            yield from value if isinstance(value, tuple) else (value,)

    def _children(self) -> "tuple[Schedule, ...]":
        return tuple(value for value in self._flat() if isinstance(value, Schedule))

    def __reduce__(self):
        return type(self), tuple(getattr(self, each.name) for each in fields(self))

    # Subclasses define `_at`, and where they can do better than the defaults, the rest.

    def _prepare(self) -> None:
        """Compute what does not depend on the step."""

    def _at(self, t: int, memory) -> float:
        """Return the value at a checked step; infinity on overflow."""
        raise NotImplementedError

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        """Return the values from step `first` on, bit for bit those of `_at`.

        NumPy's own pow and cos differ from libm's in the last bit, so formulas with more than arithmetic stay in this loop.
        """
        at = self._at
        return np.array([at(t, memory) for t in range(first, first + count)], np.float64)

    def _start(self):
        return [child._start() for child in self._children()] if self.is_stateful else None

    def _observe(self, memory, loss: float, t: int):
        if not self.is_stateful:
            return None
        pairs = zip(self._children(), memory or self._start(), strict=True)
        return [child._observe(its, loss, t) for child, its in pairs]

    def _length(self, context: Context | None):
        """Return the exact duration in steps, None where there is none."""
        return None if self._length_field is None else _durations.exact(getattr(self, self._length_field), context)

    def _resolve(self, context: Context, position) -> "Schedule":
        def resolved(value):
            if isinstance(value, tuple):
                return tuple(map(resolved, value))
            if isinstance(value, Schedule):
                return value._resolve(context, position)
            return context.steps(value, position)

        return type(self)(*(resolved(getattr(self, each.name)) for each in fields(self)))

    # Evaluation

    def __call__(self, t: int) -> float:
        """Return the value at step `t`; measured parts are at their starting value."""
        return self.at(t, None)

    def at(self, t: int, memory=None) -> float:
        """Return the value at step `t`.

        Parameters
        ----------
        t : int
            The 0-based step, at most 2**53.
        memory : JSON-able, optional
            What `start` and `observe` returned; None means the starting memory.

        Returns
        -------
        float
            The finite value; underflow is quietly 0.

        Raises
        ------
        ArgumentValueError
            The step is negative or beyond 2**53, the value is not finite, or durations are not resolved.
        ArgumentTypeError
            The step is not an integer.

        Examples
        --------
        >>> from fastgd.schedules import linear
        >>> linear(0.5, 10).at(5, None)
        0.25
        """
        if type(t) is not int or not 0 <= t <= LAST_STEP:
            t = _checked_step(self.kind, t)
        if not self.is_resolved:
            raise self._unresolved()
        value = self._at(t, memory)
        if value - value != 0.0:
            raise self._not_finite(t, value)
        return value

    def values(self, n: int) -> np.ndarray:
        """Return the values at steps 0 to n - 1; measured parts are at their starting value.

        Parameters
        ----------
        n : int
            The number of steps.

        Returns
        -------
        ndarray of float64, shape (n,)
            Bit for bit equal to ``[s(t) for t in range(n)]``.

        Examples
        --------
        >>> from fastgd.schedules import linear
        >>> linear(1.0, 4).values(6)
        array([1.  , 0.75, 0.5 , 0.25, 0.  , 0.  ])
        """
        n = integer(n, "values", "n", 0)
        if not self.is_resolved:
            raise self._unresolved()
        with np.errstate(all="ignore"):
            result = self._values(0, n, None)
        finite = np.isfinite(result)
        if not finite.all():
            t = int(finite.argmin())
            raise self._not_finite(t, result[t].item())
        return result

    def _unresolved(self) -> ArgumentValueError:
        text = shortened(str(self), 120)
        return ArgumentValueError(
            f"the durations of {text} have units; call resolve(steps_per_epoch=..., total_steps=...) before evaluating."
        )

    def _not_finite(self, t: int, value: float) -> ArgumentValueError:
        text = shortened(str(self), 120)
        return ArgumentValueError(
            f"the schedule {text} must be finite; got {value} at step t = {t}. Bound it by .clip()."
        )

    # Measured parts

    def start(self):
        """Return the memory before the first observation: None for a pure schedule, otherwise a JSON-able list.

        Examples
        --------
        >>> from fastgd.schedules import linear
        >>> linear(0.5, 10).start() is None
        True
        """
        return self._start()

    def observe(self, memory, loss: float, t: int):
        """Return the memory after the loss measured at step `t`; the given memory is not changed.

        Parameters
        ----------
        memory : JSON-able
            What `start` or the last `observe` returned.
        loss : float
            The measured loss. Infinity counts as no improvement.
        t : int
            The step at which it was measured: in ``a >> b`` only the part in force observes.

        Raises
        ------
        ArgumentValueError
            The loss is NaN.

        Examples
        --------
        >>> from fastgd.schedules import plateau
        >>> s = plateau(1.0, factor=0.5, patience=0)
        >>> memory = s.observe(s.start(), 2.0, 0)
        >>> memory = s.observe(memory, 2.0, 1)
        >>> s.at(2, memory)
        0.5
        """
        t = _checked_step(self.kind, t)
        if type(loss) is not float or not math.isfinite(loss):
            loss = _checked_loss(loss)
        if not self.is_resolved:
            raise self._unresolved()
        return self._observe(memory, loss, t)

    # Units

    def resolve(self, *, steps_per_epoch: int | None = None, total_steps: int | None = None) -> "Schedule":
        """Return the schedule with every duration in steps; itself where nothing is to be done.

        Parameters
        ----------
        steps_per_epoch : int, optional
            Needed by durations in epochs.
        total_steps : int, optional
            Needed by durations in per cent. The boundaries of consecutive parts are rounded, not their lengths, so parts
            that add up to 100 % fill the run exactly; a part that rounds to no step vanishes, except the last, which keeps one.

        Raises
        ------
        ArgumentValueError
            A unit cannot be resolved; the message names the missing argument.

        Examples
        --------
        >>> from fastgd.schedules import cosine, warmup
        >>> print((warmup("1 epochs") >> cosine("95%")).resolve(steps_per_epoch=50, total_steps=1000))
        warmup(50) >> cosine(950)
        """
        context = _durations.context(steps_per_epoch, total_steps)
        return self if self.is_resolved else self._resolve(context, 0)

    @property
    def duration(self) -> int | None:
        """The number of steps after which ``>>`` goes on to the next part; None for an endless schedule."""
        if not self.is_resolved:
            raise self._unresolved()
        return self._length(None)

    # Text and JSON

    def __str__(self) -> str:
        return self._text(quoted=False)

    def __repr__(self) -> str:
        return self._text(quoted=True)

    def _text(self, quoted: bool) -> str:
        from fastgd.schedules.text import schedule_text

        return schedule_text(self, quoted)

    def to_dict(self) -> dict:
        """Return a JSON-able description, which `fastgd.schedules.from_dict` reads back.

        Examples
        --------
        >>> from fastgd.schedules import cosine
        >>> cosine(1e-3, "95%").to_dict()
        {'schedule': 'cosine', 'a0': 0.001, 'T': '95%', 'end': 0.0}
        """
        from fastgd.schedules.text import encoded

        return {
            "schedule": self.kind,
            **{public_name(each): encoded(getattr(self, each.name)) for each in fields(self)},
        }

    def plot(self, ax=None, n: int | None = None, loss=None):
        """Plot the values against the step with matplotlib and return the axes.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        n : int, optional
            The number of steps; the schedule's duration by default, or 1000 for an endless one.
        loss : array-like of shape (n,), optional
            Losses, convertible to float64, observed one after each step, for the measured parts to follow; they decide the number of
            steps. Without them measured parts stay at their starting value.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> from fastgd.schedules import cosine
        >>> ax = cosine(1e-3, 100).plot()
        >>> ax.get_xlabel()
        'step'
        """
        values = self.values(n if n is not None else (self.duration or 999) + 1) if loss is None else self._follow(loss)
        ax = drawing.axes(ax, "Schedule.plot")
        style = drawing.STYLES[len(ax.lines) % len(drawing.STYLES)]
        look = {"color": style.color, "ls": style.linestyle, "lw": drawing.LINE}
        ax.plot(np.arange(len(values)), values, label=str(self), **look)
        drawing.finish(ax, ax.get_title(loc="left"), "step", "value")
        return ax

    def _follow(self, loss) -> np.ndarray:
        """Return the value of each step of a training with these losses."""
        memory, found = self.start(), []
        for t, each in enumerate(np.asarray(loss, np.float64).tolist()):
            found.append(self.at(t, memory))
            memory = self.observe(memory, each, t)
        return np.array(found)


def public_name(each: Field) -> str:
    """Return a field's name as an argument: without the underscore of a field that would hide a method."""
    return each.name.rstrip("_")


def _checked_step(owner: str, t: object) -> int:
    t = integer(t, owner, "t", 0)
    if t > LAST_STEP:
        raise value_error(owner, "t", "at most 2**53", t)
    return t


def _checked_loss(loss: object) -> float:
    try:
        return real(loss, "observe", "loss")
    except ArgumentValueError:
        number = float(loss)  # type: ignore[arg-type]
        if math.isnan(number):
            raise
        return number
