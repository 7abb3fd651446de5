"""What both engines of lanes need: checks of what an epoch is given, aligned arrays, the hyperparameter of a loss."""

import math
from typing import Any

import numpy as np

from fastgd._kernels import execute, losses
from fastgd._training.rows import Rows
from fastgd._validation import type_error, value_error


def aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return zeros that begin at a cache line, so that the lanes of a feature never straddle two."""
    size = math.prod(shape) * dtype.itemsize
    raw = np.zeros(size + 64, np.uint8)
    first = -raw.ctypes.data % 64
    return raw[first : first + size].view(dtype).reshape(shape)


def checked_rows(owner: str, rows: Rows, dtype: np.dtype, n_features: int) -> None:
    """Refuse rows of another dtype or number of features than the lanes'."""
    if rows.dtype != dtype or rows.n_features != n_features:
        raise value_error(owner, "rows", f"{dtype} with {n_features} features", (str(rows.dtype), rows.n_features))


def checked_order(owner: str, order: Any, n_rows: int) -> np.ndarray:
    """Return the numbers of the rows to see, all of them for None."""
    if order is None or isinstance(order, range):
        order = np.arange(n_rows) if order is None else np.arange(order.start, order.stop)
    order = np.ascontiguousarray(order, np.int64)
    if len(order) and not 0 <= order.min() <= order.max() < n_rows:
        raise value_error(owner, "order", f"row numbers from 0 to {n_rows - 1}", [int(order.min()), int(order.max())])
    return order


def loss_parameter_of(owner: str, loss: str, given: Any) -> Any:
    """Return the loss's hyperparameter, of each lane or of all: 0 for a loss that has none."""
    names = execute.hyper_names(getattr(losses, loss))
    if names == ("log2",):
        return math.log(2)
    if names and given is None:
        raise type_error(owner, "loss_parameter", f"the {names[0]} of each lane", None)
    return given if names else 0
