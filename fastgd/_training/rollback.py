"""Divergence undone: training goes back to the end of the epoch before, and stops there or goes on with a smaller rate."""

from typing import Any

import numpy as np

from fastgd._training.pacing import Pace
from fastgd._training.rates import RateTable
from fastgd.recovery import MOST, SLOWER, lost

WAYS = ("raise", "rollback", "retry")


class RecoveringPace:
    """A pace that knows what to do about models that diverge, and follows another one times a factor per lane.

    Parameters
    ----------
    pace : Pace
        What it follows.
    retries : bool
        Whether models that diverge go on with a smaller rate; otherwise they stop.
    n_lanes : int
        K.
    memory : dict, optional
        The memory that an earlier call ended with.
    """

    def __init__(self, pace: Pace, retries: bool, n_lanes: int, memory: dict[str, Any] | None = None):
        self.pace, self.retries = pace, retries
        past = memory or {}
        self.factors = past.get("factors", np.ones(n_lanes)).copy()
        self.first_loss: np.ndarray | None = past.get("first_loss")
        self.n_retries = 0

    def begin(self, loss: np.ndarray) -> None:
        """Training begins at this loss of each model, (n_models,), unless it goes on."""
        if self.first_loss is None:
            self.first_loss = loss

    def diverged(self, loss: np.ndarray) -> np.ndarray:
        """Return which models have lost their way, (n_models,), though their weights may be finite."""
        assert self.first_loss is not None
        with np.errstate(invalid="ignore"):
            return lost(loss, self.first_loss)

    def goes_back(self, which: np.ndarray, n_epochs: int) -> bool:
        """Return whether these lanes have an epoch to go back to, or a smaller rate to go on with, which they then have."""
        if self.retries:
            self.factors[which] *= SLOWER
            self.n_retries += 1
        return self.n_retries <= MOST if self.retries else n_epochs > 0

    @property
    def undoing(self) -> dict[str, Any]:
        """What to give as `memory` in a later call; `memory` itself is the pace's."""
        return {"factors": self.factors, "first_loss": self.first_loss}

    def told(self, n_iter: np.ndarray, reasons: np.ndarray) -> list[str]:
        """Return what to warn of, from the epochs and reasons of the models."""
        if "diverged" in reasons:
            n = n_iter[reasons == "diverged"].min()
            return [f"training diverged in epoch {n + 1}: went back to the weights of epoch {n}, the last good ones"]
        if self.n_retries:
            times = f"{self.n_retries} time" + ("s" if self.n_retries > 1 else "")
            return [
                f"training diverged {times}: went back and multiplied the learning rate by {self.factors.min():.2g}"
            ]
        return []

    # ---------------------------------------------------------------------------------------------------------- as a pace

    def table(self, t: int, n_steps: int) -> RateTable:
        """Return the table of an epoch of `n_steps` whose first step is `t` (counted from 1)."""
        table = self.pace.table(t, n_steps)
        return table.times(self.factors) if (self.factors != 1).any() else table

    def at(self, t: int) -> np.ndarray:
        """Return the rate of each lane at step `t`."""
        return self.pace.at(t) * self.factors

    def decrease(self, stalled: np.ndarray) -> np.ndarray:
        """Let the pace divide the rates of stalled lanes."""
        return self.pace.decrease(stalled)

    def observe(self, objective: float, t: int) -> None:
        """Let the pace see an objective."""
        self.pace.observe(objective, t)

    @property
    def counts_penalty(self) -> bool:
        """That of the pace."""
        return self.pace.counts_penalty

    @property
    def memory(self) -> Any:
        """That of the pace."""
        return self.pace.memory


AnyPace = Pace | RecoveringPace


def recovering(pace: Pace, way: str, n_lanes: int, memory: dict[str, Any] | None) -> AnyPace:
    """Return the pace that meets divergence in one of the `WAYS`; `memory` is what `undoing_of` returned in an earlier call."""
    return pace if way == "raise" else RecoveringPace(pace, way == "retry", n_lanes, memory)


def undoing_of(pace: Any) -> dict[str, Any] | None:
    """Return what to give `recovering` in a later call."""
    return getattr(pace, "undoing", None)


def told_by(pace: Any, n_iter: np.ndarray, reasons: np.ndarray) -> list[str]:
    """Return what to warn of."""
    return pace.told(n_iter, reasons) if isinstance(pace, RecoveringPace) else []
