"""How the best rate falls as training grows longer: read off the way of a single, short training.

Among constant rates the best one falls as a power of the number of steps: by the root where noise limits it (Moulines and Bach, 2011),
faster where the model is soon as good as it gets, and not at all where it is far from that, as on sparse rows of many features, of which
each step sees a few: there the largest stable rate stays the best. Nothing tells beforehand which it is. But a training of many rates side
by side that has not yet seen a row twice tells it: each row is predicted before it is learnt from, so the mean loss over a stretch of rows
is an estimate for rows held out, free of cost, and as it averages over thousands of weights it is freer of luck than that of the last ones.
"""

from dataclasses import dataclass

import numpy as np

AROUND = 3  # neighbours of the lowest loss on each side that the parabola goes through
IN_THE_DIP = (
    0.25  # of the lowest loss, or of the fall from the untrained model's: what lies higher is too far from a parabola
)
FIRST = 0.25  # of the rows are seen before the first stretch
N_STRETCHES = 8  # each longer than the one before by the same factor
ROOT, ROOT_COUNTS = 0.5, 0.25  # the exponent of theory, and its share beside the one measured, which luck bends
FASTEST = 1.0  # of the exponents: noise averages out no faster
TRUSTED = 32.0  # times the rows seen: so far the exponent measured holds, and further on that of theory, unless the measured one is larger


def lowest_point(rates: np.ndarray, loss: np.ndarray, untrained: float) -> float:
    """Return the lowest point of a parabola of the loss, (n_rates,), around the best rate; infinite losses are allowed, but not alone."""
    best = int(loss.argmin())
    near = slice(max(0, best - AROUND), best + AROUND + 1)
    x, near_loss = np.log(rates[near]), loss[near]
    lowest = loss[best]
    dip = near_loss <= lowest + IN_THE_DIP * min(abs(lowest), untrained - lowest)
    found = x[best - near.start]
    if dip.sum() > 2:
        bend, slope, _ = np.polyfit(x[dip], near_loss[dip], 2)
        if bend > 0:
            found = np.clip(-slope / (2 * bend), x[dip].min(), x[dip].max())
    return float(np.exp(found))


def stretches(n_rows: int, batch_size: int) -> np.ndarray:
    """Return where each stretch of so many rows ends, and first where the first one begins: whole batches, ascending, none empty."""
    ends = n_rows * np.geomspace(FIRST, 1.0, N_STRETCHES + 1)
    return np.unique(np.append(np.round(ends[:-1] / batch_size).astype(int) * batch_size, n_rows))


@dataclass(frozen=True)
class Growth:
    """The losses on the way of a training of many rates.

    Attributes
    ----------
    n_rows : ndarray of float64, shape (n_stretches,)
        After how many rows each stretch of the training was, on average.
    loss : ndarray of float64, shape (n_stretches, n_rates)
        The mean loss over its rows, each before its update; infinity for rates with which training failed.
    """

    n_rows: np.ndarray
    loss: np.ndarray

    def best(self, rates: np.ndarray, untrained: float, n_rows: float) -> float:
        """Return the rate that is to be the best for a training of so many rows: on a line through the best ones of the stretches."""
        best = np.log([lowest_point(rates, loss, untrained) for loss in self.loss])
        x = np.log(self.n_rows)
        measured = -np.polyfit(x, best, 1)[0]
        exponent = np.clip((1 - ROOT_COUNTS) * measured + ROOT_COUNTS * ROOT, 0.0, FASTEST)
        end, known = np.log(n_rows), np.log(TRUSTED * self.n_rows[-1])
        beyond = max(0.0, end - known)
        return float(np.exp(best.mean() - exponent * (end - beyond - x.mean()) - max(exponent, ROOT) * beyond))

    def to_dict(self) -> dict:
        """Return a JSON-able description, None for what is not finite."""
        loss = [[float(v) if np.isfinite(v) else None for v in stretch] for stretch in self.loss]
        return {"n_rows": self.n_rows.tolist(), "loss": loss}
