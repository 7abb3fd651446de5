"""What a step does around its fused sweep: extras, state arrays of other shapes than the parameters', limits learned from norms."""

import math
from typing import Any

import numpy as np

from fastgd import _params
from fastgd import _validation as check
from fastgd._averages import Averages
from fastgd._groups import Group
from fastgd._kernels import execute
from fastgd._kernels.ranges import LARGEST_SQUARED
from fastgd.optimizers._base import Optimizer
from fastgd.optimizers.limits import NormLimit


class Around:
    """The parts of a state that its compiled plan does not hold.

    What changes after the sweep is settled by `settle`, which may be interrupted anywhere and is called again before anything else
    looks: so a step is whole as soon as its sweep is.

    Parameters
    ----------
    optimizer : Optimizer
    names : list of str
        The parameters' names.
    params : list of ndarray
        The parameters.
    groups : list of Group
        Each parameter's group.
    """

    def __init__(self, optimizer: Optimizer, names: list[str], params: list[np.ndarray], groups: list[Group]):
        extras: Any = optimizer.extras
        self.names, self.params, self.groups = names, params, groups
        self.transforms = [extra for extra in extras if not extra.slot]
        self._there: Any = None  # what transforms gradients on a GPU, made for the first of them
        self.averages = [Averages(extra, names, params) for extra in extras if extra.slot]
        self.limit = optimizer.clip_norm if isinstance(optimizer.clip_norm, NormLimit) else None
        self.norms: list[float] = self.limit._start() if self.limit else []
        self.zeroing = optimizer.on_nonfinite == "zero"
        self.factors = [
            {slot: execute.zeros(p, execute.compute_dtype(p.dtype), s) for slot, s in now._factor_shapes(p).items()}
            for p, now in zip(params, (g.current for g in groups), strict=True)
        ]
        self.active = bool(extras or self.limit or optimizer.factored)
        self._pending: tuple[int, list[tuple[np.ndarray, np.ndarray]], list[float]] | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the state arrays that are kept here, by name."""
        found = {
            f"{n}.{slot}": a for n, slots in zip(self.names, self.factors, strict=True) for slot, a in slots.items()
        }
        for average in self.averages:
            found |= {f"{n}.{average.extra.slot}": a for n, a in zip(self.names, average.arrays, strict=True)}
        return found

    def begin(self) -> None:
        """Start from the parameters as they are."""
        for average in self.averages:
            average.begin()

    def resume(self, t: int, norms: list[float]) -> None:
        """Go on after `t` steps, with the memory of a learned limit."""
        self.norms = self.limit._check(norms) if self.limit and norms else self.norms
        for average in self.averages:
            average.resume(t)

    # ------------------------------------------------------------------------------------------------------------ before the sweep

    def transform(self, plan: execute.Plan) -> bool:
        """Let the extras change the gradients; return True."""
        if not isinstance(self.params[0], np.ndarray):
            if self._there is None:
                works = [[extra._unit_work(p) for p in self.params] for extra in self.transforms]
                self._there = execute.transforms(works, plan)
            self._there.run(plan)
            return True
        for i, g in plan.live_gradients():
            changed = _zeroed(g) if self.zeroing else g
            for extra in self.transforms:
                changed = extra._transformed(self.params[i], changed)
            if changed is not g:
                plan.substitute(i, changed)
        return True

    def limit_of(self, norm: float) -> tuple[float, list[float]]:
        """Return the learned limit of a step whose gradients have this norm, and what will be remembered after it."""
        assert self.limit is not None
        if not math.isfinite(norm):
            raise check.NonFiniteError("the norm of the gradients exceeds what float64 can hold; nothing was changed")
        return self.limit._limit(self.norms, norm), self.limit._after(self.norms, norm)

    def direct(self, plan: execute.Plan, scale: float) -> tuple[list[tuple[np.ndarray, np.ndarray]], int]:
        """Put directions in the place of gradients; return (state array, next value) pairs, and how many elements were not finite."""
        if not isinstance(self.params[0], np.ndarray):
            self._direct_on_device(plan, scale)
            return [], 0
        changes, nonfinite = [], 0
        for i, g in plan.live_gradients():
            p, now = self.params[i], self.groups[i].current
            wide = execute.compute_dtype(p.dtype)
            nonfinite += _params.count_nonfinite(g) if self.zeroing else 0
            factor, limit = _clipping(now, scale, wide)
            seen = (_zeroed(g) if self.zeroing else g).astype(wide, copy=False)
            seen = np.clip(seen * wide.type(factor), -limit, limit)
            age = plan.cohort_of(i).age + 1
            with np.errstate(all="ignore"):  # as in compiled sweeps
                u, factors = now._direction(age, p.astype(wide, copy=False), seen, self.factors[i])
            plan.substitute(i, np.asarray(u, wide, order="C"))
            changes += [(self.factors[i][slot], value) for slot, value in factors.items()]
        return changes, nonfinite

    def _direct_on_device(self, plan: Any, scale: float) -> None:
        """Tell a plan on a GPU, for each of its cohorts, what its sweep makes directions with."""
        owners = [(self.groups[i].current, plan.cohort_of(i).age + 1) for i in plan.first_members()]
        plan.direct({
            wide.name: [(*_clipping(now, scale, wide), *now._direction_scalars(age, wide)) for now, age in owners]
            for wide in (np.dtype(np.float32), np.dtype(np.float64))
        })  # fmt: skip

    def expect(self, t: int, changes: list[tuple[np.ndarray, np.ndarray]], norms: list[float]) -> None:
        """Note what is to be changed once `t` steps are done."""
        self._pending = t, changes, norms

    # ------------------------------------------------------------------------------------------------------------- after the sweep

    def settle(self, t: int) -> None:
        """Bring everything up to the `t` steps that have been done."""
        if self._pending is not None:
            due, changes, norms = self._pending
            if due == t:
                for array, value in changes:
                    array[...] = value
                self.norms = norms
            self._pending = None
        for average in self.averages:
            average.settle(t)


def _clipping(now: Optimizer, scale: float, wide: np.dtype) -> tuple[float, float]:
    """Return the factor of gradients, and their largest absolute value, before they are squared in that dtype."""
    limit: Any = math.inf if now.clip_value is None else now.clip_value
    return -scale if now.maximize else scale, min(limit, LARGEST_SQUARED[wide.name])


def _zeroed(g: np.ndarray) -> np.ndarray:
    """Return a gradient with 0 in the place of NaN and infinity."""
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(g)
    return g if finite.all() else np.where(finite, g, g.dtype.type(0))
