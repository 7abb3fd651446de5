"""Optimizers that divide by an accumulated size of the gradient."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import rules
from fastgd.optimizers._base import FRACTION, NONNEGATIVE, POSITIVE, Hyper, Interval, Optimizer


@dataclass(frozen=True, repr=False)
class Adagrad(Optimizer):
    """Adaptive subgradient method: each element's rate falls with the squares of its gradients so far.

    .. math::
        s \\leftarrow s + g^2, \\qquad p \\leftarrow p - \\frac{\\alpha}{1 + (t - 1)\\delta} \\frac{g}{\\sqrt{s} + \\epsilon}

    The same as `torch.optim.Adagrad`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    lr_decay : float or Schedule
        :math:`\\delta \\ge 0`; a schedule for `lr` says the same more clearly.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    initial_accumulator_value : float or Schedule
        What :math:`s` starts from.
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``sum``. Source: J. Duchi, E. Hazan and Y. Singer, Adaptive subgradient methods for online
    learning and stochastic optimization (2011).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.Adagrad(lr=0.5).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(6)
    array([0.5, 0.5])
    """

    lr: Hyper = 1e-2
    lr_decay: Hyper = 0.0
    weight_decay: Hyper = 0.0
    initial_accumulator_value: Hyper = 0.0
    eps: Hyper = 1e-10

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "lr_decay": NONNEGATIVE,
        "weight_decay": NONNEGATIVE,
        "initial_accumulator_value": NONNEGATIVE,
        "eps": POSITIVE,
    }
    squares: ClassVar[bool] = True

    def _rule(self) -> Callable:
        return rules.adagrad

    def _scalars(self, age, carry):
        return {"lr": self.lr / (1 + (age - 1) * self.lr_decay), "l2": self.weight_decay, "eps": self.eps}

    def _initial(self, slot, p):
        return self.initial_accumulator_value


@dataclass(frozen=True, repr=False)
class RMSprop(Optimizer):
    """Divide by the root of a running mean of squared gradients; centered and with momentum where asked.

    .. math::
        v \\leftarrow \\rho v + (1 - \\rho) g^2, \\quad
        u = \\frac{g}{\\sqrt{v - \\bar g^2} + \\epsilon}, \\quad
        p \\leftarrow p - \\alpha u \\quad\\text{or}\\quad b \\leftarrow \\mu b + u,\\; p \\leftarrow p - \\alpha b

    where :math:`\\bar g \\leftarrow \\rho \\bar g + (1 - \\rho) g` if centered, else 0. The same as `torch.optim.RMSprop`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    alpha : float or Schedule
        The smoothing constant :math:`\\rho` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1). Zero keeps no momentum buffer.
    centered : bool
        Divide by the standard deviation instead of the root mean square.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``square_avg``, ``grad_avg`` (centered), ``momentum_buffer`` (with momentum). Sources:
    T. Tieleman and G. Hinton, Lecture 6.5: RMSProp (2012); A. Graves, Generating sequences with recurrent neural networks (2013), for the
    centered form. Where rounding makes the centered variance negative it counts as 0.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.RMSprop(lr=0.01).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(4)
    array([0.9, 0.9])
    """

    lr: Hyper = 1e-2
    alpha: Hyper = 0.99
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0
    momentum: Hyper = 0.0
    centered: bool = False

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "alpha": FRACTION,
        "eps": POSITIVE,
        "weight_decay": NONNEGATIVE,
        "momentum": FRACTION,
    }
    flags: ClassVar[tuple[str, ...]] = ("centered",)
    squares: ClassVar[bool] = True

    def _rule(self) -> Callable:
        if self.centered:
            return rules.rmsprop_centered_momentum if self.momentum != 0 else rules.rmsprop_centered
        return rules.rmsprop_momentum if self.momentum != 0 else rules.rmsprop

    def _scalars(self, age, carry):
        smoothing = {"alpha": self.alpha, "alpha_c": 1 - self.alpha, "eps": self.eps}
        return {"lr": self.lr, "l2": self.weight_decay, "mu": self.momentum, **smoothing}


@dataclass(frozen=True, repr=False)
class Adadelta(Optimizer):
    """Steps in the units of the parameters: the root of past squared steps over the root of past squared gradients.

    .. math::
        v \\leftarrow \\rho v + (1 - \\rho) g^2, \\quad
        \\Delta = \\frac{\\sqrt{u + \\epsilon}}{\\sqrt{v + \\epsilon}} g, \\quad
        u \\leftarrow \\rho u + (1 - \\rho)\\Delta^2, \\quad
        p \\leftarrow p - \\alpha \\Delta

    The same as `torch.optim.Adadelta`.

    Parameters
    ----------
    lr : float or Schedule
        The factor :math:`\\alpha \\ge 0`; 1 in the paper.
    rho : float or Schedule
        The smoothing constant :math:`\\rho` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, which also sets the size of the first steps.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``square_avg``, ``acc_delta``. Source: M. D. Zeiler, ADADELTA: an adaptive learning rate
    method (2012).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0])
    >>> info = fastgd.Adadelta().init(w).step(np.array([1.0]))
    >>> w.round(4)
    array([0.9968])
    """

    lr: Hyper = 1.0
    rho: Hyper = 0.9
    eps: Hyper = 1e-6
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "rho": FRACTION,
        "eps": POSITIVE,
        "weight_decay": NONNEGATIVE,
    }
    squares: ClassVar[bool] = True

    def _rule(self) -> Callable:
        return rules.adadelta

    def _scalars(self, age, carry):
        return {"lr": self.lr, "l2": self.weight_decay, "rho": self.rho, "rho_c": 1 - self.rho, "eps": self.eps}


@dataclass(frozen=True, repr=False)
class FTRL(Optimizer):
    """Follow the regularized leader (FTRL-proximal), with exact zeros by L1.

    .. math::
        n \\leftarrow n + g^2, \\quad s \\leftarrow (\\beta + \\sqrt{n})/\\alpha, \\quad z \\leftarrow z + g - \\Delta s\\, p, \\quad
        p \\leftarrow \\begin{cases} 0 & |z| \\le \\lambda_1 \\\\
        -\\dfrac{z - \\mathrm{sign}(z) \\lambda_1}{s + \\lambda_2} & \\text{otherwise} \\end{cases}

    where :math:`\\Delta s` is the growth of :math:`s` since the last step, so that the rate may follow a schedule.

    Parameters
    ----------
    lr : float or Schedule
        The rate :math:`\\alpha > 0`.
    beta : float or Schedule
        :math:`\\beta > 0`, which bounds the first steps.
    l1, l2 : float or Schedule
        The penalties :math:`\\lambda_1, \\lambda_2 \\ge 0`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``z``, ``n``. The weight is a function of them, so ``z`` starts such that the weight is the
    given one. Source: H. B. McMahan et al., Ad click prediction: a view from the trenches (2013), algorithm 1.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.zeros(2)
    >>> info = fastgd.FTRL(lr=0.5, l1=0.1).init(w).step(np.array([1.0, 0.05]))
    >>> w
    array([-0.225,  0.   ])
    """

    lr: Hyper = 0.1
    beta: Hyper = 1.0
    l1: Hyper = 0.0
    l2: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = {"lr": POSITIVE, "beta": POSITIVE, "l1": NONNEGATIVE, "l2": NONNEGATIVE}

    squares: ClassVar[bool] = True

    def _rule(self) -> Callable:
        return rules.ftrl

    def _scalars(self, age, carry):
        last_lr, last_beta = carry
        return {
            "lr": self.lr,
            "beta": self.beta,
            "last_lr": last_lr,
            "last_beta": last_beta,
            "l1": self.l1,
            "l2": self.l2,
        }

    def _first_carry(self):
        return self.lr, self.beta  # those that z starts from

    def _next_carry(self, age, carry):
        return self.lr, self.beta

    def _check_carry(self, age, carry):
        pair = isinstance(carry, tuple) and len(carry) == 2 and all(isinstance(x, float) and x > 0 for x in carry)
        if not pair:
            raise check.value_error("FTRL", "carry", "the last rate and beta, a pair of positive numbers", carry)

    def _initial(self, slot, p):
        if slot != "z":
            return 0.0
        p = p.astype(np.float64)
        return -p * (self.beta / self.lr + self.l2) - np.sign(p) * self.l1
