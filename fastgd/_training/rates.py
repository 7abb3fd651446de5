"""Learning rates of lanes as tables: one row per step, one column per lane, computed in float64 from the step counter."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from fastgd.schedules import Schedule, linear

__all__ = ["RateTable", "falling", "optimal_start"]

GIVEN, PA1, PA2 = range(3)


@dataclass(frozen=True)
class RateTable:
    """The learning rate of every lane at every step, made by one of the class methods.

    The step counter `t` is scikit-learn's: 1 at the first row. Arguments ``eta0``, ``alpha``, ``start`` are numbers or arrays ``(K,)``.
    """

    formula: str
    eta0: np.ndarray
    power_t: float = 0.0
    start: np.ndarray = field(default_factory=lambda: np.zeros((1, 1)))

    @classmethod
    def constant(cls, eta0) -> "RateTable":
        """Return ``eta = eta0`` (also the rate called adaptive: its owner divides `eta0`)."""
        return cls("constant", _column(eta0))

    @classmethod
    def invscaling(cls, eta0, power_t: float) -> "RateTable":
        """Return ``eta = eta0 / t**power_t``."""
        return cls("invscaling", _column(eta0), float(power_t))

    @classmethod
    def optimal(cls, alpha, start) -> "RateTable":
        """Return ``eta = 1 / (alpha * (start + t - 1))`` (Bottou); `optimal_start` gives scikit-learn's `start`."""
        return cls("optimal", _column(alpha), start=_column(start))

    @classmethod
    def steps(cls, values: np.ndarray) -> "RateTable":
        """Return given rates, ``(n_steps,)`` or ``(n_steps, K)``: one for each position of the order that `epoch` is given."""
        values = np.asarray(values, np.float64)
        return cls("steps", values[:, None] if values.ndim == 1 else values)

    @classmethod
    def pa1(cls, eta0) -> "RateTable":
        """Return the passive-aggressive rule with bounded steps: ``min(eta0, loss / |x|**2)`` (Crammer et al., 2006, PA-I)."""
        return cls("pa1", _column(eta0))

    @classmethod
    def pa2(cls, eta0) -> "RateTable":
        """Return the passive-aggressive rule with damped steps: ``loss / (|x|**2 + 1 / (2 * eta0))`` (PA-II)."""
        return cls("pa2", _column(eta0))

    def times(self, factors) -> "RateTable":
        """Return the table of these rates times one factor for each lane, (K,); of pa1 and pa2 it bounds the step as `eta0` does."""
        factors = _column(factors)
        return replace(self, eta0=self.eta0 / factors if self.formula == "optimal" else self.eta0 * factors)

    @property
    def code(self) -> int:
        """The kind of rate as the kernel knows it."""
        return {"pa1": PA1, "pa2": PA2}.get(self.formula, GIVEN)

    def values(self, t: float, position: int, n: int) -> np.ndarray:
        """Return the rates of `n` steps from step `t` on, at this position of the order: ``(n, k)``, or ``(1, k)`` if all are the same."""
        if self.formula == "steps":
            return self.eta0[position : position + n]
        steps = (t + np.arange(n, dtype=np.float64))[:, None]
        if self.formula == "invscaling":
            return self.eta0 / _power(steps, self.power_t)
        if self.formula == "optimal":
            return 1 / (self.eta0 * (self.start + steps - 1))
        return self.eta0


def falling(rates: np.ndarray, horizon: int, first: int, count: int) -> np.ndarray:
    """Return `count` steps from `first` on, (count, K), of straight lines from these rates to zero at step `horizon`."""
    columns = {rate: k for k, rate in enumerate(dict.fromkeys(rates.tolist()))}
    lines = np.column_stack([_line(rate, horizon)._values(first, count, None) for rate in columns])
    return lines.take([columns[rate] for rate in rates.tolist()], axis=1)


@lru_cache(maxsize=64)
def _line(rate: float, horizon: int) -> Schedule:
    """Return the straight line from a rate to zero; a cycle asks for it in each epoch."""
    return linear(rate, horizon)


def _column(values) -> np.ndarray:
    return np.atleast_1d(np.asarray(values, np.float64))[None, :]


def _power(steps: np.ndarray, power: float) -> np.ndarray:
    """Return ``steps**power``; by square roots for the usual ones: they have the same bits on every processor."""
    if power == 0.5:
        return np.sqrt(steps)
    if power == 0.25:
        return np.sqrt(np.sqrt(steps))
    return steps**power


def optimal_start(alpha, slope) -> np.ndarray:
    """Return scikit-learn's ``start`` of the optimal rate.

    The first rate is ``typw / max(1, slope(-typw))`` with the typical weight ``typw = sqrt(1 / sqrt(alpha))`` (Bottou's heuristic).

    Parameters
    ----------
    alpha : float or ndarray (K,)
        Regularisation strengths, positive.
    slope : callable
        The loss's derivative at a raw prediction for the target 1.
    """
    alpha = np.atleast_1d(np.asarray(alpha, np.float64))
    typical = np.sqrt(1 / np.sqrt(alpha))
    first = typical / np.maximum(1, [slope(-w) for w in typical])
    return 1 / (first * alpha)
