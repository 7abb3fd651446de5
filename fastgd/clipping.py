"""Gradient clipping as functions on one's own arrays; the optimizers' options of these names need no pass of their own."""

import math

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute
from fastgd._kernels.ranges import SMALLEST_FACTOR
from fastgd._params import Tree, check_distinct, check_dtype, leaves, plain_view, refuse_nonfinite

SAFE = execute.SAFE_SQUARES
"""Sums of squares between these bounds have neither overflowed nor lost anything to underflow."""


def norm_of(square_sum: float, arrays: list[np.ndarray]) -> float:
    """Return the Euclidean norm of arrays whose sum of squares is known; scaled, where float64 squares left its range."""
    if SAFE[0] < square_sum < SAFE[1]:
        return math.sqrt(square_sum)
    if not any(a.dtype == np.float64 for a in arrays):
        return math.sqrt(square_sum)
    return scaled_norm(arrays)


def scaled_norm(arrays: list[np.ndarray]) -> float:
    """Return the norm by scaling with a power of two: cannot overflow unless the norm itself does; NaN and infinity come through."""
    with np.errstate(invalid="ignore"):
        largest = float(np.max([np.max(np.abs(a)) for a in arrays if a.size], initial=0.0))  # unlike max(), keeps NaN
    if largest == 0 or not math.isfinite(largest):
        return largest
    exponent = math.frexp(largest)[1]
    total = math.fsum(float(np.sum(np.square(np.ldexp(a.astype(np.float64), -exponent)))) for a in arrays if a.size)
    try:
        return math.ldexp(math.sqrt(total), exponent)
    except OverflowError:
        return math.inf


def scaled(array: np.ndarray, exponent: int, factor: float = 1.0) -> np.ndarray:
    """Return a C-contiguous copy times ``factor * 2**exponent``, in float64, rounded once: for factors beyond float32."""
    wide = np.ldexp(array.astype(np.float64, order="C"), exponent) * factor
    return np.asarray(wide, array.dtype)  # of arrays without axes NumPy makes scalars


def _gradient_arrays(owner: str, grads: Tree) -> dict[str, np.ndarray]:
    if hasattr(grads, "__next__"):
        raise check.value_error(
            owner, "grads", "an array or a list, tuple or dict of arrays", grads, "A generator is empty after one use."
        )
    arrays = {name: plain_view(name, leaf, "grad") for name, leaf in leaves(grads) if leaf is not None}
    for name, array in arrays.items():
        check_dtype(f"grad {name!r}", array.dtype)
    return arrays


def global_norm(grads: Tree) -> float:
    """Return the Euclidean norm of all gradients together.

    The sum runs in float64 over fixed blocks and a fixed tree: the same bits for any number of threads. It neither overflows nor
    underflows while the norm itself is in range.

    Parameters
    ----------
    grads : ndarray, or list, tuple or dict (nested) of ndarrays
        Arrays of any shape and strides, of dtype float32, float64, float16 or bfloat16; None entries are left out.

    Returns
    -------
    float
        :math:`\\sqrt{\\sum g^2}`; NaN or infinity if an element is.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> fastgd.global_norm([np.array([3.0]), np.array([[4.0]])])
    5.0
    """
    arrays = list(_gradient_arrays("global_norm", grads).values())
    return norm_of(execute.square_sum(arrays), arrays)


def _writeable(owner: str, grads: Tree) -> list[np.ndarray]:
    named = _gradient_arrays(owner, grads)
    for name, array in named.items():
        if not array.flags.writeable:
            raise check.value_error(
                owner, "grads", "writeable arrays: they are scaled in place", f"{name!r}, read-only"
            )
    check_distinct("grad", list(named), list(named.values()))
    return list(named.values())


def clip_norm(grads: Tree, max_norm: float) -> float:
    """Scale all gradients, in place, so that their norm together is at most `max_norm`.

    .. math:: g \\leftarrow g \\min(1, c / \\lVert g \\rVert)

    Parameters
    ----------
    grads : ndarray, or list, tuple or dict (nested) of ndarrays
        Arrays of any shape and strides, of dtype float32, float64, float16 or bfloat16; None entries are left out.
    max_norm : float
        The limit :math:`c \\ge 0`; infinity scales nothing.

    Returns
    -------
    float
        The norm before clipping.

    Raises
    ------
    NonFiniteError
        When the norm is NaN or infinite; nothing is changed.
    ArgumentValueError
        When `max_norm` is negative or NaN, or an array is read-only.

    Notes
    -----
    Source: R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural networks (2013).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> grads = [np.array([3.0]), np.array([4.0])]
    >>> fastgd.clip_norm(grads, 1.0), grads
    (5.0, [array([0.6]), array([0.8])])
    """
    limit = check.limit(max_norm, "clip_norm", "max_norm")
    arrays = _writeable("clip_norm", grads)
    norm = norm_of(execute.square_sum(arrays), arrays)
    if not math.isfinite(norm):
        for name, array in _gradient_arrays("clip_norm", grads).items():
            refuse_nonfinite(f"grad {name!r}", array, "; nothing was changed")
        raise check.NonFiniteError("the norm of the gradients exceeds what float64 can hold; nothing was changed")
    if norm > limit:
        for array in arrays:
            if limit / norm > SMALLEST_FACTOR:
                factor = execute.compute_dtype(array.dtype).type(limit / norm)
                np.multiply(array, factor, out=array, casting="same_kind")
            else:
                mantissa, exponent = math.frexp(norm)
                array[...] = scaled(array, -exponent, limit / mantissa)
    return norm


def clip_value(grads: Tree, max_value: float) -> None:
    """Limit every gradient element, in place, to ``[-max_value, max_value]``.

    Parameters
    ----------
    grads : ndarray, or list, tuple or dict (nested) of ndarrays
        Arrays of any shape and strides, of dtype float32, float64, float16 or bfloat16; None entries are left out.
    max_value : float
        The limit, at least 0; infinity changes nothing.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> g = np.array([-3.0, 0.5])
    >>> fastgd.clip_value(g, 1.0)
    >>> g
    array([-1. ,  0.5])
    """
    limit = check.limit(max_value, "clip_value", "max_value")
    for array in _writeable("clip_value", grads):
        if limit < math.inf:
            np.copyto(
                array, np.clip(array.astype(execute.compute_dtype(array.dtype), copy=False), -limit, limit), "same_kind"
            )
