"""What an epoch of lanes measured."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class EpochResult:
    """What an epoch of `LinearLanes` or `BatchLanes` measured, each loss and penalty before the update by its row.

    Attributes
    ----------
    loss_sum : ndarray (K,)
        Sum of the losses, every row counting once, as in scikit-learn.
    weighted_loss_sum, weight_sum : ndarray (K,)
        The same with row weights, and their sum.
    penalty : ndarray (K,)
        Sum over the rows of ``alpha * ((1 - l1_ratio) * |w|**2 / 2 + l1_ratio * |w|_1)``; with L1 on sparse rows, of the weights before
        what they owe is collected.
    n_rows : int
        How many rows were seen (PA-I passes over rows of zeros).
    grad_norm : ndarray (K,)
        Mean over the steps of the Euclidean norm of the loss's gradient, weights and intercept together, before clipping.
    clipped : ndarray (K,) or None
        The share of the steps whose gradient was clipped; None where nothing clips.
    finite : bool
        Whether all weights and intercepts are finite now; `finite_lanes` says it for each lane.
    """

    loss_sum: np.ndarray
    weighted_loss_sum: np.ndarray
    weight_sum: np.ndarray
    penalty: np.ndarray
    n_rows: int
    grad_norm: np.ndarray
    clipped: np.ndarray | None
    finite: bool
    finite_lanes: np.ndarray

    def by_layer(self) -> dict[str, np.ndarray]:
        """Return what is measured of each layer for the history: for networks, by name, (n_layers, K)."""
        return {}


def of_rate(entry: dict[str, Any], rate: int, n_rates: int) -> dict[str, Any]:
    """Return an entry of the history for one of the rates."""

    def own(values: np.ndarray) -> Any:
        if values.ndim > 1:  # of layers
            return values[:, rate]
        mine = values.reshape(n_rates, -1)[rate]
        return mine if len(values) > n_rates else mine[0]

    return {name: own(value) if isinstance(value, np.ndarray) else value for name, value in entry.items()}
