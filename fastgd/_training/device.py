"""Rows of data in the arrays of any library, as on a GPU: never copied to the host, multiplied where they lie."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastgd._training.coded import Coded
from fastgd._training.rows import Rows

__all__ = ["Columns", "DeviceRows", "host"]


def host(array: Any) -> Any:
    """Return an array of another library as NumPy has it, a copy where it is on a device; anything else as it is."""
    if hasattr(array, "detach"):  # torch
        return array.detach().cpu().numpy()
    if isinstance(array, np.ndarray) or not any(hasattr(array, name) for name in MARKS):
        return array
    return array.get() if hasattr(array, "get") else np.asarray(array)  # CuPy copies by `get` alone


MARKS = ("__array_namespace__", "__cuda_array_interface__", "__dlpack__")  # of arrays of libraries


def dtype_of(array: Any) -> np.dtype:
    """Return the dtype of an array of any library as NumPy has it."""
    return np.dtype(str(array.dtype).rpartition(".")[2])


class DeviceRows(Rows):
    """A dense matrix by rows, of a library of the Array API standard.

    Parameters
    ----------
    data : array, shape (n_rows, n_features)
        float32 or float64.
    library : module
        Its namespace.
    """

    def __init__(self, data: Any, library: Any):
        self.data, self.library, self.device = data, library, data.device
        self.n_rows, self.n_features = self.shape = tuple(int(n) for n in data.shape)
        self.dtype, self.indices, self.indptr, self.ndim = dtype_of(data), None, None, 2

    def __len__(self) -> int:
        return self.n_rows

    def __getitem__(self, rows: Any) -> "DeviceRows":
        """Return a copy of these rows."""
        return DeviceRows(self.take(np.arange(self.n_rows)[rows]), self.library)

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("rows on a device are not copied to the host")

    def astype(self, dtype: Any, copy: bool = True) -> "DeviceRows":
        """Return the rows in this dtype."""
        wanted = getattr(self.library, np.dtype(dtype).name)
        return DeviceRows(self.library.astype(self.data, wanted, copy=False), self.library)

    def none_of(self, dtype: Any) -> "DeviceRows":
        """Return none of the rows, in this dtype: where they are, and of which library."""
        return DeviceRows(self.data[:0, :], self.library).astype(dtype)

    def own(self, values: np.ndarray, dtype: Any = None) -> Any:
        """Return a copy of numbers of the host where the rows are, in their dtype or in this one."""
        values = np.array(values, self.dtype if dtype is None else dtype, order="C")
        return self.library.asarray(values, device=self.device)

    def place(self, rows: np.ndarray) -> Any:
        """Return what `batch` takes: the numbers of rows where the rows are, or as a range where one follows another."""
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return range(int(rows[0]), int(rows[-1]) + 1)
        return self.own(rows, np.int64)

    def take(self, rows: np.ndarray) -> Any:
        """Return these rows, by their numbers on the host."""
        return taken(self.library, self.data, self.place(rows))

    def batch(self, rows: Any) -> Any:
        """Return some rows to multiply, as `place` names them."""
        return DenseBatch(taken(self.library, self.data, rows))

    def above(self, others: "DeviceRows") -> "DeviceRows":
        """Return a copy of the rows, and below them others."""
        return DeviceRows(self.library.concat([self.data, others.data], axis=0), self.library)

    def sample(self, n: int) -> np.ndarray:
        """Return a copy on the host of some rows, of about `n` values in all, spread over all rows."""
        n_rows = max(1, n // self.n_features)
        return host(self.take(np.arange(0, self.n_rows, max(1, self.n_rows // n_rows))))

    def batches(self, order: np.ndarray, size: int) -> Iterator[tuple[Any, Any]]:
        """Yield the batches of an order: the numbers of their rows, and what to multiply."""
        place = self.place(order)
        for low in range(0, len(order), size):
            rows = place[low : low + size]
            yield rows, self.batch(rows)

    def square_sum(self) -> float:
        """Return the sum of the squares of all values."""
        flat = self.library.astype(self.data, self.library.float64)
        return float(self.library.sum(flat * flat))


def taken(library: Any, array: Any, rows: Any) -> Any:
    """Return rows of an array, a view where they follow one another."""
    if isinstance(rows, range):
        return array[rows.start : rows.stop, ...]
    return library.take(array, rows, axis=0)


class DenseBatch:
    """The rows of a step."""

    def __init__(self, data: Any):
        self.data = data

    def product(self, weights: Any) -> Any:
        """Return the products of rows and weights (K, n_features): (n, K)."""
        return self.data @ weights.T

    def turned(self, weights: Any) -> Any:
        """Return weights (n_features, K) as `product` takes them."""
        return weights.T

    def gradient(self, slopes: Any) -> Any:
        """Return what slopes (n, K) make of the rows: (K, n_features)."""
        return slopes.T @ self.data


class Columns:
    """Targets or weights, (n_rows, 1) or (n_rows, K), where the rows are; of `Coded` ones the codes and the table.

    Parameters
    ----------
    values : ndarray or Coded
    rows : DeviceRows
        Where to put them.
    dtype : dtype
    """

    def __init__(self, values: Any, rows: DeviceRows, dtype: Any):
        self.library, self.source = rows.library, values
        self.code = self.factor = None
        if isinstance(values, Coded):
            self.code, self.table = rows.own(values.code, np.int64), rows.own(values.table, dtype)
            self.factor = None if values.factor is None else rows.own(values.factor[:, None], dtype)
        else:
            made = isinstance(values, np.ndarray)  # others are tables that are made when they are asked for
            self.table = rows.own(values if made else values.take(np.arange(values.shape[0]), axis=0), dtype)

    def take(self, rows: Any) -> Any:
        """Return those of some rows, as `DeviceRows.place` names them."""
        if self.code is None:
            return taken(self.library, self.table, rows)
        values = self.library.take(self.table, taken(self.library, self.code, rows), axis=0)
        return values if self.factor is None else values * taken(self.library, self.factor, rows)
