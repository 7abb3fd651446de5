"""Tables with named columns (CSV, Parquet, Feather, any Arrow stream) as a matrix of numbers, through pyarrow."""

import os
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from fastgd._validation import choice, integer, shortened, type_error, value_error
from fastgd.io._files import DataFileError
from fastgd.io._load import checked_dtype

OWNER = "load_table"
INSTALL = "reading tables needs pyarrow. Run: pip install fastgd[io]"


class Table(NamedTuple):
    """A table as numbers.

    Attributes
    ----------
    X : ndarray or scipy.sparse.csr_matrix, shape (n_rows, n_features)
        Sparse where there are categorical columns.
    y : ndarray, shape (n_rows,), or None
        The target column: numbers, or texts as they are.
    feature_names : list of str, length n_features
        The columns' names; ``name=value`` for a category; ``hash:k`` for hashed ones.
    """

    X: Any
    y: np.ndarray | None
    feature_names: list[str]


def load_table(
    source: Any,
    *,
    target: str | None = None,
    columns: Iterable[str] | None = None,
    categories: str = "one-hot",
    n_hashed: int = 2**18,
    nulls: str = "refuse",
    dtype: Any = np.float32,
) -> Table:
    """Read a table: numbers and booleans become a column each, texts and Arrow dictionaries become categories.

    Parameters
    ----------
    source : str, path, or object with ``__arrow_c_stream__``
        A file whose name ends in .csv, .csv.gz, .tsv, .parquet, .feather or .arrow, or a frame of polars, pandas, pyarrow, duckdb.
    target : str, optional
        The column to predict.
    columns : list of str, optional
        The columns to learn from; by default all but `target`.
    categories : {"one-hot", "hash"}
        A column for each value of a categorical column, in the order of the values; or `n_hashed` columns for all of them, each value
        counting +1 or -1 in one (Weinberger et al., 2009, "Feature hashing for large scale multitask learning"), by scikit-learn's
        `FeatureHasher`: values that were never seen keep working.
    n_hashed : int, default=2**18
        The number of columns for ``categories="hash"``.
    nulls : {"refuse", "zero"}
        What a missing value is: an error, or 0 in every column of it.
    dtype : {numpy.float32, numpy.float64}
        Of `X`.

    Returns
    -------
    Table

    Raises
    ------
    DataFileError
        If the file is no such table; of a CSV, the message names the row.
    ArgumentValueError
        If a column is missing, or is neither number, boolean nor text.
    ModuleNotFoundError
        If pyarrow is not installed.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastgd.io import load_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "cars.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("colour,weight,fast\\nred,1.5,1\\nblue,2.5,0\\n")
    ...     table = load_table(path, target="fast")
    >>> table.feature_names, table.X.toarray().tolist(), table.y.tolist()
    (['colour=blue', 'colour=red', 'weight'], [[0.0, 1.0, 1.5], [1.0, 0.0, 2.5]], [1, 0])
    """
    categories = choice(categories, OWNER, "categories", ("one-hot", "hash"))
    nulls = choice(nulls, OWNER, "nulls", ("refuse", "zero"))
    n_hashed = integer(n_hashed, OWNER, "n_hashed", low=1)
    width = checked_dtype(dtype, OWNER)
    try:
        return _loaded(source, target, columns, categories, n_hashed, nulls, width)
    except UnicodeDecodeError:
        raise DataFileError(f"{_name_of(source)}: it is not UTF-8 text; convert it first, such as by iconv.") from None


def _loaded(
    source: Any, target: str | None, columns: Any, categories: str, n_hashed: int, nulls: str, width: np.dtype
) -> Table:
    """Return the table; the arguments are those of `load_table`, checked."""
    table = _arrow(source)
    if len(set(table.column_names)) != table.num_columns:
        twice = next(name for name in table.column_names if table.column_names.count(name) > 1)
        raise value_error(OWNER, "source", "a table whose columns have different names", twice)
    if table.num_rows == 0:
        raise DataFileError(f"{_name_of(source)}: no rows below the names of the columns.")
    names = [name for name in table.column_names if name != target] if columns is None else list(columns)
    for name in [*names, *([] if target is None else [target])]:
        if name not in table.column_names:
            known = shortened(", ".join(table.column_names), 120)
            raise value_error(OWNER, "columns" if name in names else "target", f"among {known}", name)
    if target in names:
        raise value_error(OWNER, "columns", "without the target", target)
    if not names:
        raise value_error(OWNER, "columns", "at least one column besides the target", names)
    blocks = [_block(name, table[name], categories, n_hashed, nulls, width) for name in names]
    y = None if target is None else _target(target, table[target])
    X, feature_names = _joined(blocks, n_hashed if categories == "hash" else 0, width)
    return Table(X, y, feature_names)


def _name_of(source: Any) -> str:
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__


def _arrow(source: Any) -> Any:
    """Return a pyarrow table."""
    try:
        import pyarrow as pa
    except ImportError:
        raise ModuleNotFoundError(INSTALL, name="pyarrow") from None
    if not isinstance(source, (str, os.PathLike)):
        if not hasattr(source, "__arrow_c_stream__"):
            raise type_error(OWNER, "source", "the name of a file, or a frame with __arrow_c_stream__", source)
        return pa.RecordBatchReader.from_stream(source).read_all()
    name = os.fspath(source)
    stem = name.lower().removesuffix(".gz").removesuffix(".bz2")
    os.stat(name)  # a missing file is an OSError that names it, for every reader
    try:
        if stem.endswith((".csv", ".tsv")):
            return _csv(name, "\t" if stem.endswith(".tsv") else ",")
        if stem.endswith(".parquet"):
            from pyarrow import parquet

            return parquet.read_table(name)
        if stem.endswith((".feather", ".arrow")):
            from pyarrow import feather

            return feather.read_table(name)
    except pa.ArrowInvalid as error:
        raise DataFileError(f"{name}: {shortened(str(error), 200)}") from None
    accepted = "the name of a .csv, .tsv, .parquet, .feather or .arrow file"
    raise value_error(OWNER, "source", accepted, name, "For libsvm text use load_svmlight_file.")


def _csv(name: str, delimiter: str) -> Any:
    """Return the table of a CSV file; an error names the line."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    options = csv.ParseOptions(delimiter=delimiter)
    try:
        table = csv.read_csv(name, parse_options=options)
    except pa.ArrowInvalid as error:
        if "cannot infer number of columns" in str(error):
            raise DataFileError(
                f"{name}:1: the first line is longer than a megabyte: too many columns for a table. Use libsvm text or a .npz file."
            ) from None
        csv.read_csv(name, csv.ReadOptions(use_threads=False), parse_options=options)  # one thread knows the row
        raise
    for column, values in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(values.type):
            row = pc.index(pc.match_substring(values, "\n"), True).as_py()
            if row >= 0:
                raise DataFileError(
                    f"{name}:{row + 2}: the value of column {column!r} holds a line break; is a quote not closed?"
                )
    return table


class _Block(NamedTuple):
    """One column: its numbers and its name, or the category of each row (-1 for none) and ``name=value`` of each category."""

    values: np.ndarray
    names: list[str]
    categorical: bool


def _block(name: str, column: Any, categories: str, n_hashed: int, nulls: str, dtype: np.dtype) -> _Block:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count and nulls == "refuse":
        row = pc.index(pc.is_null(column), True).as_py()
        raise value_error(
            OWNER, "nulls", "'zero' where values are missing", nulls, f"Column {name!r} has no value in row {row}."
        )
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        filled = pc.fill_null(column.cast(pa.float64() if dtype == np.float64 else pa.float32(), safe=False), 0.0)
        return _Block(np.asarray(filled).astype(dtype, copy=False), [name], False)
    if pa.types.is_decimal(kind):
        return _Block(np.asarray(pc.fill_null(column.cast(pa.float64()), 0.0)).astype(dtype), [name], False)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view"
    if not text and not pa.types.is_dictionary(kind):
        raise value_error(
            OWNER, "columns", "numbers, booleans or texts", f"{name}: {kind}", "Leave it out or convert it."
        )
    encoded = (
        (column if pa.types.is_dictionary(kind) else column.dictionary_encode()).unify_dictionaries().combine_chunks()
    )
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    values = [f"{name}={value}" for value in encoded.dictionary.to_pylist()]
    codes = np.asarray(pc.fill_null(encoded.indices.cast(pa.int64()), -1))
    if categories == "hash":
        return _Block(codes, values, True)
    used = np.unique(codes[codes >= 0])
    order = sorted(used.tolist(), key=values.__getitem__)
    rank = np.full(len(values) + 1, -1)  # the last one is for -1
    rank[order] = np.arange(len(order))
    return _Block(rank[codes], [values[k] for k in order], True)


def _target(name: str, column: Any) -> np.ndarray:
    if column.null_count:
        raise value_error(OWNER, "target", "a column without missing values", name, f"It lacks {column.null_count}.")
    values: np.ndarray = column.to_numpy()
    if values.dtype.kind not in "biufOUS":
        raise value_error(OWNER, "target", "a column of numbers, booleans or texts", f"{name}: {column.type}")
    return values


def _joined(blocks: list[_Block], n_hashed: int, dtype: np.dtype) -> tuple[Any, list[str]]:
    """Return the matrix of all columns and its columns' names; with `n_hashed` the categories share so many columns at the end."""
    from scipy.sparse import csr_matrix, hstack

    if not any(block.categorical for block in blocks):
        return np.stack([block.values for block in blocks], axis=1), [block.names[0] for block in blocks]
    parts, names = [], []
    hashed = csr_matrix((len(blocks[0].values), n_hashed), dtype=dtype)
    for block in blocks:
        if block.categorical and n_hashed:
            hashed = hashed + _indicators(block, dtype) @ _hashes(block.names, n_hashed, dtype)
        else:
            parts.append(_indicators(block, dtype) if block.categorical else csr_matrix(block.values[:, None]))
            names += block.names
    if n_hashed:
        parts.append(hashed)
        names += [f"hash:{k}" for k in range(n_hashed)]
    return hstack(parts, format="csr", dtype=dtype), names


def _indicators(block: _Block, dtype: np.dtype) -> Any:
    """Return the matrix with a 1 in the column of each row's category."""
    from scipy.sparse import csr_matrix

    known = block.values >= 0
    starts = np.concatenate([[0], np.cumsum(known)])
    shape = (len(block.values), len(block.names))
    return csr_matrix((np.ones(starts[-1], dtype), block.values[known], starts), shape=shape)


def _hashes(names: list[str], n_hashed: int, dtype: np.dtype) -> Any:
    """Return the matrix, (len(names), n_hashed), of what each category counts in each hashed column."""
    from sklearn.feature_extraction import FeatureHasher

    return FeatureHasher(n_hashed, input_type="string", dtype=dtype).transform([name] for name in names)
