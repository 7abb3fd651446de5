"""Sparse rows in batches and buffers: put together and shuffled by one copy."""

from typing import Any

import numpy as np

from fastgd._kernels import execute


def between(X: Any, begin: int, stop: int) -> Any:
    """Return rows of a CSR matrix: the matrix itself where these are all, as scipy's slices copy even then."""
    return X if begin == 0 and stop >= X.shape[0] else X[begin:stop]


def gathered(matrices: list[Any], order: np.ndarray | None) -> Any:
    """Return the rows of some CSR matrices one below the other, or in an order of all of them.

    Parameters
    ----------
    matrices : list of csr_matrix
        With the same number of columns.
    order : ndarray of int, shape (n_rows,), or None
        Which row of all comes first, and so on; None for as they are.
    """
    from scipy.sparse import csr_matrix

    if order is None and len(matrices) == 1:
        return matrices[0]
    lengths = np.concatenate([np.diff(X.indptr) for X in matrices]).astype(np.int64)
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths if order is None else lengths[order], out=starts[1:])
    places = starts[:-1]
    if order is not None:
        places = np.empty(len(lengths), np.int64)
        places[order] = starts[:-1]
    values = np.empty(starts[-1], np.result_type(*(X.data for X in matrices)))
    indices = np.empty(starts[-1], np.result_type(*(X.indices for X in matrices)))
    row = 0
    for X in matrices:
        n = X.shape[0]
        for source, target in ((X.data, values), (X.indices, indices)):
            items = np.ascontiguousarray(source, target.dtype)
            rows = X.indptr.astype(np.int64, copy=False)
            execute.scatter_rows(
                items.view(np.uint8), rows, target.view(np.uint8), places[row : row + n], items.itemsize
            )
        row += n
    return csr_matrix((values, indices, starts.astype(indices.dtype)), shape=(row, matrices[0].shape[1]))
