"""The health of gradients and updates, array by array, while a state steps."""

import math
from typing import NamedTuple

from fastgd import _validation as check
from fastgd._kernels import execute
from fastgd.clipping import norm_of

EVERY = 200
"""Every how many steps ``monitor=True`` looks: a look costs about as much as a step."""

VANISHING, EXPLODING = 1e-8, 1e4
STILL, RUSHING = 1e-7, 0.1


class ArrayHealth(NamedTuple):
    """What was seen of one array at one step.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> state = fastgd.SGD(lr=0.1).init(np.array([3.0, 4.0]), monitor=1)
    >>> info = state.step(np.array([0.3, 0.4]))
    >>> health = state.monitor.arrays["param"]
    >>> health.t, round(health.grad_norm, 6), round(health.update_ratio, 6)
    (0, 0.5, 0.01)
    """

    t: int
    """The 0-based number of the step."""
    grad_norm: float
    """The Euclidean norm of the gradient as given."""
    weight_norm: float
    """The Euclidean norm of the weights before the step."""
    update_norm: float
    """The Euclidean norm of what the rule added to the weights; what `Lookahead` makes of them afterwards is not in it."""
    update_ratio: float
    """`update_norm` over `weight_norm`; infinite where weights of 0 moved, 0 where they stayed."""
    clipped: float
    """The fraction of the gradient's elements that were changed by clipping: all of them by `clip_norm`, single ones by `clip_value`."""


class Monitor:
    """The health of a state's gradients and updates: ask for it by ``optimizer.init(params, monitor=True)``.

    On a GPU a step that is looked at needs room for a copy of the parameters while it lasts.

    Parameters
    ----------
    every : int
        Every how many steps it looks, from the first on. The steps between cost nothing.

    Attributes
    ----------
    arrays : dict of str to ArrayHealth
        What was seen last of each array that had a gradient then.
    seen, clipped : int
        How many steps were looked at, and in how many of them `clip_norm` scaled the gradients.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> state = fastgd.SGD(lr=0.1, clip_value=1.0).init({"w": np.ones(4), "b": np.ones(1)}, monitor=1)
    >>> info = state.step({"w": np.array([0.5, 3.0, -3.0, 0.0]), "b": np.array([1e-12])})
    >>> state.monitor.arrays["w"].clipped
    0.5
    >>> state.monitor.warnings()[0]
    "array 'b': gradient norm 1e-12 at step 0, vanishing"
    """

    def __init__(self, every: int):
        self.every = every
        self.arrays: dict[str, ArrayHealth] = {}
        self.seen = self.clipped = 0

    def __repr__(self) -> str:
        return f"Monitor(every={self.every}, seen={self.seen}, clipped={self.clipped})"

    def warnings(self) -> list[str]:
        """Return what is unhealthy in what was seen last, in plain words, the worst arrays first by kind; empty where all is well.

        Returns
        -------
        list of str
            One line for each array and trouble: a gradient norm below 1e-8 (vanishing) or above 1e4 (exploding), an update of less than
            1e-7 of the weights (they stand still) or of more than a tenth of them (the rate is too large).

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> state = fastgd.SGD(lr=1e3).init(np.ones(1), monitor=1)
        >>> info = state.step(np.array([0.5]))
        >>> state.monitor.warnings()
        ["array 'param': the update at step 0 is 500 times the weights: the rate is too large"]
        """
        found = []
        for name, h in self.arrays.items():
            if h.grad_norm < VANISHING:
                found.append(f"array {name!r}: gradient norm {h.grad_norm:.3g} at step {h.t}, vanishing")
            elif h.grad_norm > EXPLODING:
                found.append(f"array {name!r}: gradient norm {h.grad_norm:.3g} at step {h.t}, exploding")
            if h.weight_norm and h.update_ratio > RUSHING:
                times = f"the update at step {h.t} is {h.update_ratio:.3g} times the weights"
                found.append(f"array {name!r}: {times}: the rate is too large")
            elif h.weight_norm and h.update_ratio < STILL and h.grad_norm >= VANISHING:
                share = f"the update at step {h.t} is {h.update_ratio:.1e} of the weights"
                found.append(f"array {name!r}: {share}: they stand still")
        return found


def checked(every: object) -> int:
    """Return every how many steps to look, 0 for never."""
    if isinstance(every, bool):
        return EVERY if every else 0
    return check.integer(every, "init", "monitor", 0)


class Look:
    """One look at a step: the gradients as given, before it; the weights and what it adds to them are measured by the sweep itself.

    Parameters
    ----------
    monitor : Monitor
        What will be told.
    plan : Plan
        With gradients, of which `Plan.square_sum` has been taken.
    """

    def __init__(self, monitor: Monitor, plan: execute.Plan):
        self.monitor, self.plan = monitor, plan
        live, sums = plan.live_gradients(), plan.array_sums()
        self.live = [i for i, _ in live]
        self.grad_norms = [norm_of(sums[i], [g]) for i, g in live]
        self.clipped = [0.0] * len(live)

    def count_clipped(self, live: list, clipped: bool, groups: list) -> None:
        """Note which elements clipping changes: all by `clip_norm`, those beyond their array's limit by `clip_value`."""
        if clipped:
            self.clipped = [1.0] * len(live)
            return
        limits = [groups[i].current.clip_value for i, _ in live]
        limited = [k for k, limit in enumerate(limits) if limit is not None and live[k][1].size]
        if limited:
            arrays = [live[k][1] for k in limited]
            counts = execute.count_beyond(self.plan, arrays, [limits[k] for k in limited])
            for k, g, count in zip(limited, arrays, counts, strict=True):
                self.clipped[k] = count / g.size

    def finish(self, t: int, names: list[str], looked: list[tuple[float, float]], clipped: bool) -> None:
        """Tell the monitor about step `t`, with the norms of the weights and of the update that the sweep has found."""
        for i, gradient, (weight, update), share in zip(self.live, self.grad_norms, looked, self.clipped, strict=True):
            ratio = update / weight if weight else math.inf if update else 0.0
            self.monitor.arrays[names[i]] = ArrayHealth(t, gradient, weight, update, ratio, share)
        self.monitor.seen += 1
        self.monitor.clipped += clipped
