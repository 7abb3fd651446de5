"""The first cycles of networks after a race: how long they are, and which rates run in them.

The rate that suits a single epoch is often no beginning for ten: it kills rectified units for good, which an epoch's loss does not show.
So the first epoch of networks is a trial, or several where an epoch has few steps. Then they begin anew, for several epochs, with two rates
side by side: the best one of the trial, which suits where training is slow, and that divided by the root of how much longer it is now,
which suits where noise limits it (Moulines and Bach, 2011). From the better one of these training goes on.
"""

from typing import NamedTuple

import numpy as np

COARSE = 4.0 ** np.arange(-4, 3)  # the first rates of networks, times a scale: the trial tries those between
TRIED = np.array([0.5, 1.0, 2.0])  # rates of the trial, relative to the one that the race suggests
AT_ONCE = 4  # times the epochs of the trial, after it
ENOUGH_STEPS = 64  # of a rate in the race and in the trial: within fewer, rates that are far too large look best
LARGEST_SHARE = 20  # of the training may be a trial
STEP_BACK = 4.0  # of the rate, where these epochs leave a larger loss than the trial, or later ones than no training


class Ahead(NamedTuple):
    """The next cycle: how many epochs, which rates relative to the leader's, and whether its weights are fresh."""

    length: int
    near: np.ndarray
    anew: bool = False


def trial(n_steps: int, max_iter: int) -> int:
    """Return how many epochs of so many steps the race and the trial of a network have."""
    return max(1, min(-(-ENOUGH_STEPS // n_steps), max_iter // LARGEST_SHARE))


def of_networks(length: int, tried: int, growth: float) -> Ahead:
    """Return one of the first two cycles of networks.

    Parameters
    ----------
    length : int
        How many epochs it has.
    tried : int
        How many epochs the trial had; 0: this is the trial.
    growth : float
        By how much the rows of an epoch are more than those of the race.
    """
    if not tried:
        return Ahead(length, TRIED / np.sqrt(length * growth))
    return Ahead(length, np.unique([np.sqrt(tried / length), 1.0]), True)
