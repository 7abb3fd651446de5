"""Averages that follow the weights after each step: those of `EMA` and `Lookahead`."""

import math
from typing import Any

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
        self.gives = not isinstance(extra, EMA)  # whether the parameters take the averages
        self.copied = 0  # after how many steps the parameters took the averages last
        there = execute.following(self.arrays, params)
        self._moves: Any = _Moves(extra, names, self.arrays, params) if there is None else there

    def begin(self) -> None:
        """Start from the parameters."""
        self._moves.begin()

    def resume(self, t: int) -> None:
        """Go on after `t` steps."""
        for owner, name, value in self.resumption(t):
            setattr(owner, name, value)

    def resumption(self, t: int) -> list[tuple]:
        """Return what `resume` sets: owner, name of the attribute, and value."""
        return [(self._moves, "t", t), (self, "copied", t)]

    def settle(self, t: int) -> None:
        """Follow the weights after step number `t`, from 1, unless that was done."""
        share = self.extra._blend(t) if self._moves.t < t else 0.0
        if share:
            self._moves.move(share)
        self._moves.t = max(self._moves.t, t)
        if self.copied < t:
            if self.gives and self.extra._blend(t):
                self._moves.give()
            self.copied = t

    def show(self) -> None:
        """Put the averages into the parameters."""
        self._moves.give()

    def ahead(self, t: int, steps: int, stream: int) -> None:
        """Send what the steps after number `t` will do, on a GPU, for `replayed`."""
        self._moves.prepare(self.gives, stream)
        self._moves.send([self.extra._blend(t + 1 + s) for s in range(steps)], stream)

    def replayed(self, control: int, stream: int) -> list[tuple]:
        """Return what follows the weights after the step that a control block on a GPU is at; `resume` must be told afterwards."""
        return self._moves.moves(control, self.gives, stream)


class _Moves:
    """How averages follow weights in host memory; `cuda_averages.Following` is how they do on a GPU."""

    def __init__(self, extra: Extra, names: list[str], averages: list[np.ndarray], params: list[np.ndarray]):
        self.averages, self.params = averages, params
        alone: list[list] = [[] for _ in params]
        guard = _params.Guard(names, averages, alone, [(type(extra).__name__, ["decay", "alpha"])])
        kernels = [(rules.sgd, None)] * len(params)
        self._plan = execute.plan(averages, averages, averages, alone, kernels, [0] * len(params), guard)

    @property
    def t(self) -> int:
        """The number of steps that were followed, which `move` counts in the same uninterruptible call."""
        return self._plan.t

    @t.setter
    def t(self, t: int) -> None:
        self._plan.t = t

    def begin(self) -> None:
        """Let the averages be the weights."""
        for average, p in zip(self.averages, self.params, strict=True):
            average[...] = p

    def give(self) -> None:
        """Let the weights be the averages."""
        for p, average in zip(self.params, self.averages, strict=True):
            p[...] = average

    def move(self, share: float) -> None:
        """Move the averages by a share of the way to the parameters: a step of gradient descent on half their squared distance."""
        wide = [p.astype(a.dtype, copy=False) for p, a in zip(self.params, self.averages, strict=True)]
        holder = object()
        try:
            self._plan.bind(holder, wide)
            self._plan.sweep([(1.0, math.inf, -share, -1.0)], [None], [False])
        finally:
            self._plan.release(holder)
