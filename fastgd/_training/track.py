"""What is raced on: the rows, who learns from which of them, and the loss that decides between rates."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastgd._training import cycles, fit
from fastgd._training.epoch_result import EpochResult
from fastgd._training.folds import Folds
from fastgd._training.models import AnyLanes, of_models, side_by_side, stacked
from fastgd._training.rows import Rows


@dataclass(frozen=True)
class Track:
    """What is raced on.

    Parameters
    ----------
    X : ndarray or CSR, shape (n_rows, n_features)
        All rows.
    targets, weight : ndarray, shape (n_rows, 1) or (n_rows, n_outputs); the weight may be None
        As in `Problem`.
    learn : ndarray of int64
        The rows to learn from.
    validation : (X, targets, weight)
        The rows that decide; their weight is flat or None.
    begin, probe : callable
        ``begin(n_models)`` returns lanes to train, ``probe(n_models)`` lanes to measure with. The lanes of a model are
        side by side.
    width : int
        The number of lanes of a model. A rate has one model, and beside it those of its folds where few rows are held out.
    scale : float, optional
        The middle of the first rates; by default 1 / (1 + mean squared norm of the rows), where smooth losses become unstable.
    networks : bool
        All lanes learn from the same columns, the first rates are `cycles.COARSE` times the scale, and the first cycle is a trial.
    """

    X: Any
    targets: np.ndarray
    weight: np.ndarray | None
    learn: np.ndarray
    validation: tuple[Any, np.ndarray, np.ndarray | None]
    begin: Callable[[int], AnyLanes]
    probe: Callable[[int], AnyLanes]
    width: int
    scale: float | None = None
    networks: bool = False

    @cached_property
    def _rows(self) -> Rows:
        return Rows.of(self.X, finite=False)

    @cached_property
    def _validation_rows(self) -> Rows:
        return Rows.of(self.validation[0], finite=False)

    @cached_property
    def folds(self) -> Folds:
        """Who learns from which rows."""
        return Folds.of(self.learn, self.X.shape[0], len(self.validation[1]))

    @property
    def lanes_of_rate(self) -> int:
        """The number of lanes of a rate, those of its folds included."""
        return self.width * self.folds.n_models

    def lanes(self, n_rates: int) -> AnyLanes:
        """Return lanes to train with so many rates."""
        return self.begin(n_rates * self.folds.n_models)

    def passes(self, n_rows: int, max_iter: int) -> int:
        """Return how many epochs of so many rows are enough to try rates in."""
        return cycles.trial(self.begin(1).n_steps(n_rows), max_iter) if self.networks else 1

    @cached_property
    def untrained(self) -> np.ndarray:
        """The loss that decides, of the weights that training begins with, (1,)."""
        return self.measure(self.lanes(1))[0]

    @property
    def blank(self) -> float:
        """The loss that decides, of weights that are all 0: what is reached without looking at the columns."""
        lanes = self.lanes(1)
        lanes.set_coef(np.zeros_like(lanes.coef), np.zeros_like(lanes.intercept))
        return float(self.measure(lanes)[0][0])

    def _of_all(self, targets: np.ndarray, n_rates: int) -> np.ndarray:
        return targets if self.networks else side_by_side(targets, n_rates * self.folds.n_models)

    def _weights(self, n_rates: int) -> np.ndarray | None:
        weight = side_by_side(self.weight, n_rates * self.folds.n_models)
        if not self.folds.n:
            return weight
        learns = self.folds.learns(n_rates, self.width)
        return learns if weight is None else learns * weight

    def problem(self, n_rates: int) -> fit.Problem:
        """Return what so many rates learn from."""
        return fit.Problem(self._rows, self._of_all(self.targets, n_rates), self.learn, self._weights(n_rates))

    def part(self, rows: np.ndarray, n_rates: int) -> fit.Problem:
        """Return the same with a copy of these rows alone."""
        weight = self._weights(n_rates)
        targets = self._of_all(self.targets[rows], n_rates)
        every = Rows.of(self.X[rows], finite=False)
        return fit.Problem(every, targets, np.arange(len(rows)), None if weight is None else weight[rows])

    def measure(self, lanes: AnyLanes, before_update: EpochResult | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the loss of each rate that decides between rates, and that of its model on the validation rows, each (n_rates,).

        What decides is measured on the validation rows, and on those of the folds; without folds, losses before updates may be added.
        NaN stands for what is not finite.
        """
        n_rates = lanes.n_lanes // self.lanes_of_rate
        _, targets, weight = self.validation
        count: Any = float(len(targets) if weight is None else weight.sum())
        with np.errstate(all="ignore"):
            measured = self._measure(n_rates).epoch(lanes)
            losses = of_models(lanes, measured.weighted_loss_sum)
        total = self.folds.own(losses, n_rates)
        val_loss = _mean(total, count, n_rates)
        if self.folds.n:
            total = total + self.folds.of_folds(losses, n_rates)
            count = count + self.folds.of_folds(of_models(lanes, measured.weight_sum, np.max), n_rates)
        elif before_update is not None:
            with np.errstate(all="ignore"):
                total = total + of_models(lanes, before_update.weighted_loss_sum)
            count = count + of_models(lanes, before_update.weight_sum, np.max)
        return _mean(total, count, n_rates), val_loss

    def _measure(self, n_rates: int) -> fit.Validation:
        """Return how to measure so many rates: models on the validation rows, and in the same pass folds on theirs."""
        if n_rates not in self._known:
            n_models = n_rates * self.folds.n_models
            X, targets, weight = self.validation
            column = None if weight is None else weight[:, None]
            rows = self._validation_rows
            if self.folds.n:
                rows, targets = self._every_row, stacked(targets, self.targets)
                own = np.ones((X.shape[0], 1)) if column is None else column
                column = self.folds.judges(own, self.weight, n_rates, self.width)
            self._known[n_rates] = fit.Validation(self.probe(n_models), rows, self._of_all(targets, n_rates), column)
        return self._known[n_rates]

    @cached_property
    def _every_row(self) -> Rows:
        """The validation rows, then all others."""
        return Rows.of(stacked(self.validation[0], self.X), finite=False)

    @cached_property
    def _known(self) -> dict[int, fit.Validation]:
        return {}


def _mean(total: np.ndarray, weight: Any, n_rates: int) -> np.ndarray:
    with np.errstate(all="ignore"):
        loss = by_rate(total / weight, n_rates)
    return np.where(np.isfinite(loss), loss, np.nan)


def by_rate(values: np.ndarray, n_rates: int) -> np.ndarray:
    """Return the sum over the lanes or models of each rate."""
    return values.reshape(n_rates, -1).sum(axis=1)
