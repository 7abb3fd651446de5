"""Averages that follow the weights after each step: those of `EMA` and `Lookahead`."""

import math

import numpy as np

from fastgd import _params
from fastgd._kernels import execute, rules
from fastgd.optimizers.extras import EMA, Extra


class Averages:
    """The averages of one extra, each beside its parameter.

    They are brought up to date by `settle`, which is told the number of steps done, and which may be interrupted anywhere and called
    again: the sweep that moves them counts in the same uninterruptible call.

    Parameters
    ----------
    extra : Extra
        `EMA` or `Lookahead`.
    names : list of str
        The parameters' names.
    params : list of ndarray
        The parameters.
    """

    def __init__(self, extra: Extra, names: list[str], params: list[np.ndarray]):
        self.extra, self.params = extra, params
        self.arrays = [execute.zeros(p, execute.compute_dtype(p.dtype)) for p in params]
        self.copied = 0  # after how many steps the parameters took the averages last
        guard = _params.Guard(names, self.arrays, [[] for _ in params], [(type(extra).__name__, ["decay", "alpha"])])
        alone: list[list] = [[] for _ in params]
        kernels = [(rules.sgd, None)] * len(params)
        self._plan = execute.plan(self.arrays, self.arrays, self.arrays, alone, kernels, [0] * len(params), guard)

    def begin(self) -> None:
        """Start from the parameters."""
        for average, p in zip(self.arrays, self.params, strict=True):
            average[...] = p

    def resume(self, t: int) -> None:
        """Go on after `t` steps."""
        self._plan.t = self.copied = t

    def settle(self, t: int) -> None:
        """Follow the weights after step number `t`, from 1, unless that was done."""
        share = self.extra._blend(t) if self._plan.t < t else 0.0
        if share:
            self._move(share)
        self._plan.t = max(self._plan.t, t)
        if self.copied < t:
            if not isinstance(self.extra, EMA) and self.extra._blend(t):
                for p, average in zip(self.params, self.arrays, strict=True):
                    p[...] = average
            self.copied = t

    def _move(self, share: float) -> None:
        """Move the averages by a share of the way to the parameters: a step of gradient descent on half their squared distance."""
        wide = [p.astype(a.dtype, copy=False) for p, a in zip(self.params, self.arrays, strict=True)]
        holder = object()
        try:
            self._plan.bind(holder, wide)
            self._plan.sweep([(1.0, math.inf, -share, -1.0)], [None], [False])
        finally:
            self._plan.release(holder)
