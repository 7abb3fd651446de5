"""A bandit that learns which multiple of the rate pays."""

import math
from dataclasses import dataclass
from typing import Annotated

from fastgd._validation import real, value_error
from fastgd.schedules._algebra import factory
from fastgd.schedules._arguments import Rate, Rates
from fastgd.schedules.base import Schedule


def _discount(value: object, owner: str, name: str) -> float:
    return real(value, owner, name, 0.0, 1.0, closed="right")


@dataclass(frozen=True, repr=False)
class Bandit(Schedule, kind="bandit"):
    """Memory: the arm in use, the last finite loss (None before the first), counts, sums of rewards, sum of their sizes; all fading."""

    a0: Rate = 1.0
    factors: Rates = (1.0, 0.5, 2.0)
    explore: Rate = 0.3
    discount: Annotated[float, _discount] = 0.95

    def _prepare(self) -> None:
        self._set(is_stateful=True)
        if not self.factors:
            raise value_error("bandit", "factors", "at least one number", self.factors)

    def _start(self) -> list:
        return [0, None, [0.0] * len(self.factors), [0.0] * len(self.factors), 0.0]

    def _at(self, t: int, memory) -> float:
        return self.a0 * self.factors[memory[0] if memory else 0]

    def _observe(self, memory, loss: float, t: int) -> list:
        arm, last, counts, sums, size = memory or self._start()
        if last is not None or not math.isfinite(loss):
            reward = _fall(last, loss)
            counts = [self.discount * n + (k == arm) for k, n in enumerate(counts)]
            sums = [self.discount * s + reward * (k == arm) for k, s in enumerate(sums)]
            size = self.discount * size + abs(reward)
            arm = self._best(counts, sums, size)
        return [arm, loss if math.isfinite(loss) else last, counts, sums, size]

    def _best(self, counts: list[float], sums: list[float], size: float) -> int:
        """Return the first arm that was not tried yet, else the one of the highest upper confidence bound."""
        total = sum(counts)
        typical = size / total or 1.0
        width = self.explore * math.sqrt(math.log(max(total, 1.0)))

        def bound(k: int) -> float:
            return sums[k] / counts[k] / typical + width / math.sqrt(counts[k]) if counts[k] else math.inf

        return max(range(len(counts)), key=bound)


def _fall(last: float | None, loss: float) -> float:
    """Return by which part the loss fell, from -1 to 1."""
    if last is None or not math.isfinite(loss):
        return -1.0
    larger = max(abs(last), abs(loss))
    return max(-1.0, min(1.0, last / larger - loss / larger)) if larger else 0.0


@factory
def bandit(
    a0: float = 1.0,
    factors: "tuple[float, ...]" = (1.0, 0.5, 2.0),
    explore: float = 0.3,
    discount: float = 0.95,
) -> Schedule:
    """Return the rate times the factor that has lately made the loss fall most: a multi-armed bandit with one arm for each factor.

    Each observation rewards the factor in use by :math:`r = (l_\\text{last} - l) / \\max(|l_\\text{last}|, |l|)`, limited to
    :math:`\\pm 1`; an infinite loss by -1. Then the arm of the highest upper confidence bound is taken,

    .. math:: \\frac{\\bar r_k}{\\overline{|r|}} + \\xi \\sqrt{\\frac{\\ln n}{n_k}}, \\qquad n = \\sum_k n_k

    where the means and counts :math:`n_k` forget by the factor `discount` at each observation, because what pays changes in the course of
    training. Arms that were never tried come first, in their order. With the default `a0` of 1 it is a factor:
    ``cosine(1e-3, 10_000) * bandit()``. Nothing of it is random.

    Parameters
    ----------
    a0 : float
        The rate that the factors multiply.
    factors : tuple of float
        The factors to choose from; the first one begins.
    explore : float
        :math:`\\xi \\ge 0`: how much is given for trying what was tried little.
    discount : float
        In (0, 1].

    References
    ----------
    L. Kocsis and C. Szepesvári, Discounted UCB, 2nd PASCAL Challenges Workshop, 2006; A. Garivier and E. Moulines, On Upper-Confidence
    Bound Policies for Switching Bandit Problems, ALT 2011. Rewards are divided by their usual size here.

    Examples
    --------
    >>> from fastgd.schedules import bandit
    >>> s = bandit(0.1, (1.0, 0.5))
    >>> memory = s.start()
    >>> for t, loss in enumerate([1.0, 0.9, 0.89, 0.8]):
    ...     memory = s.observe(memory, loss, t)
    ...     print(s.at(t + 1, memory))
    0.1
    0.05
    0.1
    0.1
    """
    return Bandit(a0, factors, explore, discount)
