"""The short trial: real training with many rates side by side, on as few rows as tell them apart.

A coarse grid finds the neighbourhood, a fine one the rate. Where the data is small all of the training asked for is tried, and with the
smallest each row is held out once (cross-validation, the folds being lanes); where it is large a part of it, and the rate found is divided
by the root of how much longer the training will be: among constant rates, the best falls so where noise limits it (Moulines and Bach,
2011).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fastgd._training import fit
from fastgd._training.curves import diverged
from fastgd._training.network import NetworkLanes
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd.learning_rate._subject import Subject, mean_loss

WORK = 2e8  # products of weights and values: some tenths of a second
SHARE = 0.03  # of an epoch's rows, where that is more
COARSE_SHARE = 0.25  # of the work, in addition
RATIO = 4.0  # of neighbours in the coarse grid, at most
FINE = 1.5 ** np.arange(-6, 6)  # times the best of them
FOLDS = 5
HELD_OUT, MOST_HELD_OUT = 0.2, 2000  # rows, where there are no folds
FEWEST = 300  # rows to learn from
MOST, MOST_SHARE = 30_000, 0.1  # at most so many, or where that is more this share of an epoch
WITHIN = 0.02  # of the lowest loss: as good
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
    n_rows : int
        For how many rows each was trained, epochs counted one by one.
    longer : float
        How many times longer the training asked for is.
    """

    learning_rate: np.ndarray
    val_loss: np.ndarray
    n_rows: int
    longer: float

    @cached_property
    def curve(self) -> np.ndarray:
        """The mean loss over the folds, (n_rates,); infinity where one of them diverged."""
        finite = np.isfinite(self.val_loss)
        return np.where(finite.all(axis=1), np.where(finite, self.val_loss, 0.0).mean(axis=1), np.inf)

    @property
    def suggestion(self) -> float:
        """The geometric middle of the rates around the best that are within 2 % of it, divided by the root of `longer`."""
        good = self.curve <= self.curve.min() + WITHIN * abs(self.curve.min())
        first = last = int(self.curve.argmin())
        while first > 0 and good[first - 1]:
            first -= 1
        while last + 1 < len(good) and good[last + 1]:
            last += 1
        return float(np.sqrt(self.learning_rate[first] * self.learning_rate[last] / self.longer))

    def to_dict(self) -> dict:
        """Return a JSON-able description, None for what is not finite."""
        return {
            "learning_rate": self.learning_rate.tolist(),
            "val_loss": [[float(v) if np.isfinite(v) else None for v in rate] for rate in self.val_loss],
            "n_rows": self.n_rows,
            "longer": self.longer,
            "suggestion": self.suggestion,
        }


def run(subject: Subject, low: float, high: float, n_epochs: int) -> Trial | None:
    """Return the trial of rates between two; None where all of them diverge.

    Parameters
    ----------
    subject : Subject
    low, high : float
        Between which rates to look.
    n_epochs : int
        For how long the suggestion is to be good.
    """
    asked, a_row = n_epochs * len(subject.learn), _work(subject)
    most = min(asked, max(MOST, int(MOST_SHARE * len(subject.learn))))
    rows = max(WORK / a_row, SHARE * len(subject.learn) * len(FINE))  # to be seen by all rates together
    coarse = np.geomspace(low, high, 1 + max(1, int(np.ceil(np.log(high / low) / np.log(RATIO)))))
    found = _train(subject, coarse, _affordable(COARSE_SHARE * rows / len(coarse), most), n_epochs, 1)[:, 0]
    if np.isnan(found).all():
        return None
    rates = coarse[np.nanargmin(found)] * FINE
    rates = rates[(rates >= low) & (rates <= high)]
    rows /= len(rates)
    n_folds = int(np.clip(rows / asked, 1, min(FOLDS, max(1, len(subject.learn) // 2))))
    n_rows = _affordable(rows / n_folds, most)
    val_loss = _train(subject, rates, n_rows, n_epochs, n_folds, again=1)
    trial = Trial(rates, val_loss, n_rows, asked / n_rows)
    return trial if np.isfinite(trial.curve).any() else None


def _affordable(rows: float, most: int) -> int:
    """Return how many rows a rate is trained for."""
    return int(min(most, max(FEWEST, rows)))


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


def _train(subject: Subject, rates: np.ndarray, n_rows: int, n_epochs: int, n_folds: int, again: int = 0) -> np.ndarray:
    """Return the losses on rows held out, (n_rates, n_folds), after training with these rates for so many rows, NaN where it diverged."""
    n_models, seed = n_folds * len(rates), subject.seed + again
    shuffled = np.random.default_rng(seed).permutation(subject.learn)
    learn, held_out, weight, held_weight = (_in_folds if n_folds > 1 else _apart)(subject, shuffled, n_models, n_folds)
    order = np.concatenate([fit.epoch_order(learn, seed, k, True) for k in range(-(-n_rows // len(learn)))])[:n_rows]
    lanes, targets = subject.begin(n_models), subject.targets_of(n_models)
    per_epoch = max(1, round(n_rows / n_epochs))
    pace = subject.model._rate(lanes.n_lanes, per_epoch, n_epochs, rates=np.repeat(rates, n_folds * subject.columns))
    rows = Rows.of(subject.X, finite=False)
    probe = subject.probe(subject.X, n_models)

    def measured() -> np.ndarray:
        probe.set_coef(*fit.published(lanes))
        still = probe.epoch(rows, targets, held_out, RateTable.constant(0.0), held_weight)
        return mean_loss(probe, n_models, still).reshape(len(rates), n_folds)

    with np.errstate(all="ignore"):
        untrained = measured()
        lanes.epoch(rows, targets, order, pace.table(1, lanes.n_steps(len(order))), weight)
        loss = measured()
    return np.where(diverged(loss, untrained), np.nan, loss)


Parts = tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]


def _apart(subject: Subject, shuffled: np.ndarray, n_models: int, n_folds: int) -> Parts:
    """Return the rows to learn from, those held out, and the weights of both: none is in both."""
    n_out = min(max(1, int(HELD_OUT * len(shuffled))), MOST_HELD_OUT, max(1, len(shuffled) - 1))
    weight = subject.weights_of(n_models)
    return np.sort(shuffled[n_out:]), shuffled[:n_out], weight, weight


def _in_folds(subject: Subject, shuffled: np.ndarray, n_models: int, n_folds: int) -> Parts:
    """Return the same: all rows twice, which the weights tell apart, so that each fold learns from those of the others."""
    fold = np.zeros(subject.X.shape[0], int)
    fold[shuffled] = np.arange(len(shuffled)) % n_folds
    outside = np.tile(fold[:, None] == np.arange(n_folds), (1, n_models // n_folds)).astype(float)
    return np.sort(shuffled), shuffled, subject.weights_of(n_models, 1 - outside), subject.weights_of(n_models, outside)
