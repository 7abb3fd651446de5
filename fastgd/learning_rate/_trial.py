"""The short trial: real training with many rates side by side, on as few rows as tell them apart.

A coarse grid finds the neighbourhood, a fine one the rate. Where the data is small all of the training asked for is tried, and each row
is held out once (cross-validation), or as many fifths as can be afforded, each in an order of its own: its last rows decide much. Where
it is large a part of it is tried, and how the best rate falls on the way tells the rate for the whole: see `_growth`. What repeats its
rows, averages its weights, follows a schedule or takes few steps does not show that: its rate is divided by the root of how much longer
the training will be. Suggested is the lowest point of a parabola through the losses around the lowest one, whose own place is told by
luck as well.
"""

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastgd._training import fit
from fastgd._training.curves import diverged
from fastgd._training.lane_block import COST, WIDTHS, padded
from fastgd._training.models import AnyLanes
from fastgd._training.network import NetworkLanes
from fastgd._training.own_batches import OwnBatchLanes
from fastgd._training.own_networks import OwnNetworkLanes
from fastgd._training.pacing import NamedPace
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd.learning_rate._growth import Growth, lowest_point, stretches
from fastgd.learning_rate._subject import Subject, mean_loss

WORK = 2e8  # products of weights and values, a tenth of a second or two: so much is spent at least
FEW_ROWS, WORK_ON_FEW = 2000, 1e9  # with few rows luck is the problem, and each must be held out once
SHARE = 0.25  # of the time of an epoch, where that is more
COARSE_SHARE = 0.25  # of both, in addition
RATIO = 4.0  # of neighbours in the coarse grid, at most
PAST_THE_EDGE = 4.0  # times the rate at which the range test diverged: rates above it are not tried
FINE = 1.5 ** np.arange(-6, 6)  # times the best of them
FOLDS = 5  # at most so many are trained
HELD_OUT, MOST_HELD_OUT = 0.2, 2000  # rows, where there are no folds
FEWEST = 300  # rows to learn from
MOST, MOST_SHARE = 30_000, 0.1  # at most so many, or where that is more this share of an epoch
FEWEST_STEPS = 100  # that show how the best rate falls: in the first ones the averages of optimizers are still filling
OVERHEAD = 8.0  # of a lane in a row, in products
STEP = 4.0  # products that the step of an optimizer costs for each weight


@dataclass(frozen=True)
class Trial:
    """What the short trial of the finder measured.

    Attributes
    ----------
    learning_rate : ndarray of float64, shape (n_rates,)
        The rates of the fine grid, ascending.
    val_loss : ndarray of float64, shape (n_rates, n_folds)
        The mean loss over rows held out, after training; NaN where it is not finite, or above that of the untrained model.
    untrained : float
        The mean loss over the same rows before training.
    n_rows : int
        For how many rows each was trained, epochs counted one by one.
    longer : float
        How many times longer the training asked for is.
    growth : Growth, optional
        The losses on the way, where they tell how the best rate falls: of one pass with constant rates, of at least 100 steps.
    """

    learning_rate: np.ndarray
    val_loss: np.ndarray
    untrained: float
    n_rows: int
    longer: float
    growth: Growth | None = None

    @cached_property
    def curve(self) -> np.ndarray:
        """The mean loss over the folds, (n_rates,); infinity where one of them diverged."""
        finite = np.isfinite(self.val_loss)
        return np.where(finite.all(axis=1), np.where(finite, self.val_loss, 0.0).mean(axis=1), np.inf)

    @property
    def suggestion(self) -> float:
        """The rate that is to be the best for the training asked for."""
        if self.growth is not None:
            return self.growth.best(self.learning_rate, self.untrained, self.n_rows * self.longer)
        return lowest_point(self.learning_rate, self.curve, self.untrained) / float(np.sqrt(self.longer))

    def to_dict(self) -> dict:
        """Return a JSON-able description, None for what is not finite."""
        return {
            "learning_rate": self.learning_rate.tolist(),
            "val_loss": [[float(v) if np.isfinite(v) else None for v in rate] for rate in self.val_loss],
            "untrained": self.untrained if np.isfinite(self.untrained) else None,
            "n_rows": self.n_rows,
            "longer": self.longer,
            "growth": None if self.growth is None else self.growth.to_dict(),
            "suggestion": self.suggestion,
        }


def run(subject: Subject, low: float, high: float, n_epochs: int, edge: float | None = None) -> Trial | None:
    """Return the trial of rates between two; None where all of them diverge, none learns anything, or there is one row.

    Parameters
    ----------
    subject : Subject
    low, high : float
        Between which rates to look.
    n_epochs : int
        For how long the suggestion is to be good.
    edge : float, optional
        Where the range test diverged.
    """
    n_learn = len(subject.learn)
    if n_learn < 2:
        return None  # it takes one to learn from and one to hold out
    asked = n_epochs * n_learn
    most = min(asked, max(MOST, int(MOST_SHARE * n_learn)))
    if edge is not None:
        high = min(high, max(PAST_THE_EDGE * edge, low * RATIO))
    coarse = np.geomspace(low, high, 1 + max(1, int(np.ceil(np.log(high / low) / np.log(RATIO)))))
    work = WORK_ON_FEW if n_learn <= FEW_ROWS else WORK

    def affordable(n_models: int) -> float:
        """Return for how many rows so many models may be trained side by side."""
        return max(work / (_work(subject) * n_models), SHARE * n_learn / _times(subject, n_models))

    # A fold learns from the others' rows, as often as the model from all: the training asked for is longer than a fold's.
    of_a_fold = n_epochs * (n_learn - -(-n_learn // FOLDS))
    n_folds = int(np.clip(affordable(len(FINE)) / max(1, of_a_fold), 1, min(FOLDS, max(1, n_learn // 2))))
    if n_folds > 1:
        most = min(most, of_a_fold)
    n_rows = [
        int(min(most, max(FEWEST, share * affordable(n) / n_folds)))
        for n, share in ((len(coarse), COARSE_SHARE), (len(FINE), 1.0))
    ]
    if n_folds == 1:
        subject = subject.part(int(max(n_rows) / (1 - HELD_OUT)) + 1)
    found, *_ = _train(subject, coarse, n_rows[0], n_epochs, n_folds)
    lowest = np.where(np.isfinite(found).all(axis=1), found.mean(axis=1), np.inf)
    if not np.isfinite(lowest).any():
        return None
    rates = coarse[lowest.argmin()] * FINE
    rates = rates[(rates >= low) & (rates <= high)]
    longer = asked / n_rows[1]
    val_loss, untrained, growth = _train(subject, rates, n_rows[1], n_epochs, n_folds, again=n_folds, grows=longer > 1)
    trial = Trial(rates, val_loss, untrained, n_rows[1], longer, growth)
    return trial if trial.curve.min() < untrained else None


def _work(subject: Subject) -> float:
    """Return the products that a row costs in one model."""
    lanes, n_features = subject.begin(1), subject.X.shape[1]
    sparse = hasattr(subject.X, "nnz")
    stored = subject.X.nnz / max(1, subject.X.shape[0]) if sparse else n_features
    if isinstance(lanes, NetworkLanes):
        first, *others = lanes.layers
        return stored * first.n_out + sum(layer.size for layer in others) + OVERHEAD
    every = STEP * n_features / lanes.batch_size if sparse and lanes.batch_size > 1 else 0.0
    return subject.columns * (stored + every + OVERHEAD)


def _times(subject: Subject, n_models: int) -> float:
    """Return about how many times longer a row takes with so many models side by side than with one."""

    def cost(n_lanes: int) -> float:
        return COST[padded(n_lanes)] if n_lanes < WIDTHS[-1] else COST[WIDTHS[-1]] * n_lanes / WIDTHS[-1]

    return n_models if subject.network else cost(subject.columns * n_models) / cost(subject.columns)


def _train(
    subject: Subject, rates: np.ndarray, n_rows: int, n_epochs: int, n_folds: int, again: int = 0, grows: bool = False
) -> tuple[np.ndarray, float, Growth | None]:
    """Train for so many rows; return the losses on rows held out of each fold, (n_rates, n_folds), and their mean before.

    NaN stands for what is not finite, or has risen. `again` tells the orders of the rows from those of other calls. Where the training
    asked for `grows` beyond this one, the losses on the way come third, if they show how.
    """
    shuffled = np.random.default_rng(subject.seed + again).permutation(subject.learn)
    n_out = min(max(1, int(HELD_OUT * len(shuffled))), MOST_HELD_OUT, max(1, len(shuffled) - 1))
    held_out = [shuffled[:n_out]] if n_folds == 1 else [shuffled[k::FOLDS] for k in range(n_folds)]
    loss, untrained, on_the_way = np.empty((len(rates), n_folds)), np.empty(n_folds), []
    for k, out in enumerate(held_out):
        learn = np.setdiff1d(subject.learn, out, assume_unique=True)
        seed = subject.seed + again + k
        untrained[k], loss[:, k], way = _one_fold(subject, rates, learn, out, n_rows, n_epochs, seed, grows)
        on_the_way += [] if way is None else [way]
    loss = np.where(diverged(loss, untrained), np.nan, loss)
    return loss, float(untrained.mean()), _of_folds(on_the_way, loss)


def _of_folds(on_the_way: list[Growth], val_loss: np.ndarray) -> Growth | None:
    """Return the mean of the folds' losses on the way, infinity for rates without a loss after it, (n_rates, n_folds)."""
    if not on_the_way:
        return None
    loss = np.mean([each.loss for each in on_the_way], axis=0)
    trained = np.isfinite(val_loss).all(axis=1) & np.isfinite(loss)
    return Growth(on_the_way[0].n_rows, np.where(trained, loss, np.inf))


def _one_fold(
    subject: Subject,
    rates: np.ndarray,
    learn: np.ndarray,
    held_out: np.ndarray,
    n_rows: int,
    n_epochs: int,
    seed: int,
    grows: bool = False,
) -> tuple[float, np.ndarray, Growth | None]:
    """Return the loss on the rows held out before training, that of each rate after it, (n_rates,), and those on the way."""
    n, n_learn = len(rates), len(learn)
    lanes, targets, weight = subject.begin(n), subject.targets_of(n), subject.weights_of(n)
    pace = subject.model._rate(
        lanes.n_lanes, max(1, round(n_rows / n_epochs)), n_epochs, rates=np.repeat(rates, subject.columns)
    )
    rows, way = Rows.of(subject.X, finite=False), None
    with np.errstate(all="ignore"):
        untrained = _measured(subject, subject.begin(1), rows, held_out, 1)[0]
        for epoch in range(-(-n_rows // n_learn)):
            left = n_rows - epoch * n_learn
            whole = n_learn if left >= n_learn else max(left - left % lanes.batch_size, min(left, lanes.batch_size))
            order = fit.epoch_order(learn, seed, epoch, True)[:whole]
            table = pace.table(int(lanes.t), lanes.n_steps(whole))
            ends = stretches(whole, lanes.batch_size)
            if grows and n_rows <= n_learn and lanes.n_steps(whole) >= FEWEST_STEPS and _shows_growth(lanes, pace):
                parts = itertools.pairwise([0, *ends])
                found = [lanes.epoch(rows, targets, order, table, weight, *part) for part in parts]
                way = Growth((ends[:-1] + ends[1:]) / 2, np.array([mean_loss(lanes, n, each) for each in found[1:]]))
            else:
                lanes.epoch(rows, targets, order, table, weight)
        return untrained, _measured(subject, lanes, rows, held_out, n), way


def _shows_growth(lanes: AnyLanes, pace: Any) -> bool:
    """Return whether a part of a training is what a shorter one would be, and its losses are those of the weights that it would return."""
    own = isinstance(lanes, OwnBatchLanes | OwnNetworkLanes)  # of optimizers of which some average
    return isinstance(pace, NamedPace) and pace.kind in ("constant", "adaptive") and not lanes.average and not own


def _measured(subject: Subject, lanes: AnyLanes, rows: Rows, which: np.ndarray, n_models: int) -> np.ndarray:
    """Return the mean loss of so many models on some rows."""
    probe = subject.probe(subject.X, n_models)
    probe.set_coef(*fit.published(lanes))
    targets, weight = subject.targets_of(n_models), subject.weights_of(n_models)
    return mean_loss(probe, n_models, probe.epoch(rows, targets, which, RateTable.constant(0.0), weight))
