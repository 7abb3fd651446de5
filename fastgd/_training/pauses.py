"""Training that stops inside an epoch, by the clock or by Ctrl-C, and goes on from that row with the same bits.

An epoch is then seen in stretches of a fraction of a second: between two of them all lanes are at the same row. Where it is cut changes
no bit, neither of the weights nor of what is measured.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgd._training.epoch_result import EpochResult
from fastgd._training.rates import RateTable

FIRST = 4096  # rows of the first stretch; the others as many as take so many
SECONDS = 0.1
GROWTH = 8  # of a stretch over the one before
KEEP_SECONDS, KEEP_SHARE = 1.0, 0.05  # between two memories, and the most of the time that making them may take


@dataclass(frozen=True)
class Pause:
    """All that goes on from a row within an epoch.

    Parameters
    ----------
    lanes : dict
        The state of the lanes.
    progress : dict
        Which models had stopped, their best values, their weights.
    epochs : tuple of dict
        The history of the epochs that are complete.
    memory : object
        Of the rate.
    seed : int
        Of the shuffles.
    t : float
        The step counter at the beginning of the epoch.
    position : int
        How many rows of the epoch have been seen.
    seconds : float
        What training took so far.
    """

    lanes: dict[str, Any]
    progress: dict[str, Any]
    epochs: tuple[dict[str, Any], ...]
    memory: Any
    seed: int
    t: float
    position: int
    seconds: float


class Walk:
    """Sees epochs, in stretches where a deadline or a keeper asks for it.

    Parameters
    ----------
    lanes : LinearLanes or BatchLanes
    problem : Problem
    deadline : float
        When to stop, by ``time.perf_counter``; infinity for never.
    keep : callable, optional
        Is given a `Pause` now and then.
    """

    def __init__(self, lanes: Any, problem: Any, deadline: float, keep: Callable[[Pause], None] | None):
        self.lanes, self.problem, self.deadline, self.keep = lanes, problem, deadline, keep
        self.size, self.next_keep = FIRST, time.perf_counter() + KEEP_SECONDS

    def epoch(
        self, order: np.ndarray, rate: RateTable, t: float, position: int, pause: Callable[[int], Pause]
    ) -> tuple[EpochResult, int]:
        """See the rows of an order from a position on, to its end or until it is time to stop.

        Parameters
        ----------
        order : ndarray of int64
            The rows of the whole epoch.
        rate : RateTable
            Of the whole epoch.
        t : float
            The step counter at the beginning of the epoch.
        position : int
            How many rows have been seen.
        pause : callable
            Makes the memory of a position.

        Returns
        -------
        result : EpochResult
            Of all rows since the beginning of the epoch.
        position : int
            How many these are.
        """
        data, targets, weight = self.problem.rows, self.problem.targets, self.problem.weight
        if position == 0 and self.deadline == math.inf and self.keep is None:
            return self.lanes.epoch(data, targets, order, rate, weight), len(order)
        while True:
            self._remember(position, pause)
            began, stop = time.perf_counter(), min(position + self._rows(), len(order))
            goes_on = None if position == 0 else t
            result = self.lanes.epoch(data, targets, order, rate, weight, position, stop, goes_on)
            now = time.perf_counter()
            self.size = int(min((stop - position) * SECONDS / max(now - began, 1e-9), GROWTH * self.size)) + 1
            position = stop
            if position == len(order) or now >= self.deadline:
                return result, position

    def _rows(self) -> int:
        """Return the number of rows of the next stretch, in whole batches."""
        return max(1, self.size // self.lanes.batch_size) * self.lanes.batch_size

    def _remember(self, position: int, pause: Callable[[int], Pause]) -> None:
        began = time.perf_counter()
        if self.keep is None or began < self.next_keep:
            return
        self.keep(pause(position))
        now = time.perf_counter()
        self.next_keep = now + max(KEEP_SECONDS, (now - began) / KEEP_SHARE)
