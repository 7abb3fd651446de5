"""Optimizers that scale each array's step by norms of that array: LARS, LAMB, NovoGrad."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd._kernels import measures, rules
from fastgd.optimizers._base import FRACTION, NONNEGATIVE, POSITIVE, Hyper, Interval
from fastgd.optimizers._measured import _Carrying
from fastgd.optimizers.adam import _Moments


@dataclass(frozen=True, repr=False)
class LARS(_Carrying):
    """Layer-wise adaptive rate scaling: momentum in which each array's rate is in proportion to its norm over its gradient's.

    .. math::
        \\tau = \\frac{\\kappa \\lVert p \\rVert}{\\lVert g \\rVert + \\lambda \\lVert p \\rVert + \\epsilon}, \\quad
        b \\leftarrow \\mu b + \\alpha \\tau (g + \\lambda p), \\quad p \\leftarrow p - b

    with norms of each array by itself; :math:`\\tau = 1` where :math:`p` or :math:`g` is 0.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1).
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    trust_coefficient : float or Schedule
        :math:`\\kappa > 0`: how much of its norm an array may change in a step at rate 1.
    eps : float or Schedule
        :math:`\\epsilon > 0`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``momentum_buffer``. `State.estimates` tells trust_ratio. Source: Y. You, I. Gitman and
    B. Ginsburg, Large batch training of convolutional networks (2017), algorithm 1.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, 4.0])
    >>> info = fastgd.LARS(lr=10.0, momentum=0.0).init(w).step(np.array([0.0, 200.0]))
    >>> w.round(4)
    array([3.  , 3.95])
    """

    lr: Hyper = 0.1
    momentum: Hyper = 0.9
    weight_decay: Hyper = 0.0
    trust_coefficient: Hyper = 1e-3
    eps: Hyper = 1e-8

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "momentum": FRACTION,
        "weight_decay": NONNEGATIVE,
        "trust_coefficient": POSITIVE,
        "eps": POSITIVE,
    }
    squares: ClassVar[bool] = True
    apart: ClassVar[bool] = True
    carried: ClassVar[tuple[str, ...]] = ("trust_ratio",)

    def _rule(self) -> Callable:
        return rules.momentum

    def _measure(self):
        return measures.norm_sums

    def _informed(self, age, carry, sums, loss):
        weight, gradient = math.sqrt(sums[0]), math.sqrt(sums[1])
        if weight == 0 or gradient == 0:
            return (1.0,)
        return (self.trust_coefficient * weight / (gradient + self.weight_decay * weight + self.eps),)

    def _scalars(self, age, carry):
        return {"lr": 1.0, "l2": self.weight_decay, "mu": self.momentum, "mu_c": self.lr * carry[0]}


@dataclass(frozen=True, repr=False)
class LAMB(_Carrying, _Moments):
    """Layer-wise adaptive moments: Adam in which each array's step is in proportion to that array's norm.

    .. math::
        u = \\frac{m / (1 - \\beta_1^t)}{\\sqrt{v / (1 - \\beta_2^t)} + \\epsilon} + \\lambda p, \\quad
        p \\leftarrow p - \\alpha \\frac{\\lVert p \\rVert}{\\lVert u \\rVert} u

    with `Adam`'s moments and norms of each array by itself; their ratio counts as 1 where either is 0.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`: how much of its norm an array changes in a step.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The decay :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``. `State.estimates` tells trust_ratio. Source: Y. You et al.,
    Large batch optimization for deep learning: training BERT in 76 minutes (2020), algorithm 2.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, 4.0])
    >>> info = fastgd.LAMB(lr=0.01).init(w).step(np.array([0.0, 200.0]))
    >>> w.round(4)
    array([3.  , 3.95])
    """

    lr: Hyper = 1e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-6
    weight_decay: Hyper = 0.0

    apart: ClassVar[bool] = True
    carried: ClassVar[tuple[str, ...]] = ("trust_ratio",)

    def _rule(self) -> Callable:
        return rules.adam

    def _measure(self):
        return measures.lamb_sums

    def _measuring(self, age, carry):
        return {**self._shared(age), "decay": self.weight_decay, "correct": 1 / (1 - self.betas[0] ** age)}

    def _informed(self, age, carry, sums, loss):
        return (math.sqrt(sums[0] / sums[1]) if sums[0] > 0 and sums[1] > 0 else 1.0,)

    def _scalars(self, age, carry):
        shared, rate = self._shared(age), self.lr * carry[0]
        return {**shared, "lr": rate / (1 - self.betas[0] ** age), "l2": 0.0, "decay": rate * self.weight_decay}


@dataclass(frozen=True, repr=False)
class NovoGrad(_Carrying):
    """Momentum of gradients that are divided by a running mean of their norm, one number for each array.

    .. math::
        v \\leftarrow \\beta_2 v + (1 - \\beta_2) \\lVert g \\rVert^2, \\quad
        m \\leftarrow \\beta_1 m + \\frac{g}{\\sqrt{v} + \\epsilon} + \\lambda p, \\quad p \\leftarrow p - \\alpha m

    with norms of each array by itself; the first step takes :math:`v = \\lVert g \\rVert^2`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The decay :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``. `State.estimates` tells exp_avg_sq, the number :math:`v`. Source: B. Ginsburg
    et al., Stochastic gradient methods with layer-wise adaptive moments for training of deep networks (2019).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, 4.0])
    >>> info = fastgd.NovoGrad(lr=0.1).init(w).step(np.array([30.0, 40.0]))
    >>> w.round(4)
    array([2.94, 3.92])
    """

    lr: Hyper = 1e-2
    betas: tuple[Hyper, Hyper] = (0.95, 0.98)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = _Moments.intervals
    pairs: ClassVar[tuple[str, ...]] = ("betas",)
    squares: ClassVar[bool] = True
    apart: ClassVar[bool] = True
    carried: ClassVar[tuple[str, ...]] = ("exp_avg_sq",)

    def _rule(self) -> Callable:
        return rules.novograd

    def _measure(self):
        return measures.grad_sums

    def _informed(self, age, carry, sums, loss):
        b2 = self.betas[1]
        return (b2 * carry[0] + (1 - b2) * sums[0] if age > 1 else sums[0],)

    def _scalars(self, age, carry):
        g_c = 1 / (math.sqrt(carry[0]) + self.eps)
        return {"lr": self.lr, "b1": self.betas[0], "g_c": g_c, "decay": self.weight_decay}
