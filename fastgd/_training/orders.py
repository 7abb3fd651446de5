"""Orders of rows in few bytes: a range for all rows as they stand, otherwise numbers of 4 bytes where that is enough."""

from typing import Any

import numpy as np

from fastgd._validation import value_error

__all__ = ["checked", "numbers", "shuffled", "width"]


def width(n_rows: int) -> type:
    """Return the dtype of the numbers of so many rows."""
    return np.int32 if n_rows <= 2**31 else np.int64


def shuffled(rows: np.ndarray | range, generator: np.random.Generator) -> np.ndarray:
    """Return the rows in random order, a fresh array: the order of ``generator.permutation``, which has two copies at a time."""
    order = np.arange(rows.start, rows.stop, dtype=width(rows.stop)) if isinstance(rows, range) else np.array(rows)
    generator.shuffle(order)
    return order


def checked(owner: str, order: Any, n_rows: int) -> np.ndarray | range:
    """Return the numbers of the rows to see, all of them for None."""
    if order is None:
        return range(n_rows)
    if isinstance(order, range) and 0 <= order.start <= order.stop <= n_rows and order.step == 1:
        return order
    order = np.asarray(order)
    if order.dtype not in (np.int32, np.int64):
        order = order.astype(np.int64)
    if len(order) and not 0 <= order.min() <= order.max() < n_rows:
        raise value_error(owner, "order", f"row numbers from 0 to {n_rows - 1}", [int(order.min()), int(order.max())])
    return order


def numbers(order: np.ndarray | range, low: int, high: int) -> np.ndarray:
    """Return the rows at these places of the order, int64."""
    part = order[low:high]
    if isinstance(part, range):
        return np.arange(part.start, part.stop)
    return np.ascontiguousarray(part, np.int64)
