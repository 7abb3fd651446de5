"""Gradient clipping as functions on one's own arrays; the optimizers' options of these names need no pass of their own."""

import math

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute
from fastgd._params import Tree, check_dtype, leaves, plain_view

SAFE = (1e-280, 1e300)
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
    largest = max((float(np.max(np.abs(a))) for a in arrays if a.size), default=0.0)
    if largest == 0 or not math.isfinite(largest):
        return largest
    exponent = math.frexp(largest)[1]
    total = math.fsum(float(np.sum(np.square(np.ldexp(a.astype(np.float64), -exponent)))) for a in arrays if a.size)
    return math.ldexp(math.sqrt(total), exponent)


def _gradient_arrays(owner: str, grads: Tree) -> list[np.ndarray]:
    if hasattr(grads, "__next__"):
        raise check.value_error(
            owner, "grads", "an array or a list, tuple or dict of arrays", grads, "A generator is empty after one use."
        )
    arrays = []
    for name, leaf in leaves(grads):
        if leaf is not None:
            arrays.append(plain_view(name, leaf, "grad"))
            check_dtype(f"grad {name!r}", arrays[-1].dtype)
    return arrays


def global_norm(grads: Tree) -> float:
    """Return the Euclidean norm of all gradients together.

    The sum runs in float64 over fixed blocks and a fixed tree: the same bits for any number of threads. It neither overflows nor
    underflows while the norm itself is in range.

    Parameters
    ----------
    grads : ndarray, or list, tuple or dict (nested) of ndarrays
        Float arrays of any shape and strides; None entries are left out.

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
    arrays = _gradient_arrays("global_norm", grads)
    return norm_of(execute.square_sum(arrays), arrays)


def _writeable(owner: str, grads: Tree) -> list[np.ndarray]:
    arrays = _gradient_arrays(owner, grads)
    for array in arrays:
        if not array.flags.writeable:
            raise check.value_error(owner, "grads", "writeable arrays: they are scaled in place", "a read-only array")
    return arrays


def clip_norm(grads: Tree, max_norm: float) -> float:
    """Scale all gradients, in place, so that their norm together is at most `max_norm`.

    .. math:: g \\leftarrow g \\min(1, c / \\lVert g \\rVert)

    Parameters
    ----------
    grads : ndarray, or list, tuple or dict (nested) of ndarrays
        Float arrays of any shape and strides; None entries are left out.
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
    limit = max_norm if max_norm == math.inf else check.real(max_norm, "clip_norm", "max_norm", 0)
    arrays = _writeable("clip_norm", grads)
    norm = norm_of(execute.square_sum(arrays), arrays)
    if not math.isfinite(norm):
        raise check.NonFiniteError(f"the norm of the gradients is {norm}; nothing was changed")
    if norm > limit:
        for array in arrays:
            _scale(array, limit / norm)
    return norm


def _scale(array: np.ndarray, factor: float) -> None:
    """Multiply in place, in the computing dtype, rounding once."""
    np.multiply(array, execute.compute_dtype(array.dtype).type(factor), out=array, casting="same_kind")


def clip_value(grads: Tree, max_value: float) -> None:
    """Limit every gradient element, in place, to ``[-max_value, max_value]``.

    Parameters
    ----------
    grads : ndarray, or list, tuple or dict (nested) of ndarrays
        Float arrays of any shape and strides; None entries are left out.
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
    limit = max_value if max_value == math.inf else check.real(max_value, "clip_value", "max_value", 0)
    for array in _writeable("clip_value", grads):
        bound = array.dtype.type(limit)
        np.clip(array, -bound, bound, out=array)
