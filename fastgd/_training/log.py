"""What a training leaves behind: its history, epoch by epoch, and the error of one that diverged."""

from typing import Any

import numpy as np

from fastgd._training.health import last_stable
from fastgd._training.history import History
from fastgd._training.observers import Printer
from fastgd._validation import NonFiniteError

__all__ = ["DivergedError", "Log", "diverged_error"]


class DivergedError(NonFiniteError, ValueError):
    """Training left the range of floating-point numbers; the estimator is as it was before the call.

    Both a FloatingPointError and, as in scikit-learn, a ValueError.
    """


class Log:
    """The history, epoch by epoch."""

    def __init__(self, verbose: int):
        self.printer = Printer(verbose)
        self.epochs: list[dict[str, Any]] = []

    def add(self, active: np.ndarray, **values) -> None:
        known = {name: value for name, value in values.items() if value is not None}
        self.epochs.append(
            {n: np.where(active, v, np.nan) if isinstance(v, np.ndarray) else v for n, v in known.items()}
        )
        if self.printer.verbose > 0:
            means = {
                n: float(np.mean(v[active])) if isinstance(v, np.ndarray) else v
                for n, v in known.items()
                if np.ndim(v) < 2
            }
            self.printer.show(means)

    def history(self) -> History:
        arrays = {name: np.array([each[name] for each in self.epochs]) for name in self.epochs[0]}
        return History({n: a[..., 0] if a.ndim > 1 and a.shape[-1] == 1 else a for n, a in arrays.items()})

    def diverged(self, epoch: int, step: int, rate: np.ndarray, which: np.ndarray) -> DivergedError:
        """Return the error of the first of these lanes."""
        lane = int(which.argmax())
        # of the epochs, this one included
        rates = [each["learning_rate"][lane] for each in self.epochs[:1] + self.epochs]
        rates = rates or [rate.flat[min(lane, rate.size - 1)]]
        losses = [each["loss"][lane] for each in self.epochs]
        return diverged_error(epoch, step, rates, losses)


def diverged_error(epoch: int, step: int, rates: list[float], losses: Any) -> DivergedError:
    """Return the error of a lane with these losses and rates, epoch by epoch, whose weights are not finite after this step."""
    known = [loss for loss in losses if np.isfinite(loss)]
    told = f"learning rate {rates[-1]:.3g}, " if np.isfinite(rates[-1]) else ""
    stable = last_stable(np.array([*losses, np.inf]), np.array(rates)) if told else ""
    told += f"{stable}, " if stable else ""
    last = f"{known[-1]:.4g}" if known else "none"
    return DivergedError(
        f"Floating-point under-/overflow occurred at epoch #{epoch} ({told}last finite loss {last}, found "
        f"after step {step}). Scaling input data with "
        "StandardScaler or MinMaxScaler might help, or a smaller learning rate. The estimator is as it was before."
    )
