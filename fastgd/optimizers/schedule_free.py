"""Schedule-Free methods: averaging in place of a falling learning rate, with no horizon to know in advance."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fastgd._kernels import rules
from fastgd.optimizers._base import NONNEGATIVE, POSITIVE, Hyper, Interval
from fastgd.optimizers._measured import _Carrying

OPEN_FRACTION = Interval(0, 1, "neither")


@dataclass(frozen=True, repr=False)
class _ScheduleFree(_Carrying):
    """What both share: warm-up, the weights of the average, and the point to evaluate at."""

    carried: ClassVar[tuple[str, ...]] = ("weight_sum", "lr_max")

    def _interpolation(self) -> float:
        raise NotImplementedError

    def _rate(self, age):
        return self.lr * min(1.0, age / self.warmup_steps) if self.warmup_steps > 0 else self.lr

    def _next_carry(self, age, carry):
        weight_sum, lr_max = carry
        lr_max = max(self._rate(age), lr_max)
        return weight_sum + age**self.r * lr_max**self.weight_lr_power, lr_max

    def _average(self, age, carry):
        """Return the scalars of the step and of the average."""
        rate, (weight_sum, _) = self._rate(age), self._next_carry(age, carry)
        share = 1 - carry[0] / weight_sum if weight_sum > 0 else 0.0
        return {"lr": rate, "pull": share, "push": rate * (1 - self._interpolation() * (1 - share))}

    def _initial(self, slot, p):
        return p if slot == "z" else 0.0

    def _evaluated(self, p, slots):
        wide = p.astype(np.float64)
        return wide + (1 - 1 / self._interpolation()) * (slots["z"].astype(np.float64) - wide)


@dataclass(frozen=True, repr=False)
class SGDScheduleFree(_ScheduleFree):
    """Schedule-Free gradient descent: gradients are taken between a fast iterate and its average, and the average is the answer.

    .. math::
        y = (1 - \\beta) z + \\beta x, \\quad z \\leftarrow z - \\alpha_t\\, g(y), \\quad
        x \\leftarrow (1 - c) x + c z, \\quad c = \\frac{w_t}{\\sum_{i \\le t} w_i}, \\quad
        w_t = t^r \\max_{i \\le t} \\alpha_i^{\\,\\rho}

    where :math:`\\alpha_t` grows to :math:`\\alpha` in `warmup_steps`. The parameters are :math:`y`, where the gradient is wanted;
    `State.evaluation_params` gives :math:`x`, the weights to evaluate, save and use.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`, larger than with a schedule; it need not fall.
    momentum : float or Schedule
        :math:`\\beta` in (0, 1).
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`, of :math:`y`.
    warmup_steps : float or Schedule
        The steps in which the rate rises from 0.
    r : float or Schedule
        The power :math:`r \\ge 0` of the step number in the weights.
    weight_lr_power : float or Schedule
        The power :math:`\\rho \\ge 0` of the largest rate in the weights.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``z``. `State.estimates` tells weight_sum and lr_max. Source: A. Defazio et al., The road
    less scheduled (2024).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.SGDScheduleFree(lr=0.4).init(w)
    >>> for _ in range(200):
    ...     info = state.step(2 * w)
    >>> bool(abs(state.evaluation_params()).max() < 0.05)
    True
    """

    lr: Hyper = 1.0
    momentum: Hyper = 0.9
    weight_decay: Hyper = 0.0
    warmup_steps: Hyper = 0.0
    r: Hyper = 0.0
    weight_lr_power: Hyper = 2.0

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "momentum": OPEN_FRACTION,
        "weight_decay": NONNEGATIVE,
        "warmup_steps": NONNEGATIVE,
        "r": NONNEGATIVE,
        "weight_lr_power": NONNEGATIVE,
    }

    def _interpolation(self):
        return self.momentum

    def _rule(self) -> Callable:
        return rules.schedule_free_sgd

    def _scalars(self, age, carry):
        return {**self._average(age, carry), "l2": self.weight_decay}


@dataclass(frozen=True, repr=False)
class AdamWScheduleFree(_ScheduleFree):
    """Schedule-Free AdamW: `SGDScheduleFree` with the gradient divided by the root of a running mean of its squares.

    .. math::
        v \\leftarrow \\beta_2 v + (1 - \\beta_2) g^2, \\quad
        z \\leftarrow z - \\alpha_t \\left(\\frac{g}{\\sqrt{v / (1 - \\beta_2^t)} + \\epsilon} + \\lambda y\\right)

    and :math:`x, y` as there, with :math:`\\beta = \\beta_1`. The parameters are :math:`y`; `State.evaluation_params` gives :math:`x`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`, larger than with a schedule; it need not fall.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in (0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The decoupled decay :math:`\\lambda`, of :math:`y`.
    warmup_steps : float or Schedule
        The steps in which the rate rises from 0.
    r : float or Schedule
        The power :math:`r \\ge 0` of the step number in the weights.
    weight_lr_power : float or Schedule
        The power :math:`\\rho \\ge 0` of the largest rate in the weights.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``z``, ``exp_avg_sq``. `State.estimates` tells weight_sum and lr_max. Source: A. Defazio et
    al., The road less scheduled (2024).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.AdamWScheduleFree(lr=0.1).init(w)
    >>> for _ in range(500):
    ...     info = state.step(2 * w)
    >>> bool(abs(state.evaluation_params()).max() < 0.05)
    True
    """

    lr: Hyper = 2.5e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0
    warmup_steps: Hyper = 0.0
    r: Hyper = 0.0
    weight_lr_power: Hyper = 2.0

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "betas": OPEN_FRACTION,
        "eps": POSITIVE,
        "weight_decay": NONNEGATIVE,
        "warmup_steps": NONNEGATIVE,
        "r": NONNEGATIVE,
        "weight_lr_power": NONNEGATIVE,
    }
    pairs: ClassVar[tuple[str, ...]] = ("betas",)
    squares: ClassVar[bool] = True

    def _interpolation(self):
        return self.betas[0]

    def _rule(self) -> Callable:
        return rules.schedule_free_adamw

    def _scalars(self, age, carry):
        b2 = self.betas[1]
        second = {"b2": b2, "b2_c": 1 - b2, "debias": 1 / math.sqrt(1 - b2**age), "eps": self.eps}
        return {**self._average(age, carry), **second, "weight_decay": self.weight_decay}
