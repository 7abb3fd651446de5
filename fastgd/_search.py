"""The search of a step along the gradient: trial steps, each from the same point, which is put back."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute

MOST_TRIALS = 100


class Ray:
    """The loss along the negative gradient.

    Parameters
    ----------
    moving : list of (ndarray, ndarray)
        Parameters and their gradients, clipped and turned.
    evaluate : callable
        Returns the loss at the parameters as they are. With a method ``along(directions, scale)`` it is not asked for that: the method
        returns the loss as a function of the step.
    scale : float, optional
        What the gradients were multiplied by to become directions, where they were nothing but that.
    """

    def __init__(self, moving: list[tuple[np.ndarray, np.ndarray]], evaluate: Callable[[], Any], scale: float | None):
        self.moving, self.evaluate = moving, evaluate
        along = getattr(evaluate, "along", None)
        self.along = None if along is None else along([g for _, g in moving], scale)
        self.start = [p.copy(order="K") for p, _ in moving] if along is None else []

    def loss(self, eta: float) -> float:
        """Return the loss after a step of this size; not a number becomes infinity. The parameters are put back."""
        if self.along is not None:
            found = self.along(eta)
            return found if found == found else np.inf
        try:
            for (p, g), start in zip(self.moving, self.start, strict=True):
                with np.errstate(all="ignore"):
                    p[...] = start - g.dtype.type(eta) * g
            found = float(self.evaluate())
            return found if found == found else np.inf
        finally:
            for (p, _), start in zip(self.moving, self.start, strict=True):
                p[...] = start


def first_loss(loss: Any, owner: str) -> float:
    """Return the loss at the parameters, from the function that the step was given."""
    if not callable(loss):
        raise check.type_error("step", "loss", f"a function of no arguments for {owner}, which tries steps", loss)
    return check.real(loss(), "step", "loss()")


def searched(
    plan: execute.Plan,
    around: Any,
    params: list[np.ndarray],
    lead: Any,
    scale: float,
    loss: float,
    evaluate: Callable[[], Any],
    square: float,
) -> list[tuple[float]]:
    """Return what each cohort's carry becomes with the step that `lead`, an optimizer as it stands, finds along all gradients.

    `around` knows the group of each parameter, `scale` is the factor of clipping, `square` the squared norm of the gradients as clipped.
    """
    moving = [(params[i], _seen(params[i], g, around.groups[i].current, scale)) for i, g in plan.live_gradients()]
    plain = not around.transforms and all(group.current.clip_value is None for group in around.groups)
    ray = Ray(moving, evaluate, scale if plain and len(moving) == len(params) and not lead.maximize else None)
    last = max(cohort.carry[0] for cohort in plan.cohorts)
    return [(lead._searched(last, square, loss, ray),)] * len(plan.cohorts)


def _seen(p: np.ndarray, g: np.ndarray, now: Any, scale: float) -> np.ndarray:
    """Return a gradient as the rule sees it: 0 where it is not finite, scaled, limited, in the computing dtype."""
    wide = execute.compute_dtype(p.dtype)
    limit = np.inf if now.clip_value is None else now.clip_value
    with np.errstate(invalid="ignore"):
        finite = np.where(np.isfinite(g), g, g.dtype.type(0)).astype(wide, copy=False)
    return np.clip(finite * wide.type(-scale if now.maximize else scale), -limit, limit)
