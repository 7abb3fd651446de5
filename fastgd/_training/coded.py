"""Targets and weights that only depend on a row's class: a byte for each row and a small table instead of a number for each lane."""

from typing import Any

import numpy as np

from fastgd._validation import value_error

__all__ = ["Coded", "check_classes"]

MOST_IN_A_BYTE = 256


class Coded:
    """Stands for an array (n_rows, K) whose rows are those of a table, the one that the row's code says, times the row's own factor.

    Parameters
    ----------
    code : ndarray of integers, shape (n_rows,)
        The table's row for each row.
    table : ndarray, shape (n_codes, K)
    factor : ndarray, shape (n_rows,), optional
    """

    def __init__(self, code: np.ndarray, table: np.ndarray, factor: np.ndarray | None = None):
        assert not len(code) or 0 <= code.min() <= code.max() < len(table)
        self.code, self.table, self.factor = code, np.ascontiguousarray(table), factor
        self.shape, self.ndim, self.dtype = (len(code), table.shape[1]), 2, table.dtype

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return these rows, or rows and columns, as an array of its own."""
        if isinstance(rows, tuple):
            return self[:][rows]
        values = self.table[self.code[rows]]
        return values if self.factor is None else values * self.factor[rows][..., None]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def take(self, rows: np.ndarray, axis: int = 0) -> np.ndarray:
        return self[rows]

    def any(self, axis: int = 1) -> np.ndarray:
        """Return for each row whether it has a value other than 0."""
        found: np.ndarray = np.any(self.table, axis=1)[self.code]
        return found if self.factor is None else found & (self.factor != 0)

    def side_by_side(self, times: int) -> "Coded":
        """Return the same columns so many times."""
        return Coded(self.code, np.tile(self.table, (1, times)), self.factor)

    def parts(self, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the table in this dtype and the codes, where the kernels can read them: bytes, and no factor."""
        if self.factor is not None or self.code.dtype != np.uint8:
            return None
        return self.table.astype(dtype, copy=False), np.ascontiguousarray(self.code)


def check_classes(owner: str, targets: Any, n_outputs: int) -> None:
    """Refuse targets of softmax that are not numbers of classes."""
    values = targets.table if isinstance(targets, Coded) else targets
    if values.size and not (values.min() >= 0 and values.max() < n_outputs and (values % 1 == 0).all()):
        accepted = f"classes from 0 to {n_outputs - 1}"
        raise value_error(owner, "targets", accepted, [float(values.min()), float(values.max())])
