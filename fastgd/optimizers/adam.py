"""Adam and its relatives."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd import _validation as check
from fastgd._kernels import measures, rules
from fastgd.optimizers._base import FRACTION, NONNEGATIVE, POSITIVE, Hyper, Interval, Optimizer, each
from fastgd.optimizers._measured import _Cautious


@dataclass(frozen=True, repr=False)
class _Moments(Optimizer):
    """What Adam's relatives share: two betas, eps, and a weight decay that is an L2 penalty or decoupled."""

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "betas": FRACTION,
        "eps": POSITIVE,
        "weight_decay": NONNEGATIVE,
    }
    pairs: ClassVar[tuple[str, ...]] = ("betas",)
    squares: ClassVar[bool] = True

    def _decoupled(self) -> bool:
        return getattr(self, "decoupled_weight_decay", False)

    def _shared(self, age):
        """Return the scalars that all relatives' rules know: penalties, betas with complements, bias correction, eps."""
        b1, b2 = self.betas
        l2, decay = (0.0, self.lr * self.weight_decay) if self._decoupled() else (self.weight_decay, 0.0)
        if type(age) is int:  # every step of a State comes here: no detour
            seen, debias = _seen(b1, age), _debias(b2, age)
        else:
            seen, debias = each(_seen, b1, age), each(_debias, b2, age)
        return {
            "l2": l2, "decay": decay, "b1": b1, "b1_c": 1 - b1, "b2": b2, "b2_c": 1 - b2, "debias": debias, "eps": self.eps,
            "lr": self.lr / seen,
        }  # fmt: skip


@dataclass(frozen=True, repr=False)
class Adam(_Cautious, _Moments):
    """Adaptive moment estimation.

    .. math::
        m \\leftarrow \\beta_1 m + (1 - \\beta_1) g, \\quad v \\leftarrow \\beta_2 v + (1 - \\beta_2) g^2, \\quad
        p \\leftarrow p - \\frac{\\alpha}{1 - \\beta_1^t} \\frac{m}{\\sqrt{v / (1 - \\beta_2^t)} + \\epsilon}

    AMSGrad divides by the largest :math:`v` so far. The same as `torch.optim.Adam`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`, added to the gradient; `AdamW` decouples it.
    amsgrad : bool
        Whether to use the maximum of the second moments.
    cautious : bool
        Whether only those elements move whose step agrees in sign with the gradient, by so much more in the mean; not with AMSGrad.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``, ``max_exp_avg_sq`` (AMSGrad). Sources: D. P. Kingma and J. Ba,
    Adam: a method for stochastic optimization (2015); S. J. Reddi, S. Kale and S. Kumar, On the convergence of Adam and beyond (2018);
    K. Liang et al., Cautious optimizers: improving training with one line of code (2024). Cautious, `State.estimates` tells the share of
    each array's elements that moved.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.Adam(lr=0.1).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(6)
    array([0.9, 0.9])
    """

    lr: Hyper = 1e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0
    amsgrad: bool = False
    cautious: bool = False

    flags: ClassVar[tuple[str, ...]] = ("amsgrad", "cautious")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.amsgrad and self.cautious:
            raise check.value_error(type(self).__name__, "cautious", "False with amsgrad=True", True)

    def _rule(self) -> Callable:
        if self.cautious:
            return rules.cautious_adam
        return rules.amsgrad if self.amsgrad else rules.adam

    def _measure(self):
        return measures.cautious_adam_sums if self.cautious else None

    def _measuring(self, age, carry):
        return self._shared(age)

    def _scalars(self, age, carry):
        shared = self._shared(age)
        return {**shared, "lr": shared["lr"] / carry[0]} if self.cautious else shared


@dataclass(frozen=True, repr=False)
class AdamW(Adam):
    """Adam with decoupled weight decay: `Adam`'s step, and :math:`p \\leftarrow p - \\alpha\\lambda p` beside it.

    The same as `torch.optim.AdamW`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The decoupled decay :math:`\\lambda`.
    amsgrad : bool
        Whether to use the maximum of the second moments.
    cautious : bool
        Whether only those elements move whose step agrees in sign with the gradient, by so much more in the mean; not with AMSGrad.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``, ``max_exp_avg_sq`` (AMSGrad). Source: I. Loshchilov and
    F. Hutter, Decoupled weight decay regularization (2019); for `cautious` see `Adam`. The decay applies to all elements.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.AdamW(lr=0.1, weight_decay=0.5).init(w).step(np.array([10.0, 0.0]))
    >>> w.round(6)
    array([0.85, 0.95])
    """

    weight_decay: Hyper = 1e-2

    def _decoupled(self) -> bool:
        return True


@dataclass(frozen=True, repr=False)
class Adamax(_Moments):
    """Adam with the infinity norm.

    .. math::
        m \\leftarrow \\beta_1 m + (1 - \\beta_1) g, \\quad u \\leftarrow \\max(\\beta_2 u, |g| + \\epsilon), \\quad
        p \\leftarrow p - \\frac{\\alpha}{1 - \\beta_1^t} \\frac{m}{u}

    The same as `torch.optim.Adamax`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the gradient's size.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_inf``. Source: D. P. Kingma and J. Ba, Adam: a method for stochastic
    optimization (2015), algorithm 2.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.Adamax(lr=0.1).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(6)
    array([0.9, 0.9])
    """

    lr: Hyper = 2e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0

    squares: ClassVar[bool] = False

    def _rule(self) -> Callable:
        return rules.adamax

    def _scalars(self, age, carry):
        return self._shared(age)


@dataclass(frozen=True, repr=False)
class NAdam(_Moments):
    """Adam with Nesterov's momentum, whose coefficient :math:`\\mu_t = \\beta_1 (1 - 0.96^{t\\psi} / 2)` warms up.

    .. math::
        p \\leftarrow p - \\alpha \\left(\\frac{1 - \\mu_t}{1 - \\prod_{i \\le t} \\mu_i} g
        + \\frac{\\mu_{t+1}}{1 - \\prod_{i \\le t+1} \\mu_i} m \\right) \\Big/ \\left(\\sqrt{v / (1 - \\beta_2^t)} + \\epsilon\\right)

    with `Adam`'s moments :math:`m, v`. The same as `torch.optim.NAdam`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The weight decay :math:`\\lambda`.
    momentum_decay : float or Schedule
        :math:`\\psi \\ge 0`.
    decoupled_weight_decay : bool
        Whether the decay is decoupled, as in `AdamW`, instead of an L2 penalty.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``. Source: T. Dozat, Incorporating Nesterov momentum into Adam
    (2016).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.NAdam(lr=0.1).init(w).step(np.array([10.0, 0.1]))
    >>> w.round(4)
    array([0.8944, 0.8944])
    """

    lr: Hyper = 2e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0
    momentum_decay: Hyper = 4e-3
    decoupled_weight_decay: bool = False

    intervals: ClassVar[dict[str, Interval]] = {**_Moments.intervals, "momentum_decay": NONNEGATIVE}
    flags: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay",)

    def _rule(self) -> Callable:
        return rules.nadam

    def _mu(self, age):
        return self.betas[0] * each(_warm_up, self.momentum_decay, age)

    def _next_carry(self, age, carry):
        return (1.0 if carry is None else carry) * self._mu(age)

    def _check_carry(self, age, carry):
        if (carry is None) != (age == 0) or (carry is not None and not (isinstance(carry, float) and 0 <= carry < 1)):
            raise check.value_error("NAdam", "carry", "None before the first step, then a product in [0, 1)", carry)

    def _scalars(self, age, carry):
        product, mu_next = self._next_carry(age, carry), self._mu(age + 1)
        rate_g = self.lr * (1 - self._mu(age)) / (1 - product)
        rate_m = self.lr * mu_next / (1 - product * mu_next)
        return {**self._shared(age), "lr_g": rate_g, "lr_m": rate_m}


@dataclass(frozen=True, repr=False)
class RAdam(_Moments):
    """Rectified Adam: momentum only, until the second moment has seen enough, then Adam with a factor that grows to 1.

    .. math::
        \\rho_t = \\rho_\\infty - \\frac{2 t \\beta_2^t}{1 - \\beta_2^t}, \\quad \\rho_\\infty = \\frac{2}{1 - \\beta_2} - 1, \\quad
        r_t = \\sqrt{\\frac{(\\rho_t - 4)(\\rho_t - 2)\\rho_\\infty}{(\\rho_\\infty - 4)(\\rho_\\infty - 2)\\rho_t}}

    .. math::
        p \\leftarrow p - \\frac{\\alpha}{1 - \\beta_1^t} m \\cdot
        \\begin{cases} r_t \\sqrt{1 - \\beta_2^t} / (\\sqrt{v} + \\epsilon) & \\rho_t > 5 \\\\ 1 & \\text{otherwise} \\end{cases}

    The same as `torch.optim.RAdam`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The weight decay :math:`\\lambda`.
    decoupled_weight_decay : bool
        Whether the decay is decoupled, as in `AdamW`, instead of an L2 penalty.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``. Source: L. Liu et al., On the variance of the adaptive
    learning rate and beyond (2020).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.RAdam(lr=0.1).init(w).step(np.array([1.0, 0.1]))
    >>> w.round(6)
    array([0.9 , 0.99])
    """

    lr: Hyper = 1e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0
    decoupled_weight_decay: bool = False

    flags: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay",)

    def _rule(self) -> Callable:
        return rules.radam

    def _scalars(self, age, carry):
        factor = each(_rectified, self.betas[1], age)
        shared, adapt = self._shared(age), (factor > 0) * 1.0
        return {**shared, "lr": shared["lr"] * (factor + (1 - adapt)), "adapt": adapt, "plain": 1 - adapt}


def _seen(beta, age):
    """Return the weight of all gradients so far in a running mean."""
    return 1 - beta**age


def _debias(b2, age):
    return 1 / math.sqrt(1 - b2**age)


def _warm_up(momentum_decay, age):
    return 1 - 0.5 * 0.96 ** (age * momentum_decay)


def _rectified(b2, age):
    """Return :math:`r_t \\sqrt{1 - \\beta_2^t}` of `RAdam`, or 0 while the variance is not yet tractable."""
    most = 2 / (1 - b2) - 1
    rho = most - 2 * age * b2**age / (1 - b2**age)
    if rho <= 5:
        return 0.0
    return math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho)) * math.sqrt(1 - b2**age)
