"""What looks on while lanes train: observers that may end it, and the lines that `verbose` prints."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

Weights = Callable[[], tuple[np.ndarray, np.ndarray]]  # makes copies: weights (n_features, K) and intercepts (K,)

COLUMNS = {  # of the table: the heading, the width, the format
    "epoch": ("epoch", 5, "d"),
    "learning_rate": ("learning rate", 13, ".4g"),
    "loss": ("loss", 11, ".6g"),
    "val_loss": ("val loss", 11, ".6g"),
    "val_score": ("val score", 9, ".4g"),
    "grad_norm": ("gradient norm", 13, ".4g"),
    "clipped": ("clipped", 7, ".1%"),
    "rows_per_second": ("rows/s", 13, ",.0f"),
}


class Observer(Protocol):
    """Is told when an epoch begins and ends; its own time counts in `seconds` and `max_time`."""

    def begin(self, weights: Weights) -> None:
        """An epoch begins at these weights."""

    def end(self, measured: dict[str, Any], weights: Weights) -> bool:
        """An epoch has ended; return whether to stop all lanes.

        Parameters
        ----------
        measured : dict
            The epoch's entry of the history: numbers, and arrays (K,) with NaN for lanes that had stopped before.
        weights : callable
            Makes copies of the weights as they are now, for lanes that have stopped as they were then.
        """


class Printer:
    """Prints epochs: with `verbose` 1 a line each, with 2 and above a row each of an aligned table."""

    def __init__(self, verbose: int):
        self.verbose = verbose
        self.headed = False

    def show(self, values: dict[str, float]) -> None:
        """Print an epoch, each value the mean of the lanes that are training."""
        if self.verbose == 1:
            shown = ", ".join(f"{name} {value:.6g}" for name, value in values.items())
            print(f"-- Epoch {shown.removeprefix('epoch ')}")
        elif self.verbose > 1:
            columns = {name: column for name, column in COLUMNS.items() if name in values}
            if not self.headed:
                print("  ".join(f"{heading:>{width}}" for heading, width, _ in columns.values()))
                self.headed = True
            print("  ".join(f"{values[name]:>{width}{form}}" for name, (_, width, form) in columns.items()))
