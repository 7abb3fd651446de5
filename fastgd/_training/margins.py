"""Line searches of linear models on kept predictions: one pass over a batch gives those of all weights and all directions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd._training.lane_arguments import aligned
from fastgd._training.lane_block import WIDTHS, padded
from fastgd._training.rows import Rows

__all__ = ["BatchMargins", "products"]


def products(rows: Rows, batch: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the raw predictions of some rows by columns ``(n_features + 1, n)`` whose last row is the intercepts, in float64.

    Columns of the width of a block of lanes are read in place, others copied.
    """
    found = []
    batch = np.ascontiguousarray(batch, np.int64)
    for low in range(0, columns.shape[1], WIDTHS[-1]):
        part = columns[:, low : low + WIDTHS[-1]]
        n = part.shape[1]
        w = part[:-1]
        if not (n in WIDTHS and w.flags.c_contiguous and w.dtype == rows.dtype):
            w = aligned((rows.n_features, padded(n)), rows.dtype)
            w[:, :n] = part[:-1]
        out = np.empty((len(batch), w.shape[1]), rows.dtype)
        execute.lane_table().product(rows, batch, w, out)
        found.append(out[:, :n] + part[-1].astype(np.float64))
    return found[0] if len(found) == 1 else np.concatenate(found, axis=1)


class BatchMargins:
    """The predictions of a batch by all lanes, and how they move along the directions of their steps.

    Parameters
    ----------
    lanes : OwnBatchLanes
    rows : Rows
    batch : ndarray
        The numbers of its rows.
    targets, row_weight : ndarray
        Of all rows, as in `BatchLanes.epoch`.
    """

    def __init__(self, lanes: Any, rows: Rows, batch: np.ndarray, targets: np.ndarray, row_weight: Any):
        self.lanes, self.rows, self.batch = lanes, rows, batch
        self.targets, self.row_weight = targets, row_weight
        self._z: np.ndarray | None = None
        self._d: np.ndarray | None = None

    def along(self, k: int, moving: list[np.ndarray], scale: float | None) -> Callable[[float], float]:
        """Return the function that gives model `k`'s loss over the batch, penalty included, after a step of some size.

        Parameters
        ----------
        k : int
        moving : list of ndarray
            The direction: that of the weights, and that of the intercept where there is one.
        scale : float, optional
            What the gradient was multiplied by to become the direction, where it was that; otherwise the rows are seen once more.
        """
        lanes = self.lanes
        own: Any = slice(k * lanes.n_outputs, (k + 1) * lanes.n_outputs)
        weights, gradient = lanes.ends()
        if self._z is None:
            self._z = products(self.rows, self.batch, weights)
        if scale is None:
            direction = _stacked(moving, gradient[:, own])
            d = products(self.rows, self.batch, direction)
            penalty = lanes.penalty_along(own, direction, 1.0)
        else:
            if self._d is None:
                self._d = products(self.rows, self.batch, gradient)
            d = scale * self._d[:, own]
            penalty = lanes.penalty_along(own, gradient[:, own], scale)
        loss = self._loss(k, own, self._z[:, own], d)
        return lambda eta: loss(eta) + penalty(eta)

    def _loss(self, k: int, own: slice, z: np.ndarray, d: np.ndarray) -> Callable[[float], float]:
        """Return the function that gives the mean loss."""
        lanes, n = self.lanes, len(self.batch)
        y = self._column(self.targets, own.start)
        weight, total = np.ones(n), n * lanes.mean_weight(own.start)
        if self.row_weight is not None:
            weight = self._column(self.row_weight, own.start)
        if lanes.loss == "softmax":
            return lambda eta: float(weight @ softmax_losses(z - eta * d, y.astype(np.int64))) / total
        table, hyper = execute.lane_table(), lanes.loss_parameter(own.start)
        address = table.LOSSES[lanes.loss, "float64", 1]
        return lambda eta: table.loss_along(z[:, 0], d[:, 0], y, weight, hyper, address, eta) / total

    def _column(self, table: Any, lane: int) -> np.ndarray:
        """Return the batch's entries of a lane, or of all where there is one column."""
        found = table.take(self.batch, axis=0)
        return found[:, lane if found.shape[1] > 1 else 0].astype(np.float64)


def softmax_losses(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the multinomial logistic loss of each row of predictions ``(n, n_classes)`` for the classes ``(n,)``."""
    largest = z.max(axis=1)
    return np.log(np.exp(z - largest[:, None]).sum(axis=1)) + largest - z[np.arange(len(y)), y]


def _stacked(moving: list[np.ndarray], like: np.ndarray) -> np.ndarray:
    """Return the parts of a direction as one array ``(n_features + 1, n_outputs)``."""
    direction = np.zeros(like.shape, like.dtype)
    direction[:-1] = moving[0].reshape(direction[:-1].shape)
    if len(moving) > 1:
        direction[-1] = moving[1]
    return direction
