"""Hypergradient descent: the learning rate descends its own gradient of the loss."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd._kernels import measures, rules
from fastgd.optimizers._base import FRACTION, NONNEGATIVE, Hyper, Interval
from fastgd.optimizers._measured import _Carrying
from fastgd.optimizers.adam import _Moments


@dataclass(frozen=True, repr=False)
class _Hypergradient(_Carrying):
    """What both share: the learned part of the rate."""

    carried: ClassVar[tuple[str, ...]] = ("learned", "rate")

    def _first_carry(self):
        return 0.0, self.lr

    def _raised(self, carry, product):
        """Return the carry after the rate took its step along the product of the gradient with the last direction."""
        learned = carry[0] + self.hypergrad_lr * product
        return learned, self.lr + learned


@dataclass(frozen=True, repr=False)
class SGDHD(_Hypergradient):
    """Gradient descent whose rate grows while successive directions agree and shrinks while they oppose each other.

    .. math::
        \\alpha \\leftarrow \\alpha + \\beta \\langle g, b \\rangle, \\quad b \\leftarrow \\mu b + g, \\quad p \\leftarrow p - \\alpha b

    where :math:`b` is the last direction: the last gradient, or its momentum. :math:`-\\langle g, b \\rangle` is the derivative of the loss
    by the last step's rate. It carries the squared scale of the loss, and :math:`\\beta` must be chosen for it; nothing keeps the rate
    positive. The product is over all parameters that have the same hyperparameters and have had the same steps.

    Parameters
    ----------
    lr : float or Schedule
        The first learning rate :math:`\\alpha \\ge 0`. What is learned is added to a schedule.
    hypergrad_lr : float or Schedule
        The rate :math:`\\beta \\ge 0` of the rate.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1).
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``momentum_buffer``, the last direction. `State.estimates` tells what was learned and the
    rate. Source: A. G. Baydin et al., Online learning rate adaptation with hypergradient descent (2018), algorithms 4 and 5.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0])
    >>> state = fastgd.SGDHD(lr=0.01, hypergrad_lr=0.001).init(w)
    >>> for _ in range(2):
    ...     info = state.step(2 * w)
    >>> round(state.estimates["param"]["rate"], 5)
    0.01392
    """

    lr: Hyper = 1e-3
    hypergrad_lr: Hyper = 1e-6
    momentum: Hyper = 0.0
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "hypergrad_lr": NONNEGATIVE,
        "momentum": FRACTION,
        "weight_decay": NONNEGATIVE,
    }
    squares: ClassVar[bool] = True

    def _rule(self) -> Callable:
        return rules.momentum

    def _measure(self):
        return measures.hypergradient_sums

    def _measuring(self, age, carry):
        return {"l2": self.weight_decay}

    def _informed(self, age, carry, sums, loss):
        return self._raised(carry, sums[0])

    def _scalars(self, age, carry):
        return {"lr": carry[1], "l2": self.weight_decay, "mu": self.momentum, "mu_c": 1.0}


@dataclass(frozen=True, repr=False)
class AdamHD(_Hypergradient, _Moments):
    """Adam whose rate grows while gradients agree with the last direction and shrinks while they oppose it.

    .. math::
        \\alpha \\leftarrow \\alpha + \\beta \\langle g, u \\rangle, \\quad
        u \\leftarrow \\frac{m / (1 - \\beta_1^t)}{\\sqrt{v / (1 - \\beta_2^t)} + \\epsilon}, \\quad p \\leftarrow p - \\alpha u

    with `Adam`'s moments. The product is over all parameters that have the same hyperparameters and have had the same steps.

    Parameters
    ----------
    lr : float or Schedule
        The first learning rate :math:`\\alpha \\ge 0`. What is learned is added to a schedule.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    hypergrad_lr : float or Schedule
        The rate :math:`\\beta \\ge 0` of the rate.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``, ``exp_avg_sq``. `State.estimates` tells what was learned and the rate. Source:
    A. G. Baydin et al., Online learning rate adaptation with hypergradient descent (2018), algorithm 6.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0])
    >>> state = fastgd.AdamHD(lr=0.01, hypergrad_lr=0.001).init(w)
    >>> for _ in range(2):
    ...     info = state.step(2 * w)
    >>> round(state.estimates["param"]["rate"], 5)
    0.01198
    """

    lr: Hyper = 1e-3
    betas: tuple[Hyper, Hyper] = (0.9, 0.999)
    eps: Hyper = 1e-8
    weight_decay: Hyper = 0.0
    hypergrad_lr: Hyper = 1e-8

    intervals: ClassVar[dict[str, Interval]] = {**_Moments.intervals, "hypergrad_lr": NONNEGATIVE}

    def _rule(self) -> Callable:
        return rules.adam

    def _measure(self):
        return measures.adam_hypergradient_sums

    def _measuring(self, age, carry):
        debias = 1 / math.sqrt(1 - self.betas[1] ** (age - 1)) if age > 1 else 1.0
        return {"l2": self.weight_decay, "debias": debias, "eps": self.eps}

    def _informed(self, age, carry, sums, loss):
        return self._raised(carry, sums[0] / (1 - self.betas[0] ** (age - 1)) if age > 1 else 0.0)

    def _scalars(self, age, carry):
        return {**self._shared(age), "lr": carry[1] / (1 - self.betas[0] ** age)}
