"""Mechanic: learning the scale of another method's steps."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd._kernels import measures, rules
from fastgd.optimizers._base import FRACTION, NONNEGATIVE, POSITIVE, Hyper, Interval
from fastgd.optimizers._measured import _Carrying

DECAYS = tuple(1 - 0.1**k for k in range(1, 7))
"""How fast each of the learners, whose scales are added up, forgets."""


@dataclass(frozen=True, repr=False)
class _Mechanic(_Carrying):
    """What both share: six learners of the scale, each with a bound m, a variance v, a reward r and a scale s."""

    squares: ClassVar[bool] = True
    carried: ClassVar[tuple[str, ...]] = tuple(f"{name}{k}" for name in "mvrs" for k in range(1, 7))

    def _first_carry(self):
        return (0.0,) * 18 + (self.s_init,) * 6

    def _informed(self, age, carry, sums, loss):
        along, weight_along, gradient, weight = sums
        pull = self.weight_decay * sum(carry[18:]) * math.sqrt(gradient) / (math.sqrt(weight) + self.eps)
        h, learners = along + pull * weight_along, []
        for k, decay in enumerate(DECAYS):
            m, v, r, s = carry[k::6]
            r = decay * r + max(-m, min(h, m)) * s
            m = max(decay * m, abs(h) + self.eps)
            v = decay * decay * v + h * h
            s = (self.s_init / len(DECAYS) * m + max(0.0, r)) / (math.sqrt(v) + self.eps)
            learners.append((m, v, r, s))
        return tuple(x for column in zip(*learners, strict=True) for x in column)


@dataclass(frozen=True, repr=False)
class MechanicSGD(_Mechanic):
    """Gradient descent with momentum whose steps are scaled by what online learning makes of their success.

    .. math::
        b \\leftarrow \\mu b + g, \\quad \\Delta \\leftarrow \\Delta + \\alpha b, \\quad
        p \\leftarrow p_0 - \\Big(\\sum_k s_k\\Big) \\Delta, \\quad
        h = \\Big\\langle g + \\lambda \\sum_k s_k \\frac{\\lVert g \\rVert}{\\lVert p \\rVert + \\epsilon} p,\\; \\Delta \\Big\\rangle

    .. math::
        r_k \\leftarrow \\beta_k r_k + s_k \\, \\mathrm{clip}(h, \\pm m_k), \\quad
        m_k \\leftarrow \\max(\\beta_k m_k, |h| + \\epsilon), \\quad
        v_k \\leftarrow \\beta_k^2 v_k + h^2, \\quad
        s_k = \\frac{s_\\text{init} m_k / 6 + \\max(0, r_k)}{\\sqrt{v_k} + \\epsilon}

    for :math:`\\beta_k = 1 - 10^{-k}, k = 1 \\ldots 6`; :math:`h` is of the :math:`\\Delta` before the step. Sums are over all parameters
    that have the same hyperparameters and have had the same steps.

    Parameters
    ----------
    lr : float or Schedule
        The base method's own rate :math:`\\alpha \\ge 0`; leave it at 1, or let a schedule with the maximum 1 shape it.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`.
    weight_decay : float or Schedule
        :math:`\\lambda`, the pull towards 0 in what the scale learns from.
    s_init : float or Schedule
        The first scale, greater than 0 and less than the one sought.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``momentum_buffer``, ``delta``, ``ref``, the start. `State.estimates` tells m, v, r and
    s of each learner. Source: A. Cutkosky, A. Defazio and H. Mehta, Mechanic: a learning rate tuner (2023), with the limit of h of the
    authors' code.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.MechanicSGD().init(w)
    >>> for _ in range(300):
    ...     info = state.step(2 * w)
    >>> bool(abs(w).max() < 0.1)
    True
    """

    lr: Hyper = 1.0
    momentum: Hyper = 0.0
    eps: Hyper = 1e-8
    weight_decay: Hyper = 1e-2
    s_init: Hyper = 1e-6

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "momentum": FRACTION,
        "eps": POSITIVE,
        "weight_decay": NONNEGATIVE,
        "s_init": POSITIVE,
    }

    def _rule(self) -> Callable:
        return rules.mechanic_sgd

    def _measure(self):
        return measures.mechanic_sgd_sums

    def _scalars(self, age, carry):
        return {"lr": self.lr, "mu": self.momentum, "s": sum(carry[18:])}

    def _initial(self, slot, p):
        return p if slot == "ref" else 0.0


@dataclass(frozen=True, repr=False)
class MechanicAdam(_Mechanic):
    """Adam whose steps are scaled by what online learning makes of their success.

    .. math::
        \\Delta \\leftarrow \\Delta + \\frac{\\alpha}{1 - \\beta_1^t} \\frac{m}{\\sqrt{v / (1 - \\beta_2^t)} + \\epsilon}, \\quad
        p \\leftarrow p_0 - \\Big(\\sum_k s_k\\Big) \\Delta

    with `Adam`'s moments, and the scales :math:`s_k` of `MechanicSGD`.

    Parameters
    ----------
    lr : float or Schedule
        The base method's own rate :math:`\\alpha \\ge 0`; leave it at 1, or let a schedule with the maximum 1 shape it.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, of Adam and of the learners.
    weight_decay : float or Schedule
        :math:`\\lambda`, the pull towards 0 in what the scale learns from.
    s_init : float or Schedule
        The first scale, greater than 0 and less than the one sought.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``, ``delta``, ``ref``, the start. `State.estimates` tells m, v, r
    and s of each learner. Source: A. Cutkosky, A. Defazio and H. Mehta, Mechanic: a learning rate tuner (2023), with the limit of h
    of the authors' code.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.MechanicAdam().init(w)
    >>> for _ in range(300):
    ...     info = state.step(2 * w)
    >>> bool(abs(w).max() < 0.1)
    True
    """

    lr: Hyper = 1.0
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 1e-2
    s_init: Hyper = 1e-6

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "betas": FRACTION,
        "eps": POSITIVE,
        "weight_decay": NONNEGATIVE,
        "s_init": POSITIVE,
    }
    pairs: ClassVar[tuple[str, ...]] = ("betas",)

    def _rule(self) -> Callable:
        return rules.mechanic_adam

    def _measure(self):
        return measures.mechanic_adam_sums

    def _scalars(self, age, carry):
        b1, b2 = self.betas
        moments = {
            "b1": b1,
            "b1_c": 1 - b1,
            "b2": b2,
            "b2_c": 1 - b2,
            "debias": 1 / math.sqrt(1 - b2**age),
            "eps": self.eps,
        }
        return {**moments, "lr": self.lr / (1 - b1**age), "s": sum(carry[18:])}

    def _initial(self, slot, p):
        return p if slot == "ref" else 0.0
