"""Schedules driven by the measured loss: the only ones with memory, which the caller keeps."""

import math
import sys
from dataclasses import dataclass
from typing import Annotated

from fastgd._validation import choice, integer, real, value_error
from fastgd.schedules._algebra import factory
from fastgd.schedules._arguments import Rate, positive
from fastgd.schedules.base import Schedule
from fastgd.schedules.compose import ordered


def _count(value: object, owner: str, name: str) -> int:
    return integer(value, owner, name, 0)


def _shrinking(value: object, owner: str, name: str) -> float:
    return real(value, owner, name, 0.0, 1.0, closed="left")


def _growing(value: object, owner: str, name: str) -> float:
    return real(value, owner, name, 1.0)


def _one_of(*accepted: str):
    return lambda value, owner, name: choice(value, owner, name, accepted)


def _ceiling(value: object, owner: str, name: str) -> float | None:
    return None if value is None else positive(value, owner, name)


@dataclass(frozen=True, repr=False)
class _Measured(Schedule):
    """A rate that is the first item of its memory."""

    a0: Rate = 1.0

    def _prepare(self) -> None:
        self._set(is_stateful=True)

    def _at(self, t: int, memory) -> float:
        return memory[0] if memory else self.a0


@dataclass(frozen=True, repr=False)
class Plateau(_Measured, kind="plateau"):
    """Memory: the rate, the best loss so far (None before the first), bad observations in a row, observations of cooldown."""

    factor: Annotated[float, _shrinking] = 0.1
    patience: Annotated[int, _count] = 10
    threshold: Rate = 1e-4
    threshold_mode: Annotated[str, _one_of("rel", "abs")] = "rel"
    cooldown: Annotated[int, _count] = 0
    min_lr: Rate = 0.0
    mode: Annotated[str, _one_of("min", "max")] = "min"
    eps: Rate = 1e-8

    def _start(self) -> list:
        return [self.a0, None, 0, 0]

    def _improves(self, loss: float, best: float | None) -> bool:
        if not math.isfinite(loss):
            return False
        if best is None:
            return True
        sign = 1.0 if self.mode == "max" else -1.0
        if self.threshold_mode == "rel":
            return sign * loss > sign * (best * (1.0 + sign * self.threshold))
        return sign * loss > sign * (best + sign * self.threshold)

    def _observe(self, memory, loss: float, t: int) -> list:
        value, best, bad, cooldown = memory or self._start()
        if self._improves(loss, best):
            best, bad = loss, 0
        else:
            bad += 1
        if cooldown > 0:
            cooldown, bad = cooldown - 1, 0
        if bad > self.patience:
            lower = max(value * self.factor, self.min_lr)
            value = lower if value - lower > self.eps else value
            bad, cooldown = 0, self.cooldown
        return [value, best, bad, cooldown]


@factory
def plateau(
    a0: float = 1.0,
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_lr: float = 0.0,
    mode: str = "min",
    eps: float = 1e-8,
) -> Schedule:
    """Return the rate that is multiplied by `factor` when the loss has not improved for more than `patience` observations.

    An observation is an improvement when ``loss < best * (1 - threshold)`` (relative) or ``loss < best - threshold``
    (absolute), with the signs turned for ``mode="max"``; an infinite loss never is. The parameters and their meaning are those
    of torch's ``ReduceLROnPlateau``. With the default `a0` of 1 it is a factor: ``cosine(1e-3, 10_000) * plateau()``.

    Parameters
    ----------
    a0 : float
        The rate at first.
    factor : float
        In [0, 1).
    patience : int
        The number of observations without improvement that are tolerated.
    threshold : float
        The least improvement that counts.
    threshold_mode : {"rel", "abs"}
        Whether `threshold` is a share of the best loss or an amount.
    cooldown : int
        For how many observations after a reduction none is counted as bad.
    min_lr : float
        The lower bound, in the units of `a0`: where this is a factor, so is the bound.
    mode : {"min", "max"}
        Whether smaller or larger is better.
    eps : float
        A reduction by no more than this is not made.

    References
    ----------
    A. Paszke et al., PyTorch, NeurIPS 2019 (``torch.optim.lr_scheduler.ReduceLROnPlateau``).

    Examples
    --------
    >>> from fastgd.schedules import plateau
    >>> s = plateau(0.1, factor=0.5, patience=1)
    >>> memory = s.start()
    >>> for t, loss in enumerate([1.0, 0.9, 0.9, 0.9]):
    ...     memory = s.observe(memory, loss, t)
    >>> memory
    [0.05, 0.9, 0, 0]
    >>> s.at(4, memory)
    0.05
    """
    return Plateau(a0, factor, patience, threshold, threshold_mode, cooldown, min_lr, mode, eps)


@dataclass(frozen=True, repr=False)
class Performance(_Measured, kind="performance"):
    """Memory: the rate, the last finite loss (None before the first)."""

    grow: Annotated[float, _growing] = 1.05
    shrink: Annotated[float, _shrinking] = 0.5
    tolerance: Rate = 0.0
    low: Rate = 0.0
    high: Annotated[float | None, _ceiling] = None

    def _prepare(self) -> None:
        super()._prepare()
        ordered("performance", self.low, self.high)
        if self.a0 < self.low or (self.high is not None and self.a0 > self.high):
            raise value_error("performance", "a0", f"within [low, high] = [{self.low}, {self.high}]", self.a0)

    def _start(self) -> list:
        return [self.a0, None]

    def _observe(self, memory, loss: float, t: int) -> list:
        value, last = memory or self._start()
        if last is not None or not math.isfinite(loss):
            falls = math.isfinite(loss) and loss <= last + self.tolerance * abs(last)
            value *= self.grow if falls else self.shrink
        value = max(min(value, sys.float_info.max if self.high is None else self.high), self.low)
        return [value, loss if math.isfinite(loss) else last]


@factory
def performance(
    a0: float = 1.0,
    grow: float = 1.05,
    shrink: float = 0.5,
    tolerance: float = 0.0,
    low: float = 0.0,
    high: float | None = None,
) -> Schedule:
    """Return the bold driver: the rate grows while the loss falls and shrinks when it rises.

    After an observation ``a = clip(a * grow, low, high)`` if ``loss <= last + tolerance * |last|``, otherwise
    ``a = clip(a * shrink, low, high)``. The first observation changes nothing; an infinite loss counts as a rise.

    Parameters
    ----------
    a0 : float
        The rate at first, within [low, high]. With the default of 1 it is a factor.
    grow, shrink : float
        The factors, at least 1 and in [0, 1).
    tolerance : float
        The relative rise that still counts as a fall, for noisy losses.
    low, high : float
        The bounds; no upper one by default.

    References
    ----------
    T. P. Vogl et al., Accelerating the Convergence of the Back-Propagation Method, Biological Cybernetics 59, 1988;
    R. Battiti, Accelerated Backpropagation Learning, Complex Systems 3, 1989 ("bold driver").

    Examples
    --------
    >>> from fastgd.schedules import performance
    >>> s = performance(0.1, grow=2.0)
    >>> memory = s.start()
    >>> for t, loss in enumerate([1.0, 0.9, 0.95]):
    ...     memory = s.observe(memory, loss, t)
    ...     print(s.at(t + 1, memory))
    0.1
    0.2
    0.1
    """
    return Performance(a0, grow, shrink, tolerance, low, high)
