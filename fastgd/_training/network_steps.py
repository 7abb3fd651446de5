"""What the optimizer's rule needs at each step of a stretch, computed ahead in float64: one table for all networks."""

import copy
import math
from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd.optimizers import Optimizer

__all__ = ["StepTable"]

LARGEST = {"float32": 1e16, "float64": 1e150}  # of a gradient that a rule squares


class StepTable:
    """The scalars of an optimizer for `n_networks` networks, each with its own learning rate.

    Parameters
    ----------
    optimizer : Optimizer
        With durations resolved; its `lr` is replaced by the table's.
    n_networks : int
    dtype : numpy.dtype
        That of the parameters.
    """

    def __init__(self, optimizer: Optimizer, n_networks: int, dtype: np.dtype):
        self.optimizer, self.dtype = optimizer, dtype
        self.names = execute.hyper_names(optimizer._rule())
        self.scheduled = [entry for entry in optimizer.schedules() if entry[0] != "lr"]
        self._known: dict[int, list[Any]] = {0: [None] * n_networks}
        self._now: list[Any] = [copy.copy(optimizer) for _ in range(n_networks)]

    def begin(self, rates: np.ndarray) -> None:
        """Start with these learning rates, (n_networks,), which some rules' state depends on."""
        self._advance(0, rates)
        self.go_on(0, [now._first_carry() for now in self._now])

    def carries(self, step: int) -> list[Any]:
        """Return what this step, counted from 0, needs to know of the past: before or after the steps that were asked for last."""
        return self._known[step]

    def go_on(self, step: int, carries: list[Any]) -> None:
        """Let this step be the next one."""
        self._known = {step: carries}

    def initial(self, k: int, slot: str, p: np.ndarray) -> Any:
        """Return the initial value of a state array of network `k`."""
        return self._now[k]._initial(slot, p)

    def steps(self, first: int, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the scalars, (n_steps, n_networks, n_scalars) in the parameters' dtype, and the norms to clip at, (n_steps,).

        Parameters
        ----------
        first : int
            The 0-based number of the first step.
        rates : ndarray of float64, shape (n_steps, n_networks)
            The learning rates.
        """
        before, carries = self.carries(first), list(self.carries(first))
        rows: list[list[float]] = []
        clip: list[float] = []
        last = None
        for age, row in enumerate(rates.tolist(), first + 1):
            if self.scheduled or row != last:
                self._advance(age - 1, row)
                last = row
            rows += [self._scalars(now, age, carry) for now, carry in zip(self._now, carries, strict=True)]
            carries = [now._next_carry(age, carry) for now, carry in zip(self._now, carries, strict=True)]
            limit: Any = self._now[0].clip_norm
            clip.append(math.inf if limit is None else limit)
        self._known = {first: before, first + len(rates): carries}
        return np.array(rows).astype(self.dtype).reshape(*rates.shape, -1), np.array(clip)

    def _scalars(self, now: Any, age: int, carry: Any) -> list[float]:
        scalars = now._scalars(age, carry)
        limit = math.inf if now.clip_value is None else now.clip_value
        if now.squares:
            limit = min(limit, LARGEST[self.dtype.name])
        return [-1.0 if now.maximize else 1.0, limit, *[scalars[name] for name in self.names]]

    def _advance(self, t: int, rates: Any) -> None:
        """Give each network's description its rate and the scheduled values of step `t`; it was checked, and its fields are numbers."""
        changes: dict[str, Any] = {}
        for name, k, schedule in self.scheduled:
            value: Any = schedule(t)
            if k is not None:
                pair = list(changes.get(name, getattr(self.optimizer, name)))
                pair[k] = value
                value = tuple(pair)
            changes[name] = value
        for now, rate in zip(self._now, rates, strict=True):
            object.__setattr__(now, "lr", float(rate))
            for name, value in changes.items():
                object.__setattr__(now, name, value)
