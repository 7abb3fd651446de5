"""Gradient descent, momentum, and averaging."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd import _validation as check
from fastgd._kernels import rules
from fastgd.optimizers._base import ANY, FRACTION, NONNEGATIVE, Hyper, Interval, Optimizer, each


@dataclass(frozen=True, repr=False)
class SGD(Optimizer):
    """Gradient descent, with momentum (heavy ball) or Nesterov's momentum.

    Without momentum :math:`p \\leftarrow p - \\alpha g`. With momentum :math:`\\mu` and dampening :math:`\\tau`

    .. math::
        b \\leftarrow \\mu b + (1 - \\tau) g, \\qquad
        p \\leftarrow p - \\alpha b \\quad\\text{or, Nesterov,}\\quad p \\leftarrow p - \\alpha (g + \\mu b)

    where the first step takes :math:`b = g`. The same as `torch.optim.SGD`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1). Zero keeps no state array.
    dampening : float or Schedule
        :math:`\\tau`; must be 0 with Nesterov's momentum.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    nesterov : bool
        Whether to look ahead; needs momentum.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``momentum_buffer`` (with momentum). Sources: B. T. Polyak, Some methods of speeding up
    the convergence of iteration methods (1964); Y. Nesterov, A method of solving a convex programming problem (1983); I. Sutskever et
    al., On the importance of initialization and momentum in deep learning (2013).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 2.0])
    >>> state = fastgd.SGD(lr=0.1, momentum=0.9).init(w)
    >>> for _ in range(2):
    ...     info = state.step(2 * w)
    >>> w
    array([0.46, 0.92])
    """

    lr: Hyper = 1e-3
    momentum: Hyper = 0.0
    dampening: Hyper = 0.0
    weight_decay: Hyper = 0.0
    nesterov: bool = False

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "momentum": FRACTION,
        "dampening": ANY,
        "weight_decay": NONNEGATIVE,
    }
    flags: ClassVar[tuple[str, ...]] = ("nesterov",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise check.value_error(
                "SGD", "nesterov", "False unless momentum > 0 and dampening = 0", True, "Set momentum=0.9."
            )

    def _rule(self) -> Callable:
        if self.nesterov:
            return rules.nesterov
        return rules.momentum if self.momentum != 0 else rules.sgd

    def _scalars(self, age, carry):
        undamped = 1 - self.dampening * (age > 1)
        return {"lr": self.lr, "l2": self.weight_decay, "mu": self.momentum, "mu_c": undamped}


@dataclass(frozen=True, repr=False)
class ASGD(Optimizer):
    """Averaged stochastic gradient descent: the iterate runs ahead, its average ``ax`` is the answer.

    .. math::
        \\eta_t = \\frac{\\alpha}{(1 + \\lambda_d \\alpha (t - 1))^{\\kappa}}, \\quad
        p \\leftarrow (1 - \\lambda_d \\eta_t) p - \\eta_t g, \\quad
        \\bar p \\leftarrow \\bar p + \\frac{p - \\bar p}{\\max(1, t - 1 - t_0)}

    The same as `torch.optim.ASGD`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    lambd : float or Schedule
        The decay term :math:`\\lambda_d \\ge 0`.
    alpha : float or Schedule
        The power :math:`\\kappa` of the rate's decay.
    t0 : float or Schedule
        The number of steps after which averaging starts.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``ax``, the average. Source: B. T. Polyak and A. B. Juditsky, Acceleration of stochastic
    approximation by averaging (1992).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([4.0])
    >>> state = fastgd.ASGD(lr=0.9, lambd=0.0, t0=0).init(w)
    >>> for _ in range(50):
    ...     info = state.step(2 * w)
    >>> bool(abs(state.arrays["param.ax"][0]) < 0.1)
    True
    """

    lr: Hyper = 1e-2
    lambd: Hyper = 1e-4
    alpha: Hyper = 0.75
    t0: Hyper = 1e6
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "lambd": NONNEGATIVE,
        "alpha": NONNEGATIVE,
        "t0": ANY,
        "weight_decay": NONNEGATIVE,
    }

    def _rule(self) -> Callable:
        return rules.asgd

    def _scalars(self, age, carry):
        rate = each(_decayed_rate, self.lr, self.lambd, self.alpha, age)
        keep = 1 - 1 / each(max, 1, age - 1 - self.t0)
        return {"lr": rate, "l2": self.weight_decay, "decay": self.lambd * rate, "keep": keep}

    def _evaluated(self, p, slots):
        return slots["ax"]


def _decayed_rate(lr, lambd, alpha, age):
    return lr * math.exp(-alpha * math.log1p(lambd * lr * (age - 1)))
