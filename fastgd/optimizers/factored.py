"""Adaptive rates whose second moments take little memory: a row and a column of numbers for a matrix, instead of one for each weight."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fastgd._kernels import directions, execute, rules
from fastgd._kernels.array_functions import of_arrays
from fastgd.clipping import norm_of
from fastgd.optimizers._base import FRACTION, NONNEGATIVE, POSITIVE, Hyper, Interval, Optimizer

averaged, outer, normalized, penalized, covered, bounded = (
    of_arrays(getattr(directions, name), np, None)
    for name in ("averaged", "outer", "normalized", "penalized", "covered", "bounded")
)


@dataclass(frozen=True, repr=False)
class Adafactor(Optimizer):
    """Adam without momentum whose second moments are, for a matrix, the outer product of their means over rows and over columns.

    .. math::
        \\hat\\beta = 1 - t^{\\gamma}, \\quad
        R \\leftarrow \\hat\\beta R + (1 - \\hat\\beta)\\, \\mathrm{mean}_\\text{columns}(g^2), \\quad
        C \\leftarrow \\hat\\beta C + (1 - \\hat\\beta)\\, \\mathrm{mean}_\\text{rows}(g^2), \\quad
        V = \\frac{R C}{\\max(\\mathrm{mean}(R), \\epsilon_1)}

    .. math::
        u = \\frac{g}{\\sqrt{\\max(V, \\epsilon_1^2)}}, \\quad
        p \\leftarrow p - \\alpha \\lambda p - \\max(\\epsilon_2, \\mathrm{rms}(p)) \\min(\\alpha, t^{-1/2})
        \\frac{u}{\\max(1, \\mathrm{rms}(u) / d)}

    Arrays of more dimensions are stacks of matrices in their last two; vectors keep :math:`V` itself. The same as
    `torch.optim.Adafactor`.

    Parameters
    ----------
    lr : float or Schedule
        The largest relative step size :math:`\\alpha \\ge 0`.
    beta2_decay : float
        :math:`\\gamma \\le 0`: how fast the averaging slows down.
    eps : pair of float or Schedule
        :math:`\\epsilon_1 > 0`, or None for the spacing of the computing dtype at 1; :math:`\\epsilon_2 > 0`, the least scale of a
        parameter.
    d : float or Schedule
        The largest root mean square of an update, at least 1.
    weight_decay : float or Schedule
        The decoupled decay :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays: ``variance`` of the shape of a vector; of arrays of more dimensions ``row_var`` and ``col_var``, whose last and last but
    one dimension is 1. A step takes several passes over an array, and memory for it meanwhile. Source: N. Shazeer and M. Stern,
    Adafactor: adaptive learning rates with sublinear memory cost (2018), algorithms 4 and 5.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.ones((2, 2))
    >>> state = fastgd.Adafactor(lr=0.1).init(w)
    >>> info = state.step(np.array([[1.0, 1.0], [-2.0, -2.0]]))
    >>> w.round(6), state.arrays["param.row_var"].shape
    (array([[0.9, 0.9],
           [1.1, 1.1]]), (2, 1))
    """

    lr: Hyper = 1e-2
    beta2_decay: Hyper = -0.8
    eps: tuple[Hyper | None, Hyper] = (None, 1e-3)
    d: Hyper = 1.0
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "beta2_decay": Interval(-math.inf, 0, "right"),
        "eps": POSITIVE,
        "d": Interval(1),
        "weight_decay": NONNEGATIVE,
    }
    pairs: ClassVar[tuple[str, ...]] = ("eps",)
    squares: ClassVar[bool] = True
    in_lanes: ClassVar[bool] = False
    factored: ClassVar[bool] = True
    nonnegative: ClassVar[frozenset[str]] = frozenset({"row_var", "col_var", "variance"})

    def _several(self, name, value, interval):
        if not isinstance(value, (tuple, list)) or len(value) != 2 or value[0] is not None:
            return super()._several(name, value, interval)
        return None, self._hyper("eps[1]", value[1], interval)

    def _rule(self) -> Callable:
        return rules.sgd

    def _factor_shapes(self, p):
        if p.ndim < 2:
            return {"variance": p.shape}
        return {"row_var": (*p.shape[:-1], 1), "col_var": (*p.shape[:-2], 1, p.shape[-1])}

    def _direction_scalars(self, age, dtype):
        least = float(np.finfo(dtype).eps) if self.eps[0] is None else self.eps[0]
        return age**self.beta2_decay, least, least * least, self.eps[1], min(self.lr, age**-0.5), self.d

    def _direction(self, age, p, g, factors):
        if g.size == 0:
            return g, factors
        share, least, least_square, *scaling = self._direction_scalars(age, p.dtype)
        found = {name: averaged(old, _mean_square(g, name), share) for name, old in factors.items()}
        if "variance" in found:
            variance = found["variance"]
        else:
            row, column = found["row_var"], found["col_var"]
            mean = np.mean(row, axis=-2, keepdims=True, dtype=np.float64).astype(p.dtype)
            variance = outer(row, column, mean, least)
        u = normalized(g, variance, least_square)
        return u * p.dtype.type(directions.step_scale(_rms(p), _rms(u), *scaling)), found

    def _scalars(self, age, carry):
        return {"lr": 1.0, "l2": self.lr * self.weight_decay}


def _mean_square(g: np.ndarray, name: str) -> np.ndarray:
    """Return the squares of a gradient, averaged as the state array of that name is, in the gradient's dtype."""
    if name == "variance":
        return g * g
    axis = -1 if name == "row_var" else -2
    return np.mean(g * g, axis=axis, keepdims=True, dtype=np.float64).astype(g.dtype)


def _rms(x: np.ndarray) -> float:
    """Return the root mean square, whatever the size of the numbers."""
    x = np.asarray(x)
    return norm_of(execute.square_sum([x]), [x]) / math.sqrt(x.size)


@dataclass(frozen=True, repr=False)
class SM3(Optimizer):
    """Adagrad with the memory of one number for each row and each column: the least of those that cover a weight bounds its own sum.

    .. math::
        \\nu_{ij} = \\beta_2 \\min(R_i, C_j) + (1 - \\beta_2) g_{ij}^2, \\quad
        R_i \\leftarrow \\max_j \\nu_{ij}, \\quad C_j \\leftarrow \\max_i \\nu_{ij}, \\quad
        m \\leftarrow \\mu m + (1 - \\mu) \\frac{g}{\\sqrt{\\nu + \\epsilon}}, \\quad p \\leftarrow p - \\alpha m

    where :math:`\\beta_2 = 1` means a sum: both factors are 1 then. Arrays of any number of dimensions have one array of numbers for
    each dimension; that of a vector is of its own length, which is Adagrad.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1). Zero keeps no momentum.
    beta2 : float or Schedule
        :math:`\\beta_2` in [0, 1]: 1 adds squares up, less lets them fade.
    eps : float or Schedule
        :math:`\\epsilon > 0`; where :math:`\\nu = 0` nothing moves.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays: ``momentum_buffer`` (with momentum) of the parameter's shape; ``accumulator_0``, and for further dimensions
    ``accumulator_1`` and so on, each of the parameter's length in one dimension. A step takes several passes over an array, and memory
    for it meanwhile. Source: R. Anil, V. Gupta, T. Koren and Y. Singer, Memory-efficient adaptive optimization (2019), algorithm SM3-II.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.zeros((2, 2))
    >>> state = fastgd.SM3(lr=0.1, momentum=0.0).init(w)
    >>> info = state.step(np.array([[1.0, 0.0], [-2.0, 4.0]]))
    >>> w.round(6), state.arrays["param.accumulator_0"]
    (array([[-0.1,  0. ],
           [ 0.1, -0.1]]), array([ 1., 16.]))
    """

    lr: Hyper = 1e-1
    momentum: Hyper = 0.9
    beta2: Hyper = 1.0
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "momentum": FRACTION,
        "beta2": Interval(0, 1, "both"),
        "eps": POSITIVE,
        "weight_decay": NONNEGATIVE,
    }
    squares: ClassVar[bool] = True
    in_lanes: ClassVar[bool] = False
    factored: ClassVar[bool] = True
    nonnegative: ClassVar[frozenset[str]] = frozenset(f"accumulator_{k}" for k in range(64))

    def _rule(self) -> Callable:
        return rules.momentum if self.momentum != 0 else rules.sgd

    def _factor_shapes(self, p):
        return {f"accumulator_{k}": (n,) for k, n in enumerate(p.shape or (1,))}

    def _direction_scalars(self, age, dtype):
        return self.weight_decay, 1.0 if self.beta2 == 1 else 1 - self.beta2, self.beta2, self.eps

    def _direction(self, age, p, g, factors):
        if g.size == 0:
            return g, factors
        l2, fresh, kept, eps = self._direction_scalars(age, p.dtype)
        g = penalized(g, p, l2).reshape(p.shape or (1,))
        sums = list(factors.values())
        bound = sums[0].reshape(g.shape[:1] + (1,) * (g.ndim - 1))
        for axis in range(1, g.ndim):
            bound = np.minimum(bound, sums[axis].reshape((-1,) + (1,) * (g.ndim - 1 - axis)))
        total = covered(g, bound, fresh, kept)
        others = [tuple(a for a in range(g.ndim) if a != axis) for axis in range(g.ndim)]
        found = [total.max(axis=axes) for axes in others]
        return bounded(g, total, eps).reshape(p.shape), dict(zip(factors, found, strict=True))

    def _scalars(self, age, carry):
        return {"lr": self.lr, "l2": 0.0, "mu": self.momentum, "mu_c": 1 - self.momentum}
