"""Relatives of Adam that differ in the momentum: of differences, of two speeds, mixed with the gradient itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd._kernels import rules
from fastgd.optimizers._base import FRACTION, NONNEGATIVE, Hyper, Interval, Optimizer, each
from fastgd.optimizers.adam import _debias, _Moments, _seen

CLOSED_FRACTION = Interval(0, 1, "both")


@dataclass(frozen=True, repr=False)
class Adan(Optimizer):
    """Adaptive Nesterov momentum: running means of the gradient, of its changes, and of the square of both together.

    .. math::
        d = g - g_\\text{last}, \\quad m \\leftarrow \\beta_1 m + (1 - \\beta_1) g, \\quad
        u \\leftarrow \\beta_2 u + (1 - \\beta_2) d, \\quad
        n \\leftarrow \\beta_3 n + (1 - \\beta_3)(g + \\beta_2 d)^2

    .. math::
        p \\leftarrow \\frac{1}{1 + \\alpha\\lambda} \\left(p - \\alpha\\,
        \\frac{m / (1 - \\beta_1^t) + \\beta_2 u / (1 - \\beta_2^t)}{\\sqrt{n / (1 - \\beta_3^t)} + \\epsilon}\\right)

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : triple of float or Schedule
        :math:`\\beta_1, \\beta_2, \\beta_3` in [0, 1); the paper writes :math:`1 - \\beta` for each.
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The proximal decay :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_diff``, ``exp_avg_sq``, ``prev_grad``. Source: X. Xie et al., Adan:
    adaptive Nesterov momentum algorithm for faster optimizing deep models (2022).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.Adan(lr=0.1).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(6)
    array([0.9, 0.9])
    """

    lr: Hyper = 1e-3
    betas: tuple[Hyper, Hyper, Hyper] = (0.98, 0.92, 0.99)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = _Moments.intervals
    pairs: ClassVar[tuple[str, ...]] = ("betas",)
    squares: ClassVar[bool] = True

    def _rule(self) -> Callable:
        return rules.adan

    def _scalars(self, age, carry):
        b1, b2, b3 = self.betas
        keep = 1 / (1 + self.lr * self.weight_decay)
        return {
            "lr": keep * self.lr / each(_seen, b1, age), "lr_d": keep * self.lr * b2 / each(_seen, b2, age),
            "decay": keep * self.lr * self.weight_decay, "known": (age > 1) * 1.0, "b1": b1, "b1_c": 1 - b1, "b2": b2, "b2_c": 1 - b2,
            "b3": b3, "b3_c": 1 - b3, "debias": each(_debias, b3, age), "eps": self.eps,
        }  # fmt: skip


@dataclass(frozen=True, repr=False)
class AdEMAMix(Optimizer):
    """Adam with a second, very slow momentum beside the fast one.

    .. math::
        p \\leftarrow p - \\alpha \\left(\\frac{m_1 / (1 - \\beta_1^t) + a\\, m_2}{\\sqrt{v / (1 - \\beta_2^t)} + \\epsilon}
        + \\lambda p\\right)

    with running means :math:`m_1` (:math:`\\beta_1`) and :math:`m_2` (:math:`\\beta_3`) of the gradient and :math:`v`
    (:math:`\\beta_2`) of its square. The paper warms :math:`a` and :math:`\\beta_3` up over the run: give schedules.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : triple of float or Schedule
        :math:`\\beta_1, \\beta_2, \\beta_3` in [0, 1).
    alpha : float or Schedule
        The share of the slow momentum, :math:`a \\ge 0`.
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The decoupled decay :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_slow``, ``exp_avg_sq``. Source: M. Pagliardini, P. Ablin and D.
    Grangier, The AdEMAMix optimizer: better, faster, older (2024).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.AdEMAMix(lr=0.1).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(4)
    array([0.9, 0.9])
    """

    lr: Hyper = 1e-3
    betas: tuple[Hyper, Hyper, Hyper] = (0.9, 0.999, 0.9999)
    alpha: Hyper = 5.0
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = {**_Moments.intervals, "alpha": NONNEGATIVE}
    pairs: ClassVar[tuple[str, ...]] = ("betas",)
    squares: ClassVar[bool] = True

    def _rule(self) -> Callable:
        return rules.ademamix

    def _scalars(self, age, carry):
        b1, b2, b3 = self.betas
        return {
            "lr": self.lr / each(_seen, b1, age), "lr_slow": self.lr * self.alpha, "decay": self.lr * self.weight_decay,
            "b1": b1, "b1_c": 1 - b1, "b2": b2, "b2_c": 1 - b2, "b3": b3, "b3_c": 1 - b3, "debias": each(_debias, b2, age), "eps": self.eps,
        }  # fmt: skip


@dataclass(frozen=True, repr=False)
class QHAdam(_Moments):
    """Quasi-hyperbolic Adam: the momentum and the second moment each mixed with what the gradient is now.

    .. math::
        p \\leftarrow p - \\alpha\\,
        \\frac{(1 - \\nu_1) g + \\nu_1 m / (1 - \\beta_1^t)}{\\sqrt{(1 - \\nu_2) g^2 + \\nu_2 v / (1 - \\beta_2^t)} + \\epsilon}

    with `Adam`'s moments :math:`m, v`, and the same as Adam for :math:`\\nu_1 = \\nu_2 = 1`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    nus : pair of float or Schedule
        :math:`\\nu_1, \\nu_2` in [0, 1]; the paper recommends (0.7, 1) with betas of (0.995, 0.999).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The penalty :math:`\\lambda`.
    decoupled_weight_decay : bool
        Whether it acts on the parameters instead of the gradient.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``. Source: J. Ma and D. Yarats, Quasi-hyperbolic momentum and
    Adam for deep learning (2018).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.QHAdam(lr=0.1, nus=(0.7, 1.0)).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(6)
    array([0.9, 0.9])
    """

    lr: Hyper = 1e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    nus: tuple[Hyper, Hyper] = (1.0, 1.0)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0
    decoupled_weight_decay: bool = False

    intervals: ClassVar[dict[str, Interval]] = {**_Moments.intervals, "nus": CLOSED_FRACTION}
    pairs: ClassVar[tuple[str, ...]] = ("betas", "nus")
    flags: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay",)

    def _rule(self) -> Callable:
        return rules.qhadam

    def _scalars(self, age, carry):
        shared, (nu1, nu2) = self._shared(age), self.nus
        mixed = {
            "lr_g": self.lr * (1 - nu1),
            "lr_m": nu1 * shared["lr"],
            "now": 1 - nu2,
            "past": nu2 * shared["debias"] ** 2,
        }
        return {**shared, **mixed}


@dataclass(frozen=True, repr=False)
class QHM(Optimizer):
    """Quasi-hyperbolic momentum: steps along a mean of the gradient and its momentum.

    .. math::
        b \\leftarrow \\mu b + (1 - \\mu) g, \\quad p \\leftarrow p - \\alpha \\left((1 - \\nu) g + \\nu b\\right)

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1).
    nu : float or Schedule
        The share :math:`\\nu` of the momentum, in [0, 1]: 0 is plain gradient descent, 1 momentum.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``momentum_buffer``. Source: J. Ma and D. Yarats, Quasi-hyperbolic momentum and Adam for
    deep learning (2018).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0])
    >>> info = fastgd.QHM(lr=0.1, momentum=0.9, nu=0.5).init(w).step(np.array([1.0]))
    >>> w
    array([0.945])
    """

    lr: Hyper = 1.0
    momentum: Hyper = 0.999
    nu: Hyper = 0.7
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "momentum": FRACTION,
        "nu": CLOSED_FRACTION,
        "weight_decay": NONNEGATIVE,
    }

    def _rule(self) -> Callable:
        return rules.qhm

    def _scalars(self, age, carry):
        rates = {"lr_g": self.lr * (1 - self.nu), "lr_m": self.lr * self.nu}
        return {**rates, "l2": self.weight_decay, "mu": self.momentum, "mu_c": 1 - self.momentum}
