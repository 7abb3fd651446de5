"""What an optimizer's step may do besides its rule: change gradients before it, average weights after it."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute


@dataclass(frozen=True)
class Extra:
    """A frozen description of something that a step does besides the rule: comparable, picklable, JSON."""

    registry: ClassVar[dict[str, type["Extra"]]] = {}
    slot: ClassVar[str] = ""
    """The name of the state array that it keeps for each parameter, empty where it keeps none."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__name__.startswith("_"):
            Extra.registry[cls.__name__] = cls

    def to_dict(self) -> dict[str, Any]:
        """Return a description that JSON can hold.

        Examples
        --------
        >>> import fastgd
        >>> fastgd.EMA(0.99).to_dict()
        {'extra': 'EMA', 'decay': 0.99, 'warmup': False}
        """
        return {"extra": type(self).__name__} | {f.name: getattr(self, f.name) for f in fields(self)}

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _transformed(self, p: np.ndarray, g: np.ndarray) -> np.ndarray:
        """Return the gradient of one parameter as the rule is to see it: `g` itself, or a C-contiguous array of the computing dtype."""
        return g

    def _unit_work(self, p: Any) -> tuple:
        """Return how the kernels of a GPU do the same for a parameter: see `cuda_units.Work`."""
        raise NotImplementedError

    def _blend(self, t: int) -> float:
        """Return by which share the averages move to the weights after step number `t`, from 1; only of those that keep a state array."""
        raise NotImplementedError


def from_dict(description: Any) -> Extra:
    """Return the extra that `Extra.to_dict` described."""
    options = dict(description)
    name = options.pop("extra")
    if name not in Extra.registry:
        raise check.value_error("from_dict", "extra", f"one of {', '.join(Extra.registry)}", name)
    cls = Extra.registry[name]
    check.refuse_unknown(name, options, tuple(f.name for f in fields(cls)))
    return cls(**options)


def accepted(value: object, owner: str) -> tuple[Extra, ...]:
    """Return the value of the option `extras` as a tuple, or raise what is wrong with it."""
    found = (value,) if isinstance(value, Extra) else tuple(value) if isinstance(value, (tuple, list)) else None
    if found is None or not all(isinstance(extra, Extra) for extra in found):
        fix = f"Those are {', '.join(Extra.registry)}."
        raise check.type_error(owner, "extras", "an extra, or a tuple of them", value, fix)
    slots = [extra.slot for extra in found if extra.slot]
    if len(set(slots)) < len(slots):
        raise check.value_error(owner, "extras", "without a second one of the same class", value)
    return found


# ---------------------------------------------------------------------------------------------------------------------------------
# Norms of units


def _other_axes(array: np.ndarray, unit_axis: int) -> tuple[int, ...] | None:
    """Return the axes of one unit, None (all of them) for vectors and scalars."""
    if array.ndim < 2:
        return None
    if not -array.ndim <= unit_axis < array.ndim:
        raise check.value_error("extras", "unit_axis", f"an axis of arrays of {array.ndim} dimensions", unit_axis)
    return tuple(axis for axis in range(array.ndim) if axis != unit_axis % array.ndim)


def _unit_axis(array: Any, unit_axis: int) -> int | None:
    """Return the axis that counts the units, from 0; None where the array is one unit."""
    return None if _other_axes(array, unit_axis) is None else unit_axis % array.ndim


def unit_norms(array: np.ndarray, axes: tuple[int, ...] | None) -> np.ndarray:
    """Return the norms over some axes, which stay with length 1: scaled by powers of two, so that no square leaves its range."""
    wide = array.astype(np.float64)
    largest = np.max(np.abs(wide), axis=axes, keepdims=True, initial=0.0)
    exponent = np.frexp(largest)[1]
    lengths = np.sqrt(np.sum(np.square(np.ldexp(wide, -exponent)), axis=axes, keepdims=True))
    with np.errstate(over="ignore"):
        return np.ldexp(lengths, exponent)


def _shrunk(g: np.ndarray, axes: tuple[int, ...] | None, limits: np.ndarray | float) -> np.ndarray:
    """Return the gradient, its units scaled to the limits where their norms exceed them; itself where none does."""
    norms = unit_norms(g, axes)
    if (norms == np.inf).any():  # beyond float64, of which no element is
        return np.ldexp(_shrunk(np.ldexp(g, -64), axes, np.ldexp(limits, -64)), 64)
    over = norms > limits
    if not over.any():
        return g
    wide = g.astype(np.float64)
    scaled = np.divide(wide, norms, out=np.zeros_like(wide), where=np.broadcast_to(over, wide.shape)) * limits
    return np.asarray(np.where(over, scaled, wide), execute.compute_dtype(g.dtype), order="C")


# ---------------------------------------------------------------------------------------------------------------------------------
# Before the step


@dataclass(frozen=True)
class GradientCentralization(Extra):
    """Take its mean off each unit's gradient, so that the weights of a unit keep their mean.

    .. math:: g_i \\leftarrow g_i - \\frac{1}{n} \\sum_{j=1}^n g_{ij}

    for the :math:`n` weights that lead into unit :math:`i`. Vectors and scalars, such as biases, stay as they are.

    Parameters
    ----------
    unit_axis : int
        The axis that counts the units: the last one of weights that are used as ``x @ W``, 0 of torch's.

    Notes
    -----
    It costs a copy of the gradients. Source: H. Yong, J. Huang, X. Hua and L. Zhang, Gradient centralization: a new optimization technique
    for deep neural networks (2020).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.zeros((2, 2))
    >>> state = fastgd.SGD(lr=1.0, extras=fastgd.GradientCentralization()).init(w)
    >>> info = state.step(np.array([[1.0, 5.0], [3.0, 6.0]]))
    >>> w
    array([[ 1. ,  0.5],
           [-1. , -0.5]])
    """

    unit_axis: int = -1

    def __post_init__(self) -> None:
        self._set("unit_axis", check.integer(self.unit_axis, type(self).__name__, "unit_axis"))

    def _transformed(self, p, g):
        axes = _other_axes(g, self.unit_axis)
        if axes is None or g.size == 0:
            return g
        mean = np.mean(g, axis=axes, keepdims=True, dtype=np.float64)
        return np.asarray(g - mean, execute.compute_dtype(g.dtype), order="C")

    def _unit_work(self, p):
        return "centralized", _unit_axis(p, self.unit_axis), 0.0, 0.0, _other_axes(p, self.unit_axis) is None


@dataclass(frozen=True)
class AdaptiveGradientClipping(Extra):
    """Limit the norm of each unit's gradient to a fraction of the norm of its weights.

    .. math::
        g_i \\leftarrow \\lambda \\frac{\\max(\\lVert w_i \\rVert, \\epsilon)}{\\lVert g_i \\rVert}\\, g_i \\quad\\text{where}\\quad
        \\lVert g_i \\rVert > \\lambda \\max(\\lVert w_i \\rVert, \\epsilon)

    for the weights :math:`w_i` that lead into unit :math:`i`; vectors and scalars are one unit.

    Parameters
    ----------
    clipping : float
        :math:`\\lambda \\ge 0`.
    eps : float
        :math:`\\epsilon > 0`: lets weights move that start at 0.
    unit_axis : int
        The axis that counts the units: the last one of weights that are used as ``x @ W``, 0 of torch's.

    Notes
    -----
    The norms cannot overflow or underflow. It costs some passes over weights and gradients, and a copy where something is clipped.
    Source: A. Brock, S. De, S. L. Smith and K. Simonyan, High-performance large-scale image recognition without normalization (2021).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([[3.0, 0.3], [4.0, 0.4]])
    >>> state = fastgd.SGD(lr=1.0, extras=fastgd.AdaptiveGradientClipping(0.1)).init(w)
    >>> info = state.step(np.array([[0.3, 3.0], [0.4, 4.0]]))
    >>> w
    array([[2.7 , 0.27],
           [3.6 , 0.36]])
    """

    clipping: float = 0.01
    eps: float = 1e-3
    unit_axis: int = -1

    def __post_init__(self) -> None:
        owner = type(self).__name__
        self._set("clipping", check.real(self.clipping, owner, "clipping", 0))
        self._set("eps", check.real(self.eps, owner, "eps", 0, closed="neither"))
        self._set("unit_axis", check.integer(self.unit_axis, owner, "unit_axis"))

    def _transformed(self, p, g):
        axes = _other_axes(g, self.unit_axis)
        return _shrunk(g, axes, self.clipping * np.maximum(unit_norms(p, axes), self.eps))

    def _unit_work(self, p):
        return "adaptive", _unit_axis(p, self.unit_axis), self.clipping, self.eps


@dataclass(frozen=True)
class ArrayNormClipping(Extra):
    """Limit the norm of each array's gradient by itself; the option `clip_norm` limits that of all together.

    .. math:: g \\leftarrow g \\min(1, c / \\lVert g \\rVert)

    Parameters
    ----------
    max_norm : float
        The limit :math:`c \\ge 0`.

    Notes
    -----
    The norms cannot overflow or underflow. It costs some passes over the gradients, and a copy where something is clipped. Source: R.
    Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural networks (2013).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> params = [np.zeros(2), np.zeros(2)]
    >>> state = fastgd.SGD(lr=1.0, extras=fastgd.ArrayNormClipping(1.0)).init(params)
    >>> info = state.step([np.array([3.0, 4.0]), np.array([0.3, 0.4])])
    >>> params
    [array([-0.6, -0.8]), array([-0.3, -0.4])]
    """

    max_norm: float = 1.0

    def __post_init__(self) -> None:
        self._set("max_norm", check.real(self.max_norm, type(self).__name__, "max_norm", 0))

    def _transformed(self, p, g):
        return _shrunk(g, None, self.max_norm)

    def _unit_work(self, p):
        return "limited", None, self.max_norm, 0.0


# ---------------------------------------------------------------------------------------------------------------------------------
# After the step


@dataclass(frozen=True)
class EMA(Extra):
    """Keep an exponential moving average of the weights beside them, for evaluation.

    .. math:: \\bar p \\leftarrow \\bar p + (1 - \\beta_t)(p - \\bar p), \\qquad \\bar p_0 = p_0

    after each step of the optimizer, where :math:`\\beta_t = \\beta`, or with warm-up :math:`\\min(\\beta, (1 + t) / (10 + t))`.
    `State.averaged` puts the averages into the parameters for a while; `State.evaluation_params` returns copies of them. Estimators show
    them and predict with them, while training goes on with the weights themselves.

    Parameters
    ----------
    decay : float
        :math:`\\beta` in [0, 1).
    warmup : bool
        Whether the first averages forget faster, so that the start does not count for long.

    Notes
    -----
    State arrays, each of the parameter's shape: ``ema``, in the dtype in which the step is computed (float32 for half precision). They
    are in checkpoints. Source: B. T. Polyak and A. B. Juditsky, Acceleration of stochastic approximation by averaging (1992); the warm-up
    is that of TensorFlow's ``ExponentialMovingAverage``.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0])
    >>> state = fastgd.SGD(lr=0.5, extras=fastgd.EMA(decay=0.9)).init(w)
    >>> info = state.step(2 * w)
    >>> with state.averaged():
    ...     print(w)
    [0.9]
    >>> w
    array([0.])
    """

    slot: ClassVar[str] = "ema"
    decay: float = 0.999
    warmup: bool = False

    def __post_init__(self) -> None:
        owner = type(self).__name__
        self._set("decay", check.real(self.decay, owner, "decay", 0, 1, closed="left"))
        check.boolean(self.warmup, owner, "warmup")

    def _blend(self, t):
        return 1 - (min(self.decay, (1 + t) / (10 + t)) if self.warmup else self.decay)


@dataclass(frozen=True)
class Lookahead(Extra):
    """Let the optimizer run ahead for some steps, then go only part of the way: slow weights follow fast ones.

    .. math:: \\phi \\leftarrow \\phi + \\alpha (p - \\phi), \\qquad p \\leftarrow \\phi \\qquad\\text{after every } k \\text{ steps}

    Parameters
    ----------
    k : int
        After how many steps the slow weights follow, at least 1.
    alpha : float
        Which part of the way they go, in (0, 1].

    Notes
    -----
    State arrays, each of the parameter's shape: ``slow_weights``, in the dtype in which the step is computed (float32 for half
    precision). The optimizer's own state stays as it is when the weights go back. What is to be evaluated, and what estimators show, are
    the slow weights. Source: M. R. Zhang, J. Lucas, G. Hinton and J. Ba,
    Lookahead optimizer: k steps forward, 1 step back (2019), algorithm 1.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0])
    >>> state = fastgd.SGD(lr=0.25, extras=fastgd.Lookahead(k=2, alpha=0.5)).init(w)
    >>> for _ in range(2):
    ...     info = state.step(2 * w)
    ...     print(w)
    [0.5]
    [0.625]
    """

    slot: ClassVar[str] = "slow_weights"
    k: int = 5
    alpha: float = 0.5

    def __post_init__(self) -> None:
        owner = type(self).__name__
        self._set("k", check.integer(self.k, owner, "k", 1))
        self._set("alpha", check.real(self.alpha, owner, "alpha", 0, 1, closed="right"))

    def _blend(self, t):
        return self.alpha if t % self.k == 0 else 0.0
