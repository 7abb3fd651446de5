"""What all optimizers share: checked, frozen descriptions of an update rule and its hyperparameters."""

import dataclasses
import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from fastgd import _validation as check
from fastgd._kernels.codecs import AVERAGES
from fastgd.optimizers import extras as extras_
from fastgd.optimizers import limits, storage
from fastgd.optimizers.extras import Extra
from fastgd.optimizers.limits import NormLimit
from fastgd.schedules import Schedule

Hyper = float | Schedule
"""A hyperparameter: a number, which means constant, or a schedule of the 0-based step."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers that a hyperparameter may take: from `low` to `high`, finite, the bounds included or not."""

    low: float
    high: float = math.inf
    closed: str = "left"

    def number(self, value: object, owner: str, name: str) -> float:
        """Return `value` as a float in the interval, or raise the error that names it."""
        return check.real(value, owner, name, self.low, self.high, self.closed)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest number in the interval: what is to be compared where `number` would take too long."""
        least = float(self.low) if self.closed in ("both", "left") else math.nextafter(self.low, math.inf)
        most = float(self.high) if self.closed in ("both", "right") else math.nextafter(self.high, -math.inf)
        return max(least, -sys.float_info.max), min(most, sys.float_info.max)


NONNEGATIVE = Interval(0)
POSITIVE = Interval(0, closed="neither")
FRACTION = Interval(0, 1, "left")
ANY = Interval(-math.inf)

ON_NONFINITE = ("raise", "skip", "zero")


def each(function: Callable, *values: Any) -> Any:
    """Return `function(*values)`; where the last value, the age, is an array, element by element: NumPy's own pow has other bits."""
    if not isinstance(values[-1], np.ndarray):
        return function(*values)
    columns = np.broadcast_arrays(*values)
    found = [function(*row) for row in zip(*(c.ravel().tolist() for c in columns), strict=True)]
    return np.array(found, np.float64).reshape(columns[0].shape)


class _Checked(type):
    """Names the nearest option when an unknown one is given (a dataclass would only say that it is unexpected)."""

    @property
    def __signature__(cls) -> inspect.Signature:
        """What `help` and editors show: the options, not this class's ``*args, **kwargs``."""
        own = inspect.signature(cls.__init__)  # type: ignore[misc]
        return own.replace(parameters=list(own.parameters.values())[1:])

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if dataclasses.is_dataclass(cls):
            names = tuple(f.name for f in fields(cls) if f.init)
            check.refuse_unknown(cls.__name__, kwargs, names)
        return super().__call__(*args, **kwargs)


@dataclass(frozen=True)
class Optimizer(metaclass=_Checked):
    """An update rule with its hyperparameters: a frozen description, without any array.

    Every optimizer takes these options, by keyword. The gradient :math:`g` that its equation sees is the given one, multiplied by -1 where
    `maximize`, scaled down where its norm exceeds `clip_norm`, then limited to :math:`\\pm` `clip_value`. Nothing of this touches the
    caller's gradient arrays or costs a pass of its own beyond the norm.

    Parameters
    ----------
    clip_norm : float, Schedule, AutoClip or ZClip, optional
        The largest Euclidean norm of all gradients together: a number, a function of the step, or learned from the norms so far.
        ``None`` and infinity mean no limit.
    clip_value : float or Schedule, optional
        The largest absolute value of any one gradient element, applied after `clip_norm`. ``None`` and infinity mean no limit.
    on_nonfinite : {"raise", "skip", "zero"}
        What to do when a gradient holds NaN or infinity. ``"raise"``: raise `NonFiniteError`, everything unchanged. ``"skip"``: leave
        everything unchanged, the step counter too, and say so in `StepInfo`. ``"zero"``: take those elements as 0. The first two must
        look at every gradient before anything changes, which costs one more read of the gradients; ``"zero"`` looks while it updates
        and, without `clip_norm`, is one single pass.
    maximize : bool
        Ascend instead of descend.
    extras : extra or tuple of extras
        What else each step does, in this order: `GradientCentralization`, `AdaptiveGradientClipping` and `ArrayNormClipping` change the
        gradients before `clip_norm` sees them; `Lookahead` and `EMA` follow the weights after the step.
    state_dtype : {None, "bfloat16", "int8"}
        How state arrays that are moving averages (`Adam`'s moments, momentum) are stored: ``None``, as they are computed; ``"bfloat16"``;
        or ``"int8"``, one byte an element and one scale for each 256. Steps are computed in float32 all the same. See the notes.

    Notes
    -----
    A step of `AdamW` on float32 parameters reads and writes 28 bytes an element, with ``"bfloat16"`` 20, with ``"int8"`` 16. What is stored
    is rounded up or down by a threshold that moves from step to step: rounded to nearest, the small changes of slow averages would be lost,
    step after step. Parameters may be float32, float16 or bfloat16. ``"int8"`` leaves the state of arrays of fewer than 4096 elements in
    float32, and takes parameters that lie in memory in the order of their axes (C). State arrays are int8 for averages of gradients,
    :math:`\\pm r(|x|) / s`, and uint8 for averages of squares, :math:`q(x) / s`, at least 1 where :math:`q(x) > 0`. The scales :math:`s`,
    float32, are the state arrays ``exp_avg_scale`` and ``exp_avg_sq_scale``: of each block the largest :math:`r` over 127, and the largest
    :math:`q` over 255. Those are, within 6.1 %, the square and the fourth root, which a shift of bits computes and the opposite one undoes:
    with :math:`b(x)` the bits of a float32 as an integer, :math:`f` its inverse, and c = 0x1fc00000 and d = 0x2fa00000,
    :math:`r(x) = f(\\lfloor b(x)/2 \\rfloor + c) - f(c)` and :math:`q(x) = f(\\lfloor b(x)/4 \\rfloor + d) - f(d)`. The option is refused
    where a step needs a state array that is no moving average, or a sum over state arrays, and by users' rules. After T. Dettmers et al.,
    8-bit optimizers via block-wise quantization (2022), with other codes.

    Examples
    --------
    >>> import fastgd
    >>> fastgd.AdamW(lr=0.1) == fastgd.AdamW(lr=0.1, clip_norm=None)
    True
    """

    _: KW_ONLY
    clip_norm: Hyper | NormLimit | None = None
    clip_value: Hyper | None = None
    on_nonfinite: str = "raise"
    maximize: bool = False
    extras: Extra | tuple[Extra, ...] = ()
    state_dtype: str | None = None

    intervals: ClassVar[Mapping[str, Interval]] = {}
    """The numbers that each numeric hyperparameter may take (each element of it, where it is a pair or triple)."""
    pairs: ClassVar[tuple[str, ...]] = ()
    """The hyperparameters that are pairs or triples."""
    optional: ClassVar[tuple[str, ...]] = ()
    """The numeric hyperparameters that may be None."""
    flags: ClassVar[tuple[str, ...]] = ()
    """The hyperparameters that are True or False."""
    squares: ClassVar[bool] = False
    """Whether the rule squares gradients, which are then limited to 1e16 (float32) or 1e150: squares must not overflow."""
    nonnegative: ClassVar[frozenset[str]] = frozenset(
        {"exp_avg_sq", "exp_avg_var", "max_exp_avg_sq", "square_avg", "sum", "acc_delta", "exp_inf", "n", "step_size"}
    )
    """State arrays that are sums or averages of squares or sizes: a stored negative element means a damaged meaning."""
    averages: ClassVar[Mapping[str, str]] = AVERAGES
    """State arrays that may be stored in fewer bits, and how; see `storage`."""
    in_lanes: ClassVar[bool] = True
    """Whether a step of an element needs its own gradient and state alone, so that estimators have its steps compiled."""
    needs_loss: ClassVar[bool] = False
    """Whether each step must be given the loss."""
    searches: ClassVar[bool] = False
    """Whether that loss must be a function, which is called at trial steps."""
    needs_rows: ClassVar[bool] = False
    """Whether its steps are made from rows of data, which gradients do not tell."""
    factored: ClassVar[bool] = False
    """Whether it keeps state arrays that are not of the parameter's shape."""
    apart: ClassVar[bool] = False
    """Whether what is measured is measured in each array by itself, instead of in all that have had the same steps together."""
    carried: ClassVar[tuple[str, ...]] = ()
    """The names of the numbers that are carried from step to step, where they are of interest to the user."""
    registry: ClassVar[dict[str, type["Optimizer"]]] = {}
    """Every optimizer class by name, users' rules included."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__name__.startswith("_"):
            Optimizer.registry[cls.__name__] = cls

    def __post_init__(self) -> None:
        for name, interval in self.intervals.items():
            value = getattr(self, name)
            if value is None and name in self.optional:
                continue
            several = name in self.pairs
            checked = self._several(name, value, interval) if several else self._hyper(name, value, interval)
            object.__setattr__(self, name, checked)
        for name in ("clip_norm", "clip_value"):
            object.__setattr__(self, name, self._limit(name, getattr(self, name)))
        for name in (*self.flags, "maximize"):
            check.boolean(getattr(self, name), type(self).__name__, name)
        check.choice(self.on_nonfinite, type(self).__name__, "on_nonfinite", ON_NONFINITE)
        object.__setattr__(self, "extras", extras_.accepted(self.extras, type(self).__name__))
        if self.state_dtype is not None:
            storage.check_state_dtype(self)
        if self.extras or isinstance(self.clip_norm, NormLimit) or self.state_dtype is not None:
            object.__setattr__(self, "in_lanes", False)

    def _hyper(self, name: str, value: object, interval: Interval) -> Hyper:
        return value if isinstance(value, Schedule) else interval.number(value, type(self).__name__, name)

    def _several(self, name: str, value: object, interval: Interval) -> tuple[Hyper, ...]:
        default: Any = self.__dataclass_fields__[name].default
        count = len(default)
        if not isinstance(value, (tuple, list)) or len(value) != count:
            words = {2: "a pair", 3: "a triple"}
            accepted = f"{words[count]} of numbers or schedules"
            raise check.value_error(type(self).__name__, name, accepted, value)
        return tuple(self._hyper(f"{name}[{k}]", element, interval) for k, element in enumerate(value))

    def _limit(self, name: str, value: object) -> Hyper | NormLimit | None:
        if value is None or isinstance(value, Schedule) or (name == "clip_norm" and isinstance(value, NormLimit)):
            return value
        limit = check.limit(value, type(self).__name__, name)
        return None if limit == math.inf else limit

    # ----------------------------------------------------------------------------------------------- what each optimizer defines

    def _rule(self) -> Callable:
        """Return the update rule, a function of `fastgd.rules`, that these options ask for."""
        raise NotImplementedError

    def _scalars(self, age: Any, carry: Any) -> dict[str, Any]:
        """Return the rule's hyperparameters, by name, for the step number `age` (from 1) of a parameter.

        All own hyperparameters are numbers here: those of this step. More names than the rule asks for do no harm. For many steps at
        once, `age` and what is scheduled are columns ``(n_steps, 1)``, and the rate is ``(n_steps, K)``.
        """
        raise NotImplementedError

    def _next_carry(self, age: int, carry: Any) -> Any:
        """Return what the step after number `age` needs to know of the past: None, a number, or a tuple of numbers."""
        return None

    def _first_carry(self) -> Any:
        """Return what the first step needs to know of the start."""
        return None

    def _check_carry(self, age: int, carry: Any) -> None:
        """Raise if a stored `carry` is not one that `_next_carry` returns."""
        if carry is not None:
            raise check.value_error(type(self).__name__, "carry", "None", carry)

    def _initial(self, slot: str, p: Any) -> Any:
        """Return the initial value of a state array: a number, or an array like the parameter `p`."""
        return 0.0

    def _factor_shapes(self, p: Any) -> dict[str, tuple[int, ...]]:
        """Return the shapes, by name, of the state arrays that are not of the parameter's shape, which start at 0."""
        return {}

    def _direction(self, age: int, p: Any, g: Any, factors: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return what the rule is to see in the place of the gradient, and the next `factors`; only where there are such arrays.

        `p` and `g`, the clipped gradient, are of the dtype in which the step is computed, and so are the results. What is fixed for the
        step in it is returned by ``_direction_scalars(age, dtype)``, for kernels on a GPU.
        """
        raise NotImplementedError

    def _measure(self) -> Callable | None:
        """Return the function of `fastgd._kernels.measures` whose sums over all elements each step needs, or None."""
        return None

    def _measuring(self, age: int, carry: Any) -> dict[str, float]:
        """Return the hyperparameters of the measure, by name, as `_scalars` does those of the rule."""
        return {}

    def _informed(self, age: int, carry: Any, sums: tuple[float, ...], loss: float) -> Any:
        """Return the carry of this step from that of the last one, the sums just measured, and the loss (NaN where it is not needed)."""
        return carry

    def _evaluated(self, p: Any, slots: Mapping[str, Any]) -> Any:
        """Return the values of a parameter at which the model is to be evaluated; `slots` are its state arrays."""
        return p

    # ------------------------------------------------------------------------------------------------------------------- for users

    def init(
        self,
        params: Any,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        steps_per_epoch: int | None = None,
        total_steps: int | None = None,
        monitor: bool | int = False,
        rollback: Any = None,
    ) -> Any:
        """Look at the parameters once, allocate the state arrays, and return the `State` that steps them.

        Parameters
        ----------
        params : ndarray, or list, tuple or dict (nested) of ndarrays
            Float32, float64, float16 or ml_dtypes.bfloat16 arrays of any shape and strides, updated in place by every step. They must be
            writeable, finite, and may not share memory. Or all of them C-contiguous arrays on a GPU, which is where they then are
            updated: torch tensors, or any that have the CUDA array interface or DLPack. A parameter's name is its path:
            ``"layer1.weight"``, ``"0"``, or ``"param"`` for a single array.
        overrides : dict of str to dict, optional
            Other hyperparameters for the parameters whose name matches a pattern (as in `fnmatch`); later patterns win.
        steps_per_epoch, total_steps : int, optional
            What durations such as ``"10 epochs"`` and ``"5%"`` in schedules mean.
        monitor : bool or int
            Whether to watch the health of gradients and updates, array by array: see `Monitor`. A number says every how many steps; True
            is every 200th, which costs a percent or so.
        rollback : bool or Rollback, optional
            Whether divergence leads back to a good copy of everything, and on with a smaller rate: see `Rollback`. A copy is kept every
            200th step with True.

        Returns
        -------
        State

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            For parameters or overrides that cannot be used; the message names them.
        NonFiniteError
            When a parameter holds NaN or infinity.

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> params = {"weight": np.ones((2, 3)), "bias": np.zeros(3)}
        >>> state = fastgd.SGD(lr=0.5).init(params, overrides={"bias": {"lr": 0.1}})
        >>> info = state.step({"weight": np.ones((2, 3)), "bias": np.ones(3)})
        >>> params["weight"][0], params["bias"]
        (array([0.5, 0.5, 0.5]), array([-0.1, -0.1, -0.1]))
        """
        from fastgd.state import State

        return State.begin(self, params, overrides, steps_per_epoch, total_steps, monitor, rollback)

    def replace(self, **changes: Any) -> "Optimizer":
        """Return this optimizer with other hyperparameters.

        Parameters
        ----------
        **changes
            Hyperparameters by name.

        Returns
        -------
        Optimizer
            Of the same class; this one stays as it is.

        Examples
        --------
        >>> import fastgd
        >>> fastgd.SGD(lr=0.1).replace(momentum=0.9)
        SGD(lr=0.1, momentum=0.9)
        """
        check.refuse_unknown(type(self).__name__, changes, tuple(f.name for f in fields(self)))
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the optimizer as a dict that JSON can hold; `from_dict` gives it back.

        Examples
        --------
        >>> import fastgd
        >>> fastgd.optimizers.from_dict(fastgd.AdamW(lr=0.1).to_dict())
        AdamW(lr=0.1)
        """
        return {"name": type(self).__name__} | {f.name: _encoded(getattr(self, f.name)) for f in fields(self)}

    def __repr__(self) -> str:
        named = sorted(fields(self), key=lambda f: bool(f.kw_only))
        given = [f"{f.name}={getattr(self, f.name)!r}" for f in named if getattr(self, f.name) != f.default]
        return f"{type(self).__name__}({', '.join(given)})"

    def schedules(self) -> list[tuple[str, int | None, Schedule]]:
        """Return the scheduled hyperparameters: name, position within a pair or None, schedule.

        Examples
        --------
        >>> import fastgd
        >>> [name for name, _, _ in fastgd.SGD(lr=fastgd.schedules.linear(0.1, 100)).schedules()]
        ['lr']
        """
        found: list[tuple[str, int | None, Schedule]] = []
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Schedule):
                found.append((f.name, None, value))
            elif isinstance(value, tuple):
                found += [(f.name, k, element) for k, element in enumerate(value) if isinstance(element, Schedule)]
        return found

    def _resolved(self, steps_per_epoch: int | None, total_steps: int | None) -> "Optimizer":
        """Return the optimizer with all durations of its schedules in steps."""
        changes: dict[str, Any] = {}
        for name, k, schedule in self.schedules():
            done = schedule.resolve(steps_per_epoch=steps_per_epoch, total_steps=total_steps)
            if k is None:
                changes[name] = done
            else:
                pair = list(changes.get(name, getattr(self, name)))
                pair[k] = done
                changes[name] = tuple(pair)
        return dataclasses.replace(self, **changes) if changes else self

    def _interval(self, name: str) -> Interval:
        return self.intervals.get(name, NONNEGATIVE)


def _encoded(value: Any) -> Any:
    if isinstance(value, Schedule):
        return {"schedule": value.to_dict()}
    if isinstance(value, (Extra, NormLimit)):
        return value.to_dict()
    return [_encoded(v) for v in value] if isinstance(value, tuple) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        from fastgd.schedules import from_dict

        if "extra" in value:
            return extras_.from_dict(value)
        if "limit" in value:
            return limits.from_dict(value)
        return from_dict(value["schedule"]) if "schedule" in value else value
    return tuple(_decoded(v) for v in value) if isinstance(value, list) else value


def from_dict(description: dict[str, Any]) -> Optimizer:
    """Return the optimizer that `Optimizer.to_dict` described.

    Parameters
    ----------
    description : dict
        The name of an optimizer class (a built-in one, or a user's rule that has been defined) and its hyperparameters.

    Returns
    -------
    Optimizer

    Raises
    ------
    ArgumentValueError, ArgumentTypeError
        For an unknown name, an unknown option, or a value that is out of range.

    Examples
    --------
    >>> import fastgd
    >>> fastgd.optimizers.from_dict({"name": "SGD", "lr": 0.1})
    SGD(lr=0.1)
    """
    if not isinstance(description, dict):
        raise check.type_error("from_dict", "description", "a dict as made by to_dict()", description)
    options = dict(description)
    name = options.pop("name", None)
    if not isinstance(name, str) or name not in Optimizer.registry:
        known = tuple(Optimizer.registry)
        hint = check.nearest(str(name), known) or "A user's rule must be defined before it is loaded."
        raise check.value_error("from_dict", "name", "the name of an optimizer", name, hint)
    return Optimizer.registry[name](**{key: _decoded(value) for key, value in options.items()})
