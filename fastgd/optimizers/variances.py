"""Relatives of Adam that differ in the second moment: what it measures, how fast it grows, when it divides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd import _validation as check
from fastgd._kernels import rules
from fastgd.optimizers._base import NONNEGATIVE, POSITIVE, Hyper, Interval, each
from fastgd.optimizers.adam import _Moments

NO_LIMIT = (
    1e30  # squares are limited, so no ratio to a divisor of 1e-14 or more comes near; infinity is no number for a rule
)


@dataclass(frozen=True, repr=False)
class AdaBelief(_Moments):
    """Adam whose second moment is the variance of the gradient around its running mean: long steps where it does as believed.

    .. math::
        m \\leftarrow \\beta_1 m + (1 - \\beta_1) g, \\quad
        s \\leftarrow \\beta_2 s + (1 - \\beta_2)(g - m)^2 + \\epsilon, \\quad
        p \\leftarrow p - \\frac{\\alpha}{1 - \\beta_1^t} \\frac{m}{\\sqrt{s / (1 - \\beta_2^t)} + \\epsilon}

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the variance and to its root.
    weight_decay : float or Schedule
        The penalty :math:`\\lambda`.
    decoupled_weight_decay : bool
        Whether it acts on the parameters, :math:`p \\leftarrow p - \\alpha\\lambda p`, instead of the gradient.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_var``. Source: J. Zhuang et al., AdaBelief optimizer: adapting
    stepsizes by the belief in observed gradients (2020).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.AdaBelief(lr=0.1).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(4)
    array([0.8889, 0.8889])
    """

    lr: Hyper = 1e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-16
    weight_decay: Hyper = 0.0
    decoupled_weight_decay: bool = True

    flags: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay",)

    def _rule(self) -> Callable:
        return rules.adabelief

    def _scalars(self, age, carry):
        return self._shared(age)


@dataclass(frozen=True, repr=False)
class Yogi(_Moments):
    """Adam whose second moment moves by at most :math:`(1 - \\beta_2) g^2`, however far it is from :math:`g^2`.

    .. math::
        v \\leftarrow v - (1 - \\beta_2)\\,\\mathrm{sign}(v - g^2)\\, g^2

    and the rest as in `Adam`, bias corrections included (as in optax; the paper has none).

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The penalty :math:`\\lambda`.
    decoupled_weight_decay : bool
        Whether it acts on the parameters instead of the gradient.
    initial_accumulator_value : float
        What :math:`v` starts from.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``. Source: M. Zaheer et al., Adaptive methods for nonconvex
    optimization (2018).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.Yogi(lr=0.1).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(2)
    array([0.9 , 0.91])
    """

    lr: Hyper = 1e-2
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-3
    weight_decay: Hyper = 0.0
    decoupled_weight_decay: bool = True
    initial_accumulator_value: float = 1e-6

    intervals: ClassVar[dict[str, Interval]] = {**_Moments.intervals, "initial_accumulator_value": NONNEGATIVE}
    flags: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay",)

    def _rule(self) -> Callable:
        return rules.yogi

    def _scalars(self, age, carry):
        return self._shared(age)

    def _initial(self, slot, p):
        return self.initial_accumulator_value if slot == "exp_avg_sq" else 0.0


@dataclass(frozen=True, repr=False)
class AdaBound(_Moments):
    """Adam whose rates are kept between bounds that close in on that of SGD.

    .. math::
        \\eta = \\mathrm{clip}\\left(\\frac{\\alpha \\sqrt{1 - \\beta_2^t}}{(1 - \\beta_1^t)(\\sqrt{v} + \\epsilon)},\\;
        \\alpha^*\\Big(1 - \\frac{1}{\\gamma t + 1}\\Big),\\; \\alpha^*\\Big(1 + \\frac{1}{\\gamma t}\\Big)\\right), \\quad
        p \\leftarrow p - \\eta m

    with `Adam`'s moments :math:`m, v`. A schedule of `lr` scales the final rate :math:`\\alpha^*` too.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha > 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The penalty :math:`\\lambda`, added to the gradient.
    final_lr : float or Schedule
        The rate of SGD :math:`\\alpha^*` at the end.
    gamma : float or Schedule
        How fast the bounds close, :math:`\\gamma > 0`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``. Source: L. Luo et al., Adaptive gradient methods with dynamic
    bound of learning rate (2019).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.AdaBound(lr=0.1).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(3)
    array([0.9, 0.9])
    """

    lr: Hyper = 1e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0
    final_lr: Hyper = 0.1
    gamma: Hyper = 1e-3

    intervals: ClassVar[dict[str, Interval]] = {
        **_Moments.intervals,
        "lr": POSITIVE,
        "final_lr": POSITIVE,
        "gamma": POSITIVE,
    }

    def _rule(self) -> Callable:
        return rules.adabound

    def _first_carry(self):
        return self.lr  # the final rate goes with the rate as it was at first

    def _next_carry(self, age, carry):
        return carry

    def _check_carry(self, age, carry):
        if not (isinstance(carry, float) and carry > 0):
            raise check.value_error("AdaBound", "carry", "the first rate, a positive number", carry)

    def _scalars(self, age, carry):
        shared, final = self._shared(age), self.final_lr * self.lr / carry
        bounds = {"lowest": final * (1 - 1 / (self.gamma * age + 1)), "highest": final * (1 + 1 / (self.gamma * age))}
        return {**shared, "lr": shared["lr"] / shared["debias"], **bounds}


@dataclass(frozen=True, repr=False)
class LaProp(_Moments):
    """Adam in the other order: gradients are divided by the root first, their momentum is taken afterwards.

    .. math::
        v \\leftarrow \\beta_2 v + (1 - \\beta_2) g^2, \\quad
        m \\leftarrow \\beta_1 m + (1 - \\beta_1) \\frac{g}{\\sqrt{v / (1 - \\beta_2^t)} + \\epsilon}, \\quad
        p \\leftarrow p - \\frac{\\alpha}{1 - \\beta_1^t} m

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1); unlike Adam's they may be chosen independently.
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The decoupled decay :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``. Source: L. Ziyin, Z. T. Wang and M. Ueda, LaProp: separating
    momentum and adaptivity in Adam (2020).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.LaProp(lr=0.1).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(6)
    array([0.9, 0.9])
    """

    lr: Hyper = 4e-4
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-15
    weight_decay: Hyper = 0.0

    def _rule(self) -> Callable:
        return rules.laprop

    def _decoupled(self) -> bool:
        return True

    def _scalars(self, age, carry):
        return self._shared(age)


@dataclass(frozen=True, repr=False)
class ADOPT(_Moments):
    """Adam that divides by the root of the past alone, which converges for every :math:`\\beta_2`.

    .. math::
        u = \\mathrm{clip}\\Big(\\frac{g}{\\max(\\sqrt{v}, \\epsilon)}, \\pm (t - 1)^{1/4}\\Big), \\quad
        m \\leftarrow \\beta_1 m + (1 - \\beta_1) u, \\quad p \\leftarrow p - \\alpha m, \\quad
        v \\leftarrow \\beta_2 v + (1 - \\beta_2) g^2

    The first step only sets :math:`v = g^2`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, the least divisor.
    weight_decay : float or Schedule
        The penalty :math:`\\lambda`.
    decoupled_weight_decay : bool
        Whether it acts on the parameters instead of the gradient.
    clip_ratio : bool
        Whether the ratio is limited.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``. Source: S. Taniguchi et al., ADOPT: modified Adam can
    converge with any beta2 with the optimal rate (2024), algorithm 2.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> state = fastgd.ADOPT(lr=0.1).init(w)
    >>> info = state.step(np.array([10.0, 0.1])), state.step(np.array([10.0, 0.1]))
    >>> w.round(6)
    array([0.99, 0.99])
    """

    lr: Hyper = 1e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.9999)
    eps: Hyper = 1e-6
    weight_decay: Hyper = 0.0
    decoupled_weight_decay: bool = False
    clip_ratio: bool = True

    flags: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay", "clip_ratio")

    def _rule(self) -> Callable:
        return rules.adopt

    def _scalars(self, age, carry):
        shared, moves = self._shared(age), age > 1  # the first step only sees: v = g**2
        return {
            **shared, "lr": self.lr * moves, "decay": shared["decay"] * moves, "b1_c": shared["b1_c"] * moves,
            "b2": shared["b2"] * moves, "b2_c": 1 - shared["b2"] * moves,
            "largest": each(_fourth_root, age - 1) if self.clip_ratio else NO_LIMIT,
        }  # fmt: skip


def _fourth_root(steps):
    return steps**0.25
