"""`load_svmlight_file`: scikit-learn's function, by compiled code, strict, with a cache."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastgd._validation import boolean, integer, type_error, value_error
from fastgd.io import _cache, _svmlight
from fastgd.io._files import DataFileError

OWNER = "load_svmlight_file"


def load_svmlight_file(
    f: Any,
    *,
    n_features: int | None = None,
    dtype: Any = np.float64,
    multilabel: bool = False,
    zero_based: bool | str = "auto",
    query_id: bool = False,
    offset: int = 0,
    length: int = -1,
    allow: Iterable[str] = (),
    n_threads: int | None = None,
    cache: Any = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple:
    """Read a file in the libsvm / svmlight format: ``label [qid:id] index:value index:value # comment``.

    As scikit-learn's function of the same name, parameters up to `length` included; compiled, in threads, and strict: whatever is not a
    row raises `DataFileError` with file, line and column, where scikit-learn may guess.

    Parameters
    ----------
    f : str, path, file descriptor or binary file
        Names that end in .gz, .bz2 or .zst are decompressed (.zst needs the package zstandard).
    n_features : int, optional
        The number of columns; by default the largest index of the file.
    dtype : {numpy.float64, numpy.float32} or an integer type
        Of the values; an integer type for integers that fit into it. Labels are float64.
    multilabel : bool, default=False
        Lines begin with any number of labels, separated by commas.
    zero_based : bool or "auto", default="auto"
        Whether indices begin at 0. "auto": they do if there is an index 0 in the file, or if only a part of it is read.
    query_id : bool, default=False
        Return the query ids too; -1 for a line without.
    offset, length : int
        Read only the lines that begin after byte `offset` and up to the one in which byte ``offset + length`` lies; 0 or -1 for all. Needs
        `n_features`; may hold no rows.
    allow : collection of {"unsorted", "duplicates", "nonfinite", "no_rows", "expansion"}
        What to accept: indices in any order, an index twice in a row (values are added; needs "unsorted" too where they are apart),
        NaN, infinity and numbers that overflow, files without rows, compressed text that expands more than 200 times.
    n_threads : int, optional
        By default what `fastgd.info()` says. The result does not depend on it.
    cache : bool or path, default=False
        Keep the parsed arrays in a file, True for ``f`` + ".fgd", and next time map that into memory instead of parsing, as long as the
        text's size and time of change, or its SHA-256, and the options are the same. Mapped arrays are read-only.
    progress : callable, optional
        Called as ``progress(bytes_read, bytes_in_all)`` after each block of a file.

    Returns
    -------
    X : scipy.sparse.csr_matrix, shape (n_rows, n_features)
    y : ndarray of float64, shape (n_rows,), or list of tuples of float
    qid : ndarray of int64, shape (n_rows,)
        Only with ``query_id=True``.

    Raises
    ------
    DataFileError
        A ValueError: the first unusable place, as ``file:line:column: what is wrong``.
    DataChangedError
        The file changed while it was read.
    OSError
        The file cannot be read.

    See Also
    --------
    stream : batches of rows of files that are larger than memory.

    Examples
    --------
    >>> import io
    >>> from fastgd.io import load_svmlight_file
    >>> X, y = load_svmlight_file(io.BytesIO(b"1 1:0.5 3:2 # first\\n-1 2:1e-3\\n"))
    >>> X.toarray().tolist(), y.tolist()
    ([[0.5, 0.0, 2.0], [0.0, 0.001, 0.0]], [1.0, -1.0])
    """
    integers = _integers(dtype)
    options = _checked(
        n_features, np.float64 if integers else dtype, multilabel, zero_based, query_id, offset, length, allow
    )
    if n_threads is not None:
        n_threads = integer(n_threads, OWNER, "n_threads", low=1)
    if cache is False or cache is None:
        found = _svmlight.read(f, **options, n_threads=n_threads, progress=progress)
    else:
        found = _through_cache(f, cache, options, n_threads, progress)
    if integers:
        found = found._replace(X=_as_integers(found.X, integers))
    return tuple(found) if query_id else (found.X, found.y)


def _integers(dtype: Any) -> np.dtype | None:
    """Return an integer type, None for all else."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        return None
    return found if found.kind in "iu" else None


def _as_integers(X: Any, dtype: np.dtype) -> Any:
    """Return the matrix in an integer type that holds its values."""
    with np.errstate(invalid="ignore"):  # numbers beyond the type; found below
        narrowed = X.astype(dtype)
    wrong = narrowed.data != X.data
    if wrong.any():
        value = X.data[wrong.argmax()]
        raise value_error(OWNER, "dtype", f"a type that holds the file's value {value}", dtype.name, "Use float64.")
    return narrowed


def _checked(
    n_features: Any, dtype: Any, multilabel: Any, zero_based: Any, query_id: Any, offset: Any, length: Any, allow: Any
) -> dict[str, Any]:
    """Return the options that decide what the arrays are."""
    if n_features is not None:
        n_features = integer(n_features, OWNER, "n_features", low=1)
    if isinstance(zero_based, str) and zero_based != "auto":
        raise value_error(OWNER, "zero_based", "True, False or 'auto'", zero_based)
    if not isinstance(zero_based, str):
        zero_based = boolean(zero_based, OWNER, "zero_based")
    offset, length = integer(offset, OWNER, "offset", low=0), integer(length, OWNER, "length", low=-1)
    if offset or length > 0:
        if n_features is None:
            hint = "n_features is required: a part of a file cannot tell it."
            raise value_error(OWNER, "n_features", "given with offset or length", n_features, hint)
        if zero_based == "auto":
            zero_based = True  # as in scikit-learn: parts of one file must not be guessed apart
        allow = {
            "no_rows",
            *([allow] if isinstance(allow, str) else allow),
        }  # in a part that lies within a line, or a comment
    return {
        "n_features": n_features,
        "dtype": checked_dtype(dtype, OWNER),
        "multilabel": boolean(multilabel, OWNER, "multilabel"),
        "zero_based": zero_based,
        "query_id": boolean(query_id, OWNER, "query_id"),
        "offset": offset,
        "length": length or -1,
        "allow": checked_allow(allow, OWNER),
    }


def checked_dtype(dtype: Any, owner: str) -> np.dtype:
    """Return float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise type_error(owner, "dtype", "float32 or float64", dtype) from None
    if found not in (np.float32, np.float64):
        raise value_error(owner, "dtype", "float32 or float64", dtype)
    return found


def checked_allow(allow: Any, owner: str) -> tuple[str, ...]:
    """Return the allowances, sorted."""
    names = {allow} if isinstance(allow, str) else set(allow)
    for name in names:
        if name not in _svmlight.ALLOWANCES:
            raise value_error(owner, "allow", f"some of {', '.join(map(repr, _svmlight.ALLOWANCES))}", name)
    return tuple(sorted(names))


def _through_cache(f: Any, cache: Any, options: dict, n_threads: int | None, progress: Any) -> _svmlight.Svmlight:
    """Return the mapped arrays of the cache, which is made where it is missing or of another text."""
    if not isinstance(f, (str, os.PathLike)):
        raise type_error(OWNER, "f", "the name of a file, with cache=", f)
    if options["multilabel"]:
        raise value_error(OWNER, "cache", "False with multilabel=True", cache)
    source = os.fspath(f)
    path = _cache.path_for(f, cache)
    about = {**{name: value for name, value in options.items() if name != "allow"}, "dtype": str(options["dtype"])}
    about["allow"] = list(options["allow"])
    kept = _cache.load(path, source, about)
    if kept is None:
        found = _svmlight.read(f, **options, n_threads=n_threads, progress=progress)
        arrays = {"data": found.X.data, "indices": found.X.indices, "indptr": found.X.indptr, "y": found.y}
        if found.qid is not None:
            arrays["qid"] = found.qid
        _cache.write(path, source, about, arrays, found.X.shape[1])
        kept = _cache.load(path, source, about)
        if kept is None:
            raise DataFileError(f"{source} changed while its cache was made. Read it again.")
    return mapped_rows(*kept)


def mapped_rows(arrays: dict[str, np.ndarray], n_features: int) -> _svmlight.Svmlight:
    """Return what was read when the cache was made; nothing is copied."""
    from scipy.sparse import csr_matrix

    X = csr_matrix((len(arrays["y"]), n_features), dtype=arrays["data"].dtype)
    X.data, X.indices, X.indptr = (
        arrays["data"],
        arrays["indices"],
        arrays["indptr"],
    )  # the constructor copies read-only arrays
    return _svmlight.Svmlight(X, arrays["y"], arrays.get("qid"))
