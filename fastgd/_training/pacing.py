"""Rates epoch by epoch: scikit-learn's named ones and schedules.

A pace keeps what tables cannot: an adaptive rate has been divided, a plateau schedule has observed. The fit loop asks it for a table
before each epoch and tells it the objective afterwards.
"""

import numpy as np

from fastgd._kernels import losses
from fastgd._training.rates import RateTable, optimal_start
from fastgd._validation import ArgumentValueError
from fastgd.schedules import Schedule

SMALLEST_ADAPTIVE = 1e-6
ADAPTIVE_DIVISOR = 5.0


class NamedPace:
    """One of scikit-learn's rates: constant, optimal, invscaling, adaptive, pa1, pa2.

    Parameters
    ----------
    kind : str
        The name.
    eta0 : ndarray of float64, shape (K,)
        The base rate of each lane, and for ``pa1`` and ``pa2`` the aggressiveness.
    power_t : float
        The exponent of ``invscaling``.
    alpha : ndarray of float64, shape (K,)
        The strength of the penalty, from which ``optimal`` takes its scale.
    loss, parameter : str, float
        The loss, whose slope limits the first step of ``optimal``.
    memory : ndarray of float64, shape (K,), optional
        The rates that an adaptive one has come to.
    """

    def __init__(
        self, kind: str, eta0: np.ndarray, power_t: float, alpha: np.ndarray, loss: str, parameter: float, memory=None
    ):
        self.kind, self.power_t, self.alpha = kind, power_t, alpha
        self.eta0 = (eta0 if memory is None else memory).copy()
        if kind == "optimal":
            slope = _slope(loss, parameter)
            self.start = optimal_start(alpha, lambda z: slope(z, 1.0))

    @property
    def counts_penalty(self) -> bool:
        """Whether the objective includes the penalty; with the passive-aggressive rates it does not, as in scikit-learn."""
        return self.kind not in ("pa1", "pa2")

    def table(self, t: int, n_steps: int) -> RateTable:
        """Return the table of an epoch of `n_steps` whose first step is `t` (counted from 1)."""
        if self.kind == "optimal":
            return RateTable.optimal(self.alpha, self.start)
        if self.kind == "invscaling":
            return RateTable.invscaling(self.eta0, self.power_t)
        return {"pa1": RateTable.pa1, "pa2": RateTable.pa2}.get(self.kind, RateTable.constant)(self.eta0)

    def at(self, t: int) -> np.ndarray:
        """Return the rate of each lane at step `t`, NaN where it depends on the row."""
        rates = self.table(t, 1).values(t, 0, 1)[0] if self.counts_penalty else np.full(1, np.nan)
        return np.broadcast_to(rates, self.eta0.shape)

    def decrease(self, stalled: np.ndarray) -> np.ndarray:
        """Divide the rates of the stalled lanes where the rate is adaptive; return which lanes may go on for that."""
        lowered = stalled & (self.kind == "adaptive") & (self.eta0 > SMALLEST_ADAPTIVE)
        self.eta0[lowered] /= ADAPTIVE_DIVISOR
        return lowered

    def observe(self, objective: float, t: int) -> None:
        """Named rates do not look at the objective."""

    @property
    def memory(self) -> np.ndarray | None:
        """What to begin with in a later call; None for what depends on the step alone."""
        return self.eta0 if self.kind == "adaptive" else None


class InverseRowsPace:
    """The rate ``eta0 / (rows + 1)**power_t`` with the rows seen in the epochs before, as in scikit-learn's networks.

    Parameters
    ----------
    eta0 : ndarray of float64, shape (K,)
        The rate of each lane in the first epoch.
    power_t : float
        The exponent.
    n_rows : int
        The number of rows in an epoch.
    memory : int, optional
        The rows seen in earlier calls.
    """

    counts_penalty = True

    def __init__(self, eta0: np.ndarray, power_t: float, n_rows: int, memory: int | None = None):
        self.eta0, self.power_t, self.n_rows = eta0, power_t, n_rows
        self.memory = memory or 0

    def table(self, t: int, n_steps: int) -> RateTable:
        """Return the rate of the next epoch."""
        return RateTable.constant(self.at(t))

    def at(self, t: int) -> np.ndarray:
        """Return the rate of each lane in the next epoch."""
        return self.eta0 / (self.memory + 1.0) ** self.power_t

    def decrease(self, stalled: np.ndarray) -> np.ndarray:
        """No lane goes on because it has stalled."""
        return np.zeros_like(stalled)

    def observe(self, objective: float, t: int) -> None:
        """An epoch has ended."""
        self.memory += self.n_rows


class SchedulePace:
    """A `fastgd.schedules.Schedule` of the step ``t - 1``, times one factor per lane.

    Parameters
    ----------
    schedule : Schedule
        Resolved: all durations in steps.
    factors : ndarray of float64, shape (K,)
        What each lane multiplies it by.
    memory : JSON-able, optional
        What a measured schedule remembers from earlier epochs.
    """

    counts_penalty = True

    def __init__(self, schedule: Schedule, factors: np.ndarray, memory=None):
        self.schedule, self.factors = schedule, factors
        self.memory = schedule.start() if memory is None else memory

    def table(self, t: int, n_steps: int) -> RateTable:
        """Return the values of `n_steps` from step `t` on (counted from 1)."""
        with np.errstate(all="ignore"):
            values = np.asarray(self.schedule._values(t - 1, n_steps, self.memory), np.float64)
        bad = ~(np.isfinite(values) & (values >= 0))
        if bad.any():
            k = int(bad.argmax())
            raise ArgumentValueError(
                f"the schedule learning_rate={self.schedule} must be finite and >= 0; got {values[k]} at step {t - 1 + k}."
            )
        return RateTable.steps(values[:, None] * self.factors if (self.factors != 1).any() else values)

    def at(self, t: int) -> np.ndarray:
        """Return the rate of each lane at step `t`."""
        return self.factors * self.schedule.at(t - 1, self.memory)

    def decrease(self, stalled: np.ndarray) -> np.ndarray:
        """Schedules follow their own plan; no lane goes on for that."""
        return np.zeros_like(stalled)

    def observe(self, objective: float, t: int) -> None:
        """Let a measured schedule see the objective of the epoch that ended before step `t`."""
        if self.schedule.is_stateful:
            self.memory = self.schedule.observe(self.memory, objective, t - 2)


Pace = NamedPace | InverseRowsPace | SchedulePace


def _slope(loss: str, parameter: float):
    """Return the slope of a loss as a function of (z, y); of softmax's that of its two-class case."""
    function = losses.log_loss if loss == "softmax" else getattr(losses, loss)
    given = (parameter,) if function.__code__.co_argcount > 2 else ()
    return lambda z, y: function(float(z), y, *given)[1]
