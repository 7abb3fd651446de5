"""Rows of data as the lane kernels see them: CSR or dense, validated once, used in place."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from fastgd._validation import ArgumentValueError, type_error, value_error

__all__ = ["Rows"]

LOG = logging.getLogger("fastgd")
CHUNK = 2**17  # elements that one validation step looks at: its temporary arrays stay small
SHORT = 64  # stored values: the squared norm of such a row is computed sooner than fetched, and would not be little beside the row


class Rows:
    """A matrix by rows, checked and laid out for the lane kernels.

    Attributes
    ----------
    n_rows, n_features : int
    dtype : numpy.dtype
        float32 or float64.
    data : ndarray
        The stored values: 1-D for sparse rows, else ``(n_rows, n_features)`` with the columns of a row side by side.
    indices, indptr : ndarray or None
        The column of each stored value and where each row begins, both int32 or both int64; None for dense rows.
    row_stride : int
        Elements between the beginnings of two dense rows; 0 for sparse rows.
    """

    def __init__(self, data: np.ndarray, shape: tuple[int, int], indices=None, indptr=None):
        self.data, self.indices, self.indptr = data, indices, indptr
        self.n_rows, self.n_features = shape
        self.dtype = data.dtype
        self._squares: np.ndarray | None = None
        self.row_stride = 0 if indices is not None else data.strides[0] // data.itemsize

    @classmethod
    def of(cls, X: Any, owner: str = "", finite: bool = True) -> "Rows":
        """Return the rows of `X` without copying it where that is possible.

        Parameters
        ----------
        X : CSR matrix or array of scipy.sparse, or 2-D ndarray
            float32 or float64. Indices may be int32 or int64. A dense array whose rows are not contiguous in memory (column-major,
            strided) is copied once, and so are sparse rows that name a column twice; both are logged.
        owner : str
            Whose argument `X` is, for messages.
        finite : bool, default True
            Whether to refuse NaN and infinity.

        Raises
        ------
        ArgumentTypeError
            If `X` is not such a matrix.
        ArgumentValueError
            If the sparse structure is damaged (naming the first bad row and value), or a value is not finite.
        """
        if isinstance(X, Rows):
            return X
        if getattr(X, "format", None) == "csr" and hasattr(X, "indptr"):
            return cls._sparse(X, owner, finite)
        if not isinstance(X, np.ndarray) or X.ndim != 2:
            raise type_error(
                owner,
                "X",
                "a 2-D NumPy array or a CSR matrix",
                type(X).__name__,
                "Use X.tocsr() for other sparse formats.",
            )
        _check_dtype(X.dtype, owner)
        return cls._dense(X, owner, finite)

    def square_sum(self) -> float:
        """Return the sum of the squares of all stored values."""
        values = self.data.ravel()
        return float(np.einsum("i,i->", values, values, dtype=np.float64))

    def squares(self, measure: Callable[["Rows", np.ndarray], None]) -> np.ndarray | None:
        """Return the squared norm of each row, ``(n_rows,)``, computed by `measure(rows, out)` when they are asked for first.

        None of short rows, whose norms are not worth a table.
        """
        if self.data.size <= SHORT * self.n_rows:
            return None
        if self._squares is None:
            squares = np.empty(self.n_rows, self.dtype)
            measure(self, squares)
            self._squares = squares
        return self._squares

    @classmethod
    def _dense(cls, X: np.ndarray, owner: str, finite: bool) -> "Rows":
        whole = X.strides[0] % X.itemsize == 0 and X.strides[0] >= 0 and X.flags.aligned and X.dtype.isnative
        if not (whole and (X.shape[1] < 2 or X.strides[1] == X.itemsize)):
            LOG.info("fastgd copies X once, %.1f MB: its rows are not contiguous in memory", X.nbytes / 1e6)
            X = np.ascontiguousarray(X, dtype=X.dtype.newbyteorder("="))
        if finite:
            step = max(1, CHUNK // max(1, X.shape[1]))
            for low in range(0, len(X), step):
                bad = ~np.isfinite(X[low : low + step])
                if bad.any():
                    row, column = np.argwhere(bad)[0]
                    raise _not_finite(owner, low + row, X[low + row, column], f", column {column}")
        return cls(X, X.shape)

    @classmethod
    def _sparse(cls, X: Any, owner: str, finite: bool) -> "Rows":
        data, indices, indptr = (
            np.ascontiguousarray(a, a.dtype.newbyteorder("=")) for a in (X.data, X.indices, X.indptr)
        )
        _check_dtype(data.dtype, owner)
        if data.ndim != 1 or indices.ndim != 1 or indptr.ndim != 1:
            raise _damaged(owner, "its arrays data, indices and indptr must have one dimension each")
        if {indices.dtype.kind, indptr.dtype.kind} != {"i"} or max(indices.itemsize, indptr.itemsize) > 8:
            raise type_error(
                owner, "X", "a CSR matrix with int32 or int64 indices", f"{indices.dtype} and {indptr.dtype}"
            )
        n_rows, n_features = X.shape
        _check_structure(data, indices, indptr, n_rows, owner)
        _check_columns(indices, indptr, n_features, owner)
        if finite:
            _check_values(data, indptr, owner)
        data, indices, indptr = data[: indptr[-1]], indices[: indptr[-1]], indptr
        if _names_a_column_twice(indices, indptr):
            LOG.info("fastgd copies X once, %.1f MB: a row names a column twice", data.nbytes / 1e6)
            X = X.copy()
            X.sum_duplicates()
            data, indices, indptr = X.data, X.indices, X.indptr
        width = np.int32 if indices.itemsize <= 4 and len(data) < 2**31 else np.int64
        return cls(data, (n_rows, n_features), indices.astype(width, copy=False), indptr.astype(width, copy=False))


def _check_dtype(dtype: np.dtype, owner: str) -> None:
    if dtype.newbyteorder("=") not in (np.float32, np.float64):
        raise type_error(owner, "X", "float32 or float64", str(dtype), "Convert it with X.astype(np.float32).")


def _damaged(owner: str, what: str) -> ArgumentValueError:
    of = f" of {owner}" if owner else ""
    return ArgumentValueError(f"the 'X' argument{of} must be a sound CSR matrix: {what}. X.check_format() says more.")


def _not_finite(owner: str, row: int, value: float, where: str = "") -> ArgumentValueError:
    return value_error(
        owner, "X", "finite", float(value), f"It stands in row {row}{where}. Impute or drop such values first."
    )


def _check_structure(data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, n_rows: int, owner: str) -> None:
    if len(indptr) != n_rows + 1:
        raise _damaged(owner, f"indptr has {len(indptr)} entries for {n_rows} rows; it needs {n_rows + 1}")
    if indptr[0] != 0:
        raise _damaged(owner, f"indptr[0] is {indptr[0]}, not 0")
    for low in range(0, n_rows, CHUNK):
        part = indptr[low : low + CHUNK + 1]
        back = part[1:] < part[:-1]
        if back.any():
            row = low + int(np.argmax(back))
            raise _damaged(owner, f"row {row} ends at {indptr[row + 1]}, before it begins at {indptr[row]}")
    if indptr[-1] > min(len(data), len(indices)):
        raise _damaged(
            owner, f"indptr ends at {indptr[-1]}, but data has {len(data)} and indices {len(indices)} entries"
        )


def _row_of(indptr: np.ndarray, position: int) -> int:
    return int(np.searchsorted(indptr, position, side="right")) - 1


def _check_columns(indices: np.ndarray, indptr: np.ndarray, n_features: int, owner: str) -> None:
    unsigned = indices.view(f"u{indices.itemsize}")  # negative columns are very large ones: one pass finds both
    for low in range(0, int(indptr[-1]), CHUNK):
        part = unsigned[low : min(low + CHUNK, int(indptr[-1]))]
        if part.max() >= n_features:
            position = low + int(np.argmax(part >= n_features))
            row = _row_of(indptr, position)
            raise _damaged(owner, f"row {row} has the column {indices[position]}; columns are 0 to {n_features - 1}")


def _check_values(data: np.ndarray, indptr: np.ndarray, owner: str) -> None:
    for low in range(0, int(indptr[-1]), CHUNK):
        bad = ~np.isfinite(data[low : min(low + CHUNK, int(indptr[-1]))])
        if bad.any():
            position = low + int(np.argmax(bad))
            raise _not_finite(owner, _row_of(indptr, position), data[position])


def _names_a_column_twice(indices: np.ndarray, indptr: np.ndarray) -> bool:
    """Say whether some row has two values for one column; only rows that are not in order cost more than a look."""
    starts = np.zeros(0, indptr.dtype)  # as that is the dtype of all positions, searchsorted makes no copy of indptr
    for low in range(0, max(0, len(indices) - 1), CHUNK):
        part = indices[low : low + CHUNK + 1]
        fall = (low + 1 + np.flatnonzero(part[1:] <= part[:-1])).astype(indptr.dtype)
        starts = np.concatenate([starts, fall[indptr[np.searchsorted(indptr, fall)] != fall]])
    for row in np.unique(np.searchsorted(indptr, starts, side="right") - 1):
        columns = indices[indptr[row] : indptr[row + 1]]
        if len(np.unique(columns)) < len(columns):
            return True
    return False


def check_sparse(
    data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, shape: tuple[int, int], owner: str = ""
) -> None:
    """Raise ArgumentValueError when the arrays of a CSR matrix contradict one another; its values are not looked at.

    For a CSC matrix, give the shape the other way round.
    """
    if data.ndim < 1 or indices.ndim != 1 or indptr.ndim != 1 or {indices.dtype.kind, indptr.dtype.kind} != {"i"}:
        raise _damaged(owner, "its indices and indptr must be flat arrays of integers")
    if len(data) != len(indices):
        raise _damaged(owner, f"data has {len(data)} and indices {len(indices)} entries")
    _check_structure(data, indices, indptr, shape[0], owner)
    _check_columns(indices, indptr, shape[1], owner)
