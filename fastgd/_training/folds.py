"""Folds as lanes: where few rows are held out, each rate is also trained without each fifth of the rows it learns from.

So the loss that decides is a mean over all rows, each measured by a model that has not learnt from it (cross-validation), and the model
itself, trained on all of them, runs beside its folds.
"""

from dataclasses import dataclass

import numpy as np

from fastgd._training.models import side_by_side

FEW = 80  # rows held out: fewer cannot tell rates apart
FOLDS = 5
FEWEST, MOST = 10, 20 * FEW  # rows to learn from: fewer make no folds, more make them dear


@dataclass(frozen=True)
class Folds:
    """Who learns from which rows: the model and its folds, side by side.

    Parameters
    ----------
    numbers : ndarray of int64, shape (n_rows,)
        The fold of each row, -1 for rows that are in none.
    n : int
        How many folds there are, 0 for none.
    """

    numbers: np.ndarray
    n: int

    @classmethod
    def of(cls, learn: np.ndarray, n_rows: int, n_held_out: int) -> "Folds":
        """Return the folds of the rows to learn from; none where enough rows are held out."""
        numbers = np.full(n_rows, -1)
        if n_held_out >= FEW or not FEWEST <= len(learn) <= MOST:
            return cls(numbers, 0)
        order = np.random.Generator(np.random.Philox(key=len(learn))).permutation(len(learn))
        numbers[np.asarray(learn)[order]] = np.arange(len(learn)) % FOLDS
        return cls(numbers, FOLDS)

    @property
    def n_models(self) -> int:
        """The number of models of a rate: itself, then one for each fold."""
        return 1 + self.n

    def learns(self, times: int, width: int) -> np.ndarray:
        """Return 1 where a lane learns from a row, (n_rows, lanes), for so many rates with so many lanes a model."""
        return self._lanes(self.numbers[:, None] != np.arange(-1, self.n), times, width, True)

    def judges(self, own: np.ndarray, weight: np.ndarray | None, times: int, width: int) -> np.ndarray:
        """Return the weight in each lane of the validation rows, (n_validation, 1) in the model itself, and then of all others.

        The latter count in the fold that holds them out, with their own weight (n_rows, 1) or (n_rows, width) if they have one.
        """
        out = self._lanes(self.numbers[:, None] == np.arange(-1, self.n), times, width, False)
        out = out if weight is None else out * side_by_side(weight, times * self.n_models)
        model = np.tile(np.repeat(np.arange(-1, self.n) < 0, width), times)
        return np.concatenate([own * model, out])

    def _lanes(self, which: np.ndarray, times: int, width: int, itself: bool) -> np.ndarray:
        """Return for each lane what is said of each model but the first, of which it is `itself`."""
        which[:, 0] = itself
        return np.tile(np.repeat(which, width, axis=1), (1, times)).astype(np.float64)

    def of_folds(self, values: np.ndarray, n_rates: int) -> np.ndarray:
        """Return the sum over the folds of values of all models, without the models themselves."""
        return values.reshape(n_rates, self.n_models, -1)[:, 1:].sum(axis=1).ravel()

    def own(self, values: np.ndarray, n_rates: int) -> np.ndarray:
        """Return what belongs to the models themselves of values of all lanes or models, along the last axis."""
        if not self.n:
            return values
        parts = values.reshape(*values.shape[:-1], n_rates, self.n_models, -1)
        return parts[..., 0, :].reshape(*values.shape[:-1], -1)
