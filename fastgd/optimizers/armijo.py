"""Line search: the step is tried until the loss falls enough."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd._kernels import measures, rules
from fastgd._search import MOST_TRIALS
from fastgd.optimizers._base import NONNEGATIVE, POSITIVE, Hyper, Interval
from fastgd.optimizers._measured import _Carrying


@dataclass(frozen=True, repr=False)
class Armijo(_Carrying):
    """Stochastic line search: gradient descent whose step shrinks until the loss of the same batch falls enough.

    .. math::
        \\eta \\leftarrow \\min(\\gamma^{1/n} \\eta, \\alpha), \\quad\\text{then}\\quad \\eta \\leftarrow \\beta \\eta
        \\quad\\text{until}\\quad f(p - \\eta g) \\le f(p) - c\\, \\eta \\lVert g \\rVert^2, \\quad
        p \\leftarrow p - \\eta g

    Each step needs a function that computes the loss of the batch at the parameters as they are: ``state.step(grads, loss=function)``. It
    is called once for the point where the gradients are from, then once for each trial, most often one. It must leave parameters and
    gradients alone. Parameters without a gradient stay put.

    Parameters
    ----------
    lr : float or Schedule
        The largest step :math:`\\alpha \\ge 0`.
    first : float or Schedule
        The step with which the first search begins, greater than 0.
    c : float or Schedule
        Which part of the fall that the slope promises is enough, in (0, 1).
    backtrack : float or Schedule
        :math:`\\beta` in (0, 1), by which a step shrinks that is too long; at most 100 times.
    growth : float or Schedule
        :math:`\\gamma \\ge 1`: by how much the step may grow in `n_batches` steps.
    n_batches : float or Schedule
        :math:`n \\ge 1`, the number of steps in an epoch.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`. The direction is that of the
        clipped gradients.

    Notes
    -----
    No state arrays; `State.estimates` tells step_size. One step size is searched for all parameters, with the options of the optimizer
    itself. On a GPU the function computes the loss there, on the stream on which the parameters are used, and returns a number or an array
    of one; a copy of the parameters stays on the GPU, by which each trial is undone. In estimators the loss is that of the batch, penalty
    included. Linear models keep the predictions of the batch by the weights and by the direction, so that trials see no row again; in
    networks each trial measures the loss once more. Source: S. Vaswani et al., Painless stochastic gradient: interpolation, line-search,
    and convergence rates (2019), algorithms 1 and 2.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w, scale = np.array([3.0, -2.0]), np.array([1.0, 10.0])
    >>> state = fastgd.Armijo().init(w)
    >>> for _ in range(100):
    ...     info = state.step(2 * scale * w, loss=lambda: scale @ w**2)
    >>> bool(abs(w).max() < 1e-3)
    True
    """

    lr: Hyper = 10.0
    first: Hyper = 1.0
    c: Hyper = 0.1
    backtrack: Hyper = 0.9
    growth: Hyper = 2.0
    n_batches: Hyper = 500.0

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "first": POSITIVE,
        "c": Interval(0, 1, "neither"),
        "backtrack": Interval(0, 1, "neither"),
        "growth": Interval(1),
        "n_batches": Interval(1),
    }
    squares: ClassVar[bool] = True
    needs_loss: ClassVar[bool] = True
    searches: ClassVar[bool] = True
    carried: ClassVar[tuple[str, ...]] = ("step_size",)

    def _rule(self) -> Callable:
        return rules.sgd

    def _measure(self):
        return measures.grad_sums

    def _searched(self, last, square, loss, loss_at):
        """Return the step: `last` is that of the step before, 0 at first; `square` the squared norm, `loss` that of the start."""
        eta = min(last * self.growth ** (1 / self.n_batches) if last else self.first, self.lr)
        sign = -1 if self.maximize else 1
        for _ in range(MOST_TRIALS):
            # NaN is not enough, whichever way the loss is to go.
            if sign * loss_at(eta) <= sign * loss - self.c * eta * square or eta == 0:
                break
            eta *= self.backtrack
        return eta

    def _scalars(self, age, carry):
        return {"lr": carry[0], "l2": 0.0}

    def _check_carry(self, age, carry):
        super()._check_carry(age, carry)
        if carry[0] < 0 or not math.isfinite(carry[0]):
            super()._check_carry(age, None)
