"""Learning the distance to the solution: D-Adaptation and Prodigy need no learning rate."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd._kernels import measures, rules
from fastgd.optimizers._base import FRACTION, NONNEGATIVE, POSITIVE, Hyper, Interval
from fastgd.optimizers._measured import _Carrying, larger


@dataclass(frozen=True, repr=False)
class DAdaptSGD(_Carrying):
    """Gradient descent by D-Adaptation: the rate follows a growing lower bound of the distance to the solution.

    .. math::
        \\lambda = \\frac{\\alpha d}{\\lVert g_0 \\rVert}, \\quad n \\leftarrow n + \\lambda \\langle g, s \\rangle, \\quad
        s \\leftarrow s + \\lambda g, \\quad p \\leftarrow \\mu p + (1 - \\mu)(p_0 - s), \\quad
        d \\leftarrow \\max\\Big(d, \\frac{2 n}{\\lVert s \\rVert}\\Big)

    Sums are over all parameters that have the same hyperparameters and have had the same steps. The theory is that of rates which fall,
    for gradients of bounded norm: where the loss is curved more than :math:`2 \\lVert g_0 \\rVert / d`, lower `lr` or let it fall.

    Parameters
    ----------
    lr : float or Schedule
        A factor :math:`\\alpha \\ge 0` on the rate found; leave it at 1, or let a schedule with the maximum 1 shape it.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1).
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda_2`, added to the gradient.
    d0 : float or Schedule
        The first bound :math:`d > 0`, less than the distance.
    growth_rate : float or Schedule, optional
        The largest factor by which :math:`d` grows in a step; ``None`` means no limit.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``s``, ``x0``. `State.estimates` tells d, numerator_weighted, g0_norm, dlr. Source:
    A. Defazio and K. Mishchenko, Learning-rate-free learning by D-Adaptation (2023), algorithm 4.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.DAdaptSGD().init(w)
    >>> for _ in range(200):
    ...     info = state.step(2 * w)
    >>> bool(abs(w).max() < 1e-3), bool(0.5 < state.estimates["param"]["d"] < 2 * 13**0.5)
    (True, True)
    """

    lr: Hyper = 1.0
    momentum: Hyper = 0.0
    weight_decay: Hyper = 0.0
    d0: Hyper = 1e-6
    growth_rate: Hyper | None = None

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "momentum": FRACTION,
        "weight_decay": NONNEGATIVE,
        "d0": POSITIVE,
        "growth_rate": Interval(1),
    }
    optional: ClassVar[tuple[str, ...]] = ("growth_rate",)
    squares: ClassVar[bool] = True
    carried: ClassVar[tuple[str, ...]] = ("d", "numerator_weighted", "g0_norm", "dlr")

    def _rule(self) -> Callable:
        return rules.dadapt_sgd

    def _measure(self):
        return measures.dadapt_sgd_sums

    def _first_carry(self):
        return self.d0, 0.0, 0.0, 0.0

    def _rate(self, d, g0_norm):
        return d * self.lr / g0_norm if g0_norm > 0 else 0.0

    def _measuring(self, age, carry):
        return {"lr": self._rate(carry[0], carry[2]), "l2": self.weight_decay}

    def _informed(self, age, carry, sums, loss):
        (d, numerator, g0_norm, _), (product, square, total) = carry, sums[:3]
        g0_norm = g0_norm or math.sqrt(square)  # of the first gradient that is not zero
        dlr = self._rate(d, g0_norm)
        numerator = numerator + dlr * product
        if total > 0 and self.lr > 0:
            d = larger(d, 2 * numerator / math.sqrt(total), self.growth_rate)
        return d, numerator, g0_norm, dlr

    def _scalars(self, age, carry):
        return {"lr": carry[3], "l2": self.weight_decay, "mu_c": 1 - self.momentum}

    def _initial(self, slot, p):
        return p if slot == "x0" else 0.0


@dataclass(frozen=True, repr=False)
class _AdamDistance(_Carrying):
    """What the two variants of Adam share."""

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "betas": FRACTION,
        "eps": POSITIVE,
        "weight_decay": NONNEGATIVE,
        "d0": POSITIVE,
        "growth_rate": Interval(1),
    }
    pairs: ClassVar[tuple[str, ...]] = ("betas",)
    optional: ClassVar[tuple[str, ...]] = ("beta3", "growth_rate")
    squares: ClassVar[bool] = True

    def _rate(self, age, d):
        """Return the rate of this step, d included."""
        b1, b2 = self.betas
        return d * self.lr * (math.sqrt(1 - b2**age) / (1 - b1**age) if self.use_bias_correction else 1.0)

    def _penalties(self, rate):
        if self.decoupled_weight_decay:
            return {"l2": 0.0, "decay": rate * self.weight_decay}
        return {"l2": self.weight_decay, "decay": 0.0}


@dataclass(frozen=True, repr=False)
class DAdaptAdam(_AdamDistance):
    """Adam by D-Adaptation: the rate follows a growing lower bound of the distance to the solution, in the largest coordinate.

    .. math::
        \\lambda = \\alpha d, \\quad
        n \\leftarrow \\sqrt{\\beta_2}\\, n
        + (1 - \\sqrt{\\beta_2}) \\lambda \\Big\\langle g, \\frac{s}{\\sqrt{v} + \\epsilon} \\Big\\rangle, \\quad
        s \\leftarrow \\sqrt{\\beta_2}\\, s + (1 - \\sqrt{\\beta_2}) \\lambda g

    .. math::
        m \\leftarrow \\beta_1 m + (1 - \\beta_1) \\lambda g, \\quad v \\leftarrow \\beta_2 v + (1 - \\beta_2) g^2, \\quad
        p \\leftarrow p - \\frac{m}{\\sqrt{v} + \\epsilon}, \\quad
        d \\leftarrow \\max\\Big(d, \\frac{n}{(1 - \\sqrt{\\beta_2}) \\lVert s \\rVert_1}\\Big)

    With bias correction :math:`\\lambda` is also multiplied by :math:`\\sqrt{1 - \\beta_2^t} / (1 - \\beta_1^t)`, as in optax.

    Parameters
    ----------
    lr : float or Schedule
        A factor :math:`\\alpha \\ge 0` on the rate found; leave it at 1, or let a schedule with the maximum 1 shape it.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The penalty.
    decoupled_weight_decay : bool
        Whether it acts on the parameters, :math:`p \\leftarrow p - \\lambda w p`, instead of the gradient.
    use_bias_correction : bool
        Whether to correct as Adam does.
    d0 : float or Schedule
        The first bound :math:`d > 0`, less than the distance.
    growth_rate : float or Schedule, optional
        The largest factor by which :math:`d` grows in a step; ``None`` means no limit.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``, ``s``. `State.estimates` tells d, numerator_weighted, dlr.
    Source: A. Defazio and K. Mishchenko, Learning-rate-free learning by D-Adaptation (2023), algorithm 5; :math:`\\langle g, s \\rangle` is
    divided by the root before this step's gradient enters it, as in the authors' code.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.DAdaptAdam().init(w)
    >>> for _ in range(500):
    ...     info = state.step(2 * w)
    >>> bool(abs(w).max() < 0.1)
    True
    """

    lr: Hyper = 1.0
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0
    decoupled_weight_decay: bool = False
    use_bias_correction: bool = False
    d0: Hyper = 1e-6
    growth_rate: Hyper | None = None

    flags: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay", "use_bias_correction")
    carried: ClassVar[tuple[str, ...]] = ("d", "numerator_weighted", "dlr")

    def _rule(self) -> Callable:
        return rules.dadapt_adam

    def _measure(self):
        return measures.dadapt_adam_sums

    def _first_carry(self):
        return self.d0, 0.0, 0.0

    def _measuring(self, age, carry):
        return self._shared(self._rate(age, carry[0]))

    def _shared(self, rate):
        b3 = math.sqrt(self.betas[1])
        return {**self._penalties(rate), "lr_s": rate * (1 - b3), "b3": b3, "eps": self.eps}

    def _informed(self, age, carry, sums, loss):
        (d, numerator, _), (product, size) = carry, sums[:2]
        rate, b3 = self._rate(age, d), math.sqrt(self.betas[1])
        numerator = b3 * numerator + (1 - b3) * rate * product
        if size > 0 and self.lr > 0:
            d = larger(d, numerator / ((1 - b3) * size), self.growth_rate)
        return d, numerator, rate

    def _scalars(self, age, carry):
        rate, (b1, b2) = carry[2], self.betas
        return {**self._shared(rate), "b1": b1, "lr_m": rate * (1 - b1), "b2": b2, "b2_c": 1 - b2}


@dataclass(frozen=True, repr=False)
class Prodigy(_AdamDistance):
    """Adam whose rate follows an estimate of the distance to the solution that grows faster than D-Adaptation's.

    .. math::
        n \\leftarrow \\beta_3 n + \\frac{d}{d_0} \\lambda \\langle g, p_0 - p \\rangle, \\quad
        s \\leftarrow \\beta_3 s + \\frac{d}{d_0} \\lambda g, \\quad
        d' = \\max\\Big(d, c \\frac{n}{\\lVert s \\rVert_1}\\Big), \\quad \\lambda = \\alpha d

    .. math::
        m \\leftarrow \\beta_1 m + (1 - \\beta_1) d g, \\quad v \\leftarrow \\beta_2 v + (1 - \\beta_2) d^2 g^2, \\quad
        p \\leftarrow p - \\lambda \\frac{m}{\\sqrt{v} + d' \\epsilon}

    and :math:`d'` is the next step's :math:`d`. With bias correction :math:`\\lambda` is also multiplied by
    :math:`\\sqrt{1 - \\beta_2^t} / (1 - \\beta_1^t)`, as in optax.

    Parameters
    ----------
    lr : float or Schedule
        A factor :math:`\\alpha \\ge 0` on the rate found; leave it at 1, or let a schedule with the maximum 1 shape it.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    beta3 : float or Schedule, optional
        :math:`\\beta_3` in [0, 1); ``None`` means :math:`\\sqrt{\\beta_2}`.
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The penalty.
    decoupled_weight_decay : bool
        Whether it acts on the parameters, :math:`p \\leftarrow p - \\lambda w p`, instead of the gradient.
    use_bias_correction : bool
        Whether to correct as Adam does.
    safeguard_warmup : bool
        Whether to leave the rate out of :math:`s`, for schedules that begin near 0.
    d0 : float or Schedule
        The first estimate :math:`d_0 > 0`, less than the distance.
    d_coef : float or Schedule
        The factor :math:`c > 0` on the estimate.
    growth_rate : float or Schedule, optional
        The largest factor by which :math:`d` grows in a step; ``None`` means no limit.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``, ``s``, ``p0``. `State.estimates` tells d, d_max, d_numerator,
    and d_last, the d of the last step's rate. Source: K. Mishchenko and A. Defazio, Prodigy: an expeditiously adaptive parameter-free
    learner (2024), algorithm 4, with the weights of the authors' code.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.Prodigy().init(w)
    >>> for _ in range(300):
    ...     info = state.step(2 * w)
    >>> bool(abs(w).max() < 0.1)
    True
    """

    lr: Hyper = 1.0
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    beta3: Hyper | None = None
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0
    decoupled_weight_decay: bool = True
    use_bias_correction: bool = False
    safeguard_warmup: bool = False
    d0: Hyper = 1e-6
    d_coef: Hyper = 1.0
    growth_rate: Hyper | None = None

    intervals: ClassVar[dict[str, Interval]] = {**_AdamDistance.intervals, "beta3": FRACTION, "d_coef": POSITIVE}
    flags: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay", "use_bias_correction", "safeguard_warmup")
    carried: ClassVar[tuple[str, ...]] = ("d", "d_max", "d_numerator", "d_last")

    def _rule(self) -> Callable:
        return rules.prodigy

    def _measure(self):
        return measures.prodigy_sums

    def _first_carry(self):
        return self.d0, self.d0, 0.0, self.d0

    def _shared(self, age, d):
        rate = self._rate(age, d)
        b3 = math.sqrt(self.betas[1]) if self.beta3 is None else self.beta3
        lr_s = d / self.d0 * (d if self.safeguard_warmup else rate)
        return {**self._penalties(rate), "lr": rate, "lr_s": lr_s, "b3": b3}

    def _measuring(self, age, carry):
        return self._shared(age, carry[0])

    def _informed(self, age, carry, sums, loss):
        (d, d_max, numerator, _), (product, size) = carry, sums[:2]
        last, shared = d, self._shared(age, d)
        numerator = shared["b3"] * numerator + d / self.d0 * shared["lr"] * product
        if size > 0 and self.lr > 0:
            estimate = self.d_coef * numerator / size
            d = max(d, estimate) if d == self.d0 else d
            d_max = max(d_max, estimate)
            d = d_max if self.growth_rate is None else min(d_max, d * self.growth_rate)
        return d, d_max, numerator, last

    def _scalars(self, age, carry):
        (d, _, _, last), (b1, b2) = carry, self.betas
        moments = {"b1": b1, "d_m": last * (1 - b1), "b2": b2, "d": last, "b2_c": 1 - b2, "eps": d * self.eps}
        return {**self._shared(age, last), **moments}

    def _initial(self, slot, p):
        return p if slot == "p0" else 0.0
