"""What many learning rates, trained side by side, lead to: curves of loss, the best rate, what is as good, and where training diverges."""

from dataclasses import dataclass
from functools import reduce

import numpy as np

from fastgd.schedules import Schedule, linear

WITHIN = 0.01  # of the best loss: the band


@dataclass(frozen=True, repr=False)
class RateCurves:
    """The base of what `sweep` and a race return; its arrays are described there."""

    learning_rate: np.ndarray
    loss: np.ndarray
    val_loss: np.ndarray
    diverged: np.ndarray

    @property
    def best_learning_rate(self) -> float:
        """The rate with the lowest validation loss after the last epoch."""
        return float(self.learning_rate[np.nanargmin(self.val_loss[-1])])

    @property
    def band(self) -> tuple[float, float]:
        """The lowest and the highest rate whose validation loss is within 1 % of the best."""
        last = self.val_loss[-1]
        good = self.learning_rate[last <= np.nanmin(last) + WITHIN * abs(np.nanmin(last))]
        return float(good.min()), float(good.max())

    @property
    def edge(self) -> float | None:
        """The stability edge: the lowest rate above the best that diverged, or below it too where the best did; None where none did."""
        lost = self.learning_rate[self.diverged]
        past = lost if self.best_learning_rate in lost else lost[lost > self.best_learning_rate]
        return float(past.min()) if len(past) else None

    def to_dict(self) -> dict:
        """Return the curves and what follows from them as a JSON-able description, None for what is not finite."""
        curves = {
            name: [[float(v) if np.isfinite(v) else None for v in epoch] for epoch in getattr(self, name)]
            for name in ("loss", "val_loss")
        }
        return {
            "learning_rate": self.learning_rate.tolist(),
            **curves,
            "diverged": self.diverged.tolist(),
            "best_learning_rate": self.best_learning_rate,
            "band": list(self.band),
            "edge": self.edge,
        }

    def _summary(self) -> str:
        low, high = self.band
        edge = f", diverged from {self.edge:.3g} on" if self.edge is not None else ""
        return (
            f"best {self.best_learning_rate:.3g} with validation loss {np.nanmin(self.val_loss[-1]):.4g}, "
            f"within 1 % from {low:.3g} to {high:.3g}{edge}"
        )


@dataclass(frozen=True)
class Cycle:
    """A stretch of epochs in which the rate falls from its base to zero in a straight line, for some rates side by side.

    Attributes
    ----------
    learning_rate : ndarray of float64, shape (n_rates,)
        The base rates.
    val_loss : ndarray of float64, shape (n_epochs, n_rates)
        The mean loss over the validation rows after each epoch; NaN where it is not finite. Where fewer than 80 rows are held out, over the
        rows learnt from too, each measured by a model that has not learnt from it: five folds are trained beside the model.
    n_epochs : int
        In how many the rate falls to zero; `val_loss` has fewer where `max_time` ended the training.
    anew : bool
        Whether it began with fresh weights, so that what was before was a trial.
    """

    learning_rate: np.ndarray
    val_loss: np.ndarray
    n_epochs: int
    anew: bool = False

    @property
    def best(self) -> int:
        """The number of the rate with the lowest validation loss after the last epoch: the next cycle begins with its weights."""
        return int(np.nanargmin(self.val_loss[-1]))

    @property
    def value(self) -> float:
        """What cycles are compared by: of several validation losses the mean of the two lowest, as the lowest is lucky, else the lowest."""
        last = np.sort(self.val_loss[-1])
        return float(last[:2].mean() if len(last) > 2 and np.isfinite(last[:2]).all() else last[0])


@dataclass(frozen=True, repr=False)
class RaceResult(RateCurves):
    """How ``learning_rate="auto"`` has found its rate: what a race and the cycles of training after it measured.

    Attributes
    ----------
    learning_rate : ndarray of float64, shape (n_rates,)
        The rates of the race, ascending.
    loss, val_loss : ndarray of float64, shape (1, n_rates)
        After the race: the mean loss over its rows, each before its update; and the mean loss over the rows held out, which are the
        validation rows and, before their updates, the last quarter of the race. With several classes, the sum over one-vs-rest.
    diverged : ndarray of bool, shape (n_rates,)
        Which ended with a loss that is not finite, or above that of the weights that training begins with.
    n_rows : int
        How many rows the race was held on.
    cycles : tuple of Cycle
        The training after the race, each with the attributes learning_rate, val_loss, n_epochs, anew and best.
    n_kept : int
        The model is that of the end of this many cycles, where the validation loss was lowest: of a cycle with several rates the mean of
        the two lowest counts, for the lowest of several is lucky. Those before one that began anew were trials.
    seconds : float
        How long race and training took.
    """

    n_rows: int
    cycles: tuple[Cycle, ...]
    n_kept: int
    seconds: float

    @property
    def schedule(self) -> Schedule:
        """The schedule of the model: `fit` with it, ``tol=None``, ``max_iter=n_epochs`` and the rows learnt from repeats its weights."""
        parts = (linear(float(c.learning_rate[c.best]), f"{c.n_epochs} epochs") for c in self._of_model)
        return reduce(lambda first, second: first >> second, parts)

    @property
    def n_epochs(self) -> int:
        """How many epochs the model was trained for."""
        return sum(len(c.val_loss) for c in self._of_model)

    @property
    def _of_model(self) -> tuple[Cycle, ...]:
        """The cycles that have trained the model, without the trial before them."""
        fresh = max((k for k in range(self.n_kept) if self.cycles[k].anew), default=0)
        return self.cycles[fresh : self.n_kept]

    @property
    def chosen(self) -> float:
        """The base rate of the model's last cycle, an estimator's `learning_rate_`."""
        last = self.cycles[self.n_kept - 1]
        return float(last.learning_rate[last.best])

    @property
    def lowest(self) -> float:
        """The validation loss of the model."""
        return float(np.nanmin(self.cycles[self.n_kept - 1].val_loss[-1]))

    def to_dict(self) -> dict:
        """Return everything as a JSON-able description, None for what is not finite."""
        cycles = [
            {
                "learning_rate": c.learning_rate.tolist(),
                "val_loss": [[float(v) if np.isfinite(v) else None for v in epoch] for epoch in c.val_loss],
                "n_epochs": c.n_epochs,
                "anew": c.anew,
                "best": c.best,
            }
            for c in self.cycles
        ]
        more = {"n_rows": self.n_rows, "cycles": cycles, "n_kept": self.n_kept, "schedule": str(self.schedule)}
        return {**super().to_dict(), **more, "chosen": self.chosen, "seconds": self.seconds}

    def __repr__(self) -> str:
        epochs = sum(len(c.val_loss) for c in self.cycles)
        return (
            f"RaceResult({len(self.learning_rate)} rates on {self.n_rows} rows: {self._summary()}; then {epochs} epochs in "
            f"{len(self.cycles)} cycles: chosen {self.chosen:.3g} with validation loss {self.lowest:.4g})"
        )


def diverged(val_loss: np.ndarray, untrained: np.ndarray) -> np.ndarray:
    """Return which rates ended without a finite validation loss, or above that of an untrained model (where that loses anything)."""
    return ~np.isfinite(val_loss) | ((untrained > 0) & (val_loss > untrained))
