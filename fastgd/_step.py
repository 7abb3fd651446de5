"""One step: what is said of it, and what the gradients are measured and clipped by."""

import math
from typing import NamedTuple

import numpy as np

from fastgd import _params
from fastgd import _validation as check
from fastgd._kernels import execute
from fastgd._kernels.ranges import SMALLEST_FACTOR
from fastgd.clipping import SAFE, norm_of, scaled, scaled_norm


class StepInfo(NamedTuple):
    """What one step did.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> info = fastgd.SGD(lr=0.5, clip_norm=1.0).init(np.zeros(2)).step(np.array([3.0, 4.0]))
    >>> info.t, info.lr, info.grad_norm, info.clipped
    (0, 0.5, 5.0, True)
    """

    t: int
    """The 0-based number of the step."""
    lr: float
    """The learning rate of the step."""
    grad_norm: float
    """The Euclidean norm of all gradients, after the extras and before clipping; NaN where it was not needed (``on_nonfinite="zero"``
    without `clip_norm`)."""
    clipped: bool
    """Whether `clip_norm` scaled the gradients."""
    skipped: bool
    """Whether nothing was updated: no gradient at all, or a non-finite one under ``on_nonfinite="skip"``."""
    nonfinite: int
    """How many gradient elements were NaN or infinite."""


def measured(plan: execute.Plan, policy: str, names: list[str]) -> tuple[float, int]:
    """Return the norm of the gradients and how many elements are not finite; raise where that is the policy."""
    total = plan.square_sum()
    if SAFE[0] < total < SAFE[1]:
        return math.sqrt(total), 0
    live = plan.live_gradients()
    norm = norm_of(total, [g for _, g in live])
    if math.isfinite(norm):
        return norm, 0
    count = sum(_params.count_nonfinite(g) for _, g in live)
    if count == 0:
        return norm, 0
    if policy == "raise":
        consequence = f", at step {plan.t}; nothing was changed. on_nonfinite='skip' or 'zero' goes on without it."
        for i, gradient in live:
            _params.refuse_nonfinite(f"grad of {names[i]!r}", gradient, consequence)
    if policy == "zero":
        norm = scaled_norm([np.where(np.isfinite(g), g, g.dtype.type(0)) for _, g in live])
    return norm, count


def clip_factor(plan: execute.Plan, limit: float, norm: float) -> float:
    """Return the factor of clipping; where float32 cannot hold it, first put copies over a power of two in the gradients' place."""
    if norm == math.inf:
        raise check.NonFiniteError("the norm of the gradients exceeds what float64 can hold; nothing was changed")
    scale = limit / norm
    if scale > SMALLEST_FACTOR:
        return scale
    mantissa, exponent = math.frexp(norm)
    for i, gradient in plan.live_gradients():
        plan.substitute(i, scaled(gradient, -exponent))
    return limit / mantissa
