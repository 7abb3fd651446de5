"""Sparse rows (CSR) on a GPU, multiplied by our own kernels; see ``cuda_sparse.py``."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastgd._training.device import DeviceRows, dtype_of, host
from fastgd._validation import ArgumentValueError

__all__ = ["DeviceSparse"]

SORTED = 2**23  # entries that are sorted at once, and then take about 300 MB


class DeviceSparse(DeviceRows):
    """A matrix by rows in CUDA memory, of a library of the Array API standard.

    Parameters
    ----------
    data, indices, indptr : array
        Those of CSR; float32 or float64, and int64.
    n_features : int
    library : module
        Their namespace.
    """

    def __init__(self, data: Any, indices: Any, indptr: Any, n_features: int, library: Any):
        self.data, self.indices, self.indptr = data, indices, indptr
        self.library, self.device, self.dtype, self.ndim = library, data.device, dtype_of(data), 2
        self.n_rows, self.n_features, self.nnz = int(indptr.shape[0]) - 1, n_features, int(data.shape[0])
        self.shape = self.n_rows, n_features

    @classmethod
    def of_matrix(cls, X: Any, library: Any) -> "DeviceSparse":
        """Return the rows of a CSR matrix of cupyx.scipy.sparse or torch; raise what is wrong with it."""
        arrays = (
            (X.data, X.indices, X.indptr) if hasattr(X, "indptr") else (X.values(), X.col_indices(), X.crow_indices())
        )
        data, indices, indptr = arrays
        indices, indptr = (library.astype(each, library.int64, copy=False) for each in (indices, indptr))
        rows = cls(data, indices, indptr, int(X.shape[1]), library)
        rows._check(int(X.shape[0]))
        return rows

    def _check(self, n_rows: int) -> None:
        """Refuse arrays that contradict each other, before a kernel walks them."""
        xp, nnz = self.library, self.nnz
        if self.n_rows != n_rows or self.indices.shape[0] != nnz:
            raise ArgumentValueError(
                f"X is damaged: {self.indices.shape[0]} columns for {nnz} values in {n_rows} rows."
            )
        if int(self.indptr[0]) or int(self.indptr[-1]) != nnz or not xp.all(self.indptr[1:] >= self.indptr[:-1]):
            raise ArgumentValueError(f"X is damaged: indptr must rise from 0 to {nnz}, the number of values.")
        if nnz and not (int(xp.min(self.indices)) >= 0 and int(xp.max(self.indices)) < self.n_features):
            raise ArgumentValueError(f"X is damaged: a column is not between 0 and {self.n_features - 1}.")

    def __getitem__(self, rows: Any) -> "DeviceSparse":
        """Return a copy of these rows."""
        picked = self.own(np.arange(self.n_rows)[rows], np.int64)
        _, entries, ends = self._entries(picked)
        begin = self.own(np.zeros(1), np.int64)
        data, indices = (self.library.take(each, entries, axis=0) for each in (self.data, self.indices))
        return DeviceSparse(data, indices, self.library.concat([begin, ends]), self.n_features, self.library)

    def astype(self, dtype: Any, copy: bool = True) -> "DeviceSparse":
        """Return the rows in this dtype."""
        data = self.library.astype(self.data, getattr(self.library, np.dtype(dtype).name), copy=False)
        return DeviceSparse(data, self.indices, self.indptr, self.n_features, self.library)

    def none_of(self, dtype: Any) -> DeviceRows:
        """Return none of the rows, in this dtype: where they are, and of which library."""
        nothing = DeviceSparse(self.data[:0], self.indices[:0], self.indptr[:1], self.n_features, self.library)
        return nothing.astype(dtype)

    def above(self, others: Any) -> "DeviceSparse":
        """Return a copy of the rows, and below them others."""
        xp = self.library
        data, indices = (xp.concat([a, b]) for a, b in ((self.data, others.data), (self.indices, others.indices)))
        indptr = xp.concat([self.indptr, others.indptr[1:] + self.nnz])
        return DeviceSparse(data, indices, indptr, self.n_features, xp)

    def sample(self, n: int) -> np.ndarray:
        """Return a copy on the host of some values, about `n`, spread over all."""
        return host(self.data[:: max(1, self.nnz // n)])

    def batch(self, rows: Any) -> Any:
        """Return some rows to multiply with weights, by their numbers on the device or as a range."""
        xp = self.library
        rows = xp.arange(rows.start, rows.stop, dtype=xp.int64, device=self.device) if isinstance(rows, range) else rows
        return SparseBatch(self, rows)

    def batches(self, order: np.ndarray, size: int) -> Iterator[tuple[Any, Any]]:
        """Yield the batches of an order: the numbers of their rows, and what to multiply."""
        at_once = max(1, SORTED // max(1, size * self.nnz // max(1, self.n_rows))) * size
        for low in range(0, len(order), at_once):
            yield from self._sorted(order[low : low + at_once], size)

    def _entries(self, rows: Any) -> tuple[Any, Any, Any]:
        """Return of each entry of these rows which of them it is in, and its place; and where the entries of each end."""
        xp = self.library
        starts = xp.take(self.indptr, rows, axis=0)
        counts = xp.take(self.indptr, rows + 1, axis=0) - starts
        ends = xp.cumulative_sum(counts)
        n = int(ends[-1]) if rows.shape[0] else 0
        number = xp.arange(n, dtype=xp.int64, device=self.device)
        owner = xp.astype(xp.searchsorted(ends, number, side="right"), xp.int64)
        return owner, number + xp.take(starts - (ends - counts), owner, axis=0), ends

    def _sorted(self, order: np.ndarray, size: int) -> Iterator[tuple[Any, Any]]:
        """Sort the entries of each batch by column, those of a column in the order of the rows."""
        xp, rows = self.library, self.own(order, np.int64)
        owner, entries, ends = self._entries(rows)
        last = self.own(np.minimum(np.arange(size, len(order) + size, size), len(order)) - 1, np.int64)
        stops = host(xp.take(ends, last, axis=0)).tolist()
        columns = xp.take(self.indices, entries, axis=0)
        by_column = xp.argsort((owner // size) * self.n_features + columns, stable=True)
        owner, entries, columns = (xp.take(each, by_column, axis=0) for each in (owner, entries, columns))
        data, owner = xp.take(self.data, entries, axis=0), owner % size
        start = 0
        for k, stop in enumerate(stops):
            own = rows[k * size : (k + 1) * size]
            part = slice(start, stop)
            yield own, SparseBatch(self, own, (columns[part], owner[part], data[part]))
            start = stop


class SparseBatch:
    """The rows of a step.

    Parameters
    ----------
    matrix : DeviceSparse
    rows : array of int64
        Their numbers.
    entries : (array, array, array), optional
        Sorted by column: the column of each entry, its row within the batch, its value.
    """

    def __init__(self, matrix: DeviceSparse, rows: Any, entries: Any = None):
        self.matrix, self.rows, self.entries = matrix, rows, entries

    def turned(self, weights: Any) -> Any:
        """Return weights (n_features, K) as `product` takes them, side by side in memory."""
        n_features, n_lanes = weights.shape
        flat = self.matrix.library.reshape(weights.T, (-1,))
        return self.matrix.library.reshape(flat, (n_lanes, n_features))

    def product(self, weights: Any) -> Any:
        """Return the products of rows and weights (K, n_features): (n, K)."""
        m, (n_lanes, n_features), n = self.matrix, weights.shape, int(self.rows.shape[0])
        out = m.library.zeros((n, n_lanes), dtype=weights.dtype, device=m.device)
        self._launch(
            "product", n * n_lanes, n, self.rows, m.indptr, m.indices, m.data, weights, n_features, n_lanes, out
        )
        return out

    def gradient(self, slopes: Any) -> Any:
        """Return what slopes (n, K) make of the rows: (K, n_features)."""
        from fastgd._kernels.cuda_sparse import CHUNK

        m, xp, n_lanes = self.matrix, self.matrix.library, int(slopes.shape[1])
        columns, rows, data = self.entries
        n, n_threads = int(data.shape[0]), -(-int(data.shape[0]) // CHUNK) * n_lanes
        out = xp.zeros((n_lanes, m.n_features), dtype=slopes.dtype, device=m.device)
        shares = xp.zeros((2 * n_threads,), dtype=slopes.dtype, device=m.device)
        slopes = xp.reshape(slopes, (-1,))  # rows side by side
        self._launch("shares", n_threads, n, columns, rows, data, slopes, m.n_features, n_lanes, out, shares)
        self._launch("join", n_threads, n, columns, m.n_features, n_lanes, out, shares)
        return out

    def _launch(self, name: str, n_threads: int, *arguments: Any) -> None:
        from fastgd._kernels import cuda_arrays, cuda_sparse

        kind = {4: "f32", 8: "f64"}[self.matrix.dtype.itemsize]
        stream = cuda_arrays.stream_of(self.matrix.data)
        given = [each if isinstance(each, int) else address_of(each) for each in arguments]
        cuda_sparse.launch(name, kind, n_threads, stream, *given)


def address_of(array: Any) -> int:
    """Return where an array of CUDA memory lies, whose elements are side by side."""
    if hasattr(array, "data_ptr"):
        return array.data_ptr()
    return array.__cuda_array_interface__["data"][0] or 0
