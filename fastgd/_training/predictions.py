"""Raw predictions for sparse rows, many lanes in one pass, by a kernel that looks at every index before it follows it."""

import functools
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd._training.lane_arguments import aligned
from fastgd._training.lane_block import padded, split
from fastgd._training.rows import Rows, check_sparse
from fastgd._training.together import together
from fastgd._validation import ArgumentValueError

__all__ = ["decide", "product"]

WORK = 2**21  # stored values times lanes between two looks at signals: some milliseconds
DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


def decide(rows: Rows, readers: Sequence[tuple[Any, slice]], out: np.ndarray, n_threads: int) -> bool:
    """Write the raw predictions of blocks of lanes to their columns of `out`, (n_rows, K); return whether all rows were sound."""
    stored = max(1, rows.data.size // max(1, rows.n_rows))
    size = max(1, WORK // (stored * max(1, out.shape[1])))
    lows = range(0, rows.n_rows, size)

    def write(lows: range, ended: threading.Event) -> bool:
        for low in lows:
            high = min(low + size, rows.n_rows)
            for reader, part in readers:
                if not ended.is_set() and reader.decide(rows, low, high, out[:, part]) < high:
                    return False
        return True

    n_threads = min(n_threads, execute.thread_limit())
    return all(together([functools.partial(write, lows[k::n_threads]) for k in range(n_threads)], n_threads))


def product(X: Any, coef: np.ndarray, bias: np.ndarray, n_threads: int = 1) -> np.ndarray:
    """Return ``X @ coef.T + bias`` for a CSR matrix that nobody has checked.

    Parameters
    ----------
    X : CSR matrix or array of scipy.sparse, shape (n_rows, n_features)
        float32 or float64; indices that contradict each other are found by the pass that multiplies.
    coef : ndarray, shape (K, n_features)
    bias : ndarray, shape (K,)
    n_threads : int

    Returns
    -------
    ndarray, shape (n_rows, K)
        Of the dtype that all have in common; the product itself, of that which `X` and `coef` have in common.

    Raises
    ------
    ArgumentValueError
        If the sparse structure is damaged.
    """
    rows = _unchecked(X)
    dtype = np.result_type(X.dtype, coef.dtype)
    wide = np.result_type(dtype, bias.dtype)
    if rows is None or not {dtype, wide} <= set(DTYPES):
        check_sparse(X.data, X.indices, X.indptr, X.shape)
        return X @ coef.T + bias
    rows = Rows(rows.data.astype(dtype, copy=False), X.shape, rows.indices, rows.indptr)
    out = np.empty((rows.n_rows, len(coef)), wide)
    if not decide(rows, _readers(coef, bias, dtype, narrow=X.nnz < coef.size), out, n_threads):
        check_sparse(X.data, X.indices, X.indptr, X.shape)
        raise ArgumentValueError("X was changed while its predictions were computed.")
    return out


def _unchecked(X: Any) -> Rows | None:
    """Return the rows as the kernel can read them; None for arrays of other kinds, or that do not even agree in length."""
    data, indices, indptr = X.data, X.indices, X.indptr
    flat = data.ndim == indices.ndim == indptr.ndim == 1 and {indices.dtype.kind, indptr.dtype.kind} == {"i"}
    if not (flat and len(data) == len(indices) and len(indptr) == X.shape[0] + 1 and indptr[0] == 0):
        return None
    width = np.result_type(np.int32, indices.dtype, indptr.dtype)
    indices, indptr = (np.ascontiguousarray(a, width) for a in (indices, indptr))
    return Rows(np.ascontiguousarray(data, data.dtype.newbyteorder("=")), X.shape, indices, indptr)


def _readers(coef: np.ndarray, bias: np.ndarray, dtype: np.dtype, narrow: bool) -> list[tuple[Any, slice]]:
    """Return the compiled loops of blocks of lanes; `narrow` blocks of one need no copy of the weights, long work for few rows."""
    table = execute.lane_table()
    parts = [slice(k, k + 1) for k in range(len(coef))] if narrow else split(len(coef), 1)[0]
    return [(_reader(table, coef[part], bias[part], dtype), part) for part in parts]


def _reader(table: Any, coef: np.ndarray, bias: np.ndarray, dtype: np.dtype) -> Any:
    n, n_features = coef.shape
    if n == 1:
        w = np.ascontiguousarray(coef.reshape(n_features, 1), dtype)
    else:
        w = aligned((n_features, padded(n)), dtype)
        w[:, :n] = coef.T
    state = np.zeros((table.N_STATE, w.shape[1]))
    state[table.STATE["scale"]] = 1
    state[table.STATE["intercept"], :n] = bias
    return table.Block(w, state, np.zeros((1, w.shape[1]), dtype), (0, 0, 0), None, None, n, 1)
