"""Coin betting: each coordinate bets a part of what it has won, and needs no learning rate."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd._kernels import rules
from fastgd.optimizers._base import NONNEGATIVE, POSITIVE, Hyper, Interval, Optimizer


@dataclass(frozen=True, repr=False)
class COCOB(Optimizer):
    """Continuous coin betting: the weight's distance from its start is a bet on the sign of the next gradient.

    .. math::
        L \\leftarrow \\max(L, |g|), \\quad G \\leftarrow G + |g|, \\quad \\theta \\leftarrow \\theta + g, \\quad
        R \\leftarrow \\max(R - g w, 0)

    .. math::
        w' = -\\alpha \\frac{\\theta}{L \\max(G + L, \\kappa L)} (R + L), \\quad p \\leftarrow p - w + w', \\quad w \\leftarrow w'

    Parameters
    ----------
    lr : float or Schedule
        A factor :math:`\\alpha \\ge 0` on the bets; leave it at 1.
    alpha : float or Schedule
        :math:`\\kappa > 0`: the first bets are smaller by about this factor.
    eps : float or Schedule
        What :math:`L` starts from, greater than 0.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``L``, ``grad_norm_sum``, ``gradients_sum``, ``tilde_w``, ``reward``. Source: F. Orabona
    and T. Tommasi, Training deep networks without learning rates through coin betting (2017), algorithm 2.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.COCOB().init(w)
    >>> for _ in range(500):
    ...     info = state.step(2 * w)
    >>> bool(abs(w).max() < 0.2)
    True
    """

    lr: Hyper = 1.0
    alpha: Hyper = 100.0
    eps: Hyper = 1e-8

    intervals: ClassVar[dict[str, Interval]] = {"lr": NONNEGATIVE, "alpha": POSITIVE, "eps": POSITIVE}
    squares: ClassVar[bool] = True
    in_lanes: ClassVar[bool] = False  # its step has no rate to be scheduled
    nonnegative: ClassVar[frozenset[str]] = frozenset({"L", "grad_norm_sum", "reward"})

    def _rule(self) -> Callable:
        return rules.cocob

    def _scalars(self, age, carry):
        return {"lr": self.lr, "alpha": self.alpha}

    def _initial(self, slot, p):
        return self.eps if slot == "L" else 0.0
