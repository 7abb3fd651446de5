"""The search of a step along the gradient: trial steps, each from the same point, which is put back."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute

MOST_TRIALS = 100
LossAt = Callable[[float], float]
"""The loss as a function of the step along the negative gradient; NaN where it is not a number."""


def loss_after(take: Callable[[float], None], put_back: Callable[[], Any], evaluate: Callable[[], Any]) -> LossAt:
    """Return the loss as a function of the step: `take` moves the parameters by a step of some size, `put_back` to the start again."""

    def loss(eta: float) -> float:
        try:
            take(eta)
            return check.as_float(evaluate(), "step", "loss()")
        finally:
            put_back()

    return loss


def first_loss(loss: Any, owner: str) -> float:
    """Return the loss at the parameters, from the function that the step was given."""
    if not callable(loss):
        raise check.type_error("step", "loss", f"a function of no arguments for {owner}, which tries steps", loss)
    return check.real(loss(), "step", "loss()")


def loss_along(
    evaluate: Any, plan: execute.Plan, around: Any, params: list[np.ndarray], lead: Any, scale: float
) -> LossAt | None:
    """Return the loss as a function of the step where `evaluate` has a method ``along(directions, scale)`` that makes it, else None.

    The directions are the gradients as clipped and turned; `scale` is what they were multiplied by to become that, where it was nothing
    but that, else None. `around` knows the group of each parameter, `lead` is the optimizer itself as it stands.
    """
    along = getattr(evaluate, "along", None)
    if along is None:
        return None
    directions = [_seen(params[i], g, around.groups[i].current, scale) for i, g in plan.live_gradients()]
    plain = not around.transforms and all(group.current.clip_value is None for group in around.groups)
    plain = plain and len(directions) == len(params) and not lead.maximize
    return along(directions, scale if plain else None)


def _seen(p: np.ndarray, g: np.ndarray, now: Any, scale: float) -> np.ndarray:
    """Return a gradient as the rule sees it: 0 where it is not finite, scaled, limited, in the computing dtype."""
    wide = execute.compute_dtype(p.dtype)
    limit = np.inf if now.clip_value is None else now.clip_value
    with np.errstate(invalid="ignore"):
        finite = np.where(np.isfinite(g), g, g.dtype.type(0)).astype(wide, copy=False)
    return np.clip(finite * wide.type(-scale if now.maximize else scale), -limit, limit)
