"""Dual averaging: weights that are computed anew in each step from the start and the sum of all gradients."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd._kernels import rules
from fastgd.optimizers._base import FRACTION, NONNEGATIVE, POSITIVE, Hyper, Interval, Optimizer


@dataclass(frozen=True, repr=False)
class MADGRAD(Optimizer):
    """Momentumized, adaptive, dual averaged gradient method: the cube root of all squares, and momentum by averaging iterates.

    .. math::
        \\lambda_t = \\alpha \\sqrt{t}, \\quad s \\leftarrow s + \\lambda_t g, \\quad \\nu \\leftarrow \\nu + \\lambda_t g^2, \\quad
        z = p_0 - \\frac{s}{\\sqrt[3]{\\nu} + \\epsilon}, \\quad p \\leftarrow \\mu p + (1 - \\mu) z

    Decoupled, the decay :math:`\\alpha \\lambda p` is taken off beside that.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1).
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`; the authors advise to use less of it than with others, often 0.
    eps : float or Schedule
        :math:`\\epsilon > 0`, added to the root.
    decoupled_weight_decay : bool
        Whether the decay stays out of the gradient.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``grad_sum_sq``, ``s``, ``x0``, the start. The authors' code, and optax's, add `eps` to
    the rate too. Source: A. Defazio and S. Jelassi, Adaptivity without compromise: a momentumized, adaptive, dual averaged gradient
    method for stochastic optimization (2021), algorithm 1.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, 1.0])
    >>> info = fastgd.MADGRAD(lr=0.001, momentum=0.0).init(w).step(np.array([1.0, -8.0]))
    >>> w.round(4)
    array([0.99, 1.02])
    """

    lr: Hyper = 1e-2
    momentum: Hyper = 0.9
    weight_decay: Hyper = 0.0
    eps: Hyper = 1e-6
    decoupled_weight_decay: bool = False

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "momentum": FRACTION,
        "weight_decay": NONNEGATIVE,
        "eps": POSITIVE,
    }
    flags: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay",)
    squares: ClassVar[bool] = True
    in_lanes: ClassVar[bool] = (
        False  # weights that are computed anew from the start would forget an estimator's penalty
    )
    nonnegative: ClassVar[frozenset[str]] = frozenset({"grad_sum_sq"})

    def _decoupled(self) -> bool:
        return self.decoupled_weight_decay

    def _rule(self) -> Callable:
        return rules.madgrad

    def _scalars(self, age, carry):
        decoupled = self.decoupled_weight_decay
        l2, decay = (0.0, self.lr * self.weight_decay) if decoupled else (self.weight_decay, 0.0)
        return {"lamb": self.lr * math.sqrt(age), "l2": l2, "decay": decay, "c": 1 - self.momentum, "eps": self.eps}

    def _initial(self, slot, p):
        return p if slot == "x0" else 0.0
