"""Data files for the commands: the file's name says how it is read."""

from pathlib import Path
from typing import Any, NamedTuple

import click

from fastgd.cli import _progress
from fastgd.cli._common import DataError

TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".feather", ".arrow")
CLASSES_AT_MOST = 100  # more different whole numbers than that are quantities, not classes
ALLOWANCES = ("unsorted", "duplicates", "expansion")  # of load_svmlight_file's, those that leave rows to train on
OPTIONS = ("target", "n_features", "cache", "zero_based", "allow", "nulls")
CHUNK = 2**20  # elements looked at at once


class Data(NamedTuple):
    """Rows, targets (None where a table has no such column), the columns' names where it has any, and the first index of libsvm text."""

    X: Any
    y: Any
    names: list[str] | None
    base: int | None = None


def data_options(command: Any) -> Any:
    """Add what tells how to read a data file."""
    for option in reversed(
        (
            click.option("--target", help="The column to predict; needed for tables."),
            click.option(
                "--nulls",
                type=click.Choice(["refuse", "zero"]),
                default="refuse",
                show_default=True,
                help="What a missing value of a table is.",
            ),
            click.option(
                "--features", "n_features", type=click.IntRange(min=1), help="Number of features of libsvm text."
            ),
            click.option(
                "--zero-based/--one-based",
                default=None,
                help="Where indices in libsvm text begin.  [default: as the model's, or at 0 if there is a 0]",
            ),
            click.option(
                "--allow",
                type=click.Choice(ALLOWANCES),
                multiple=True,
                help="What to accept in libsvm text; may be given several times.",
            ),
            click.option(
                "--cache/--no-cache",
                default=False,
                show_default=True,
                help="Keep a parsed copy beside libsvm text (.fgd).",
            ),
        )
    ):
        command = option(command)
    return command


def split(flags: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the flags of `data_options`, and the others."""
    return {name: flags[name] for name in OPTIONS}, {name: flags[name] for name in flags if name not in OPTIONS}


def read(path: Path, **options: Any) -> Data:
    """Read one file: libsvm text (whatever has no known ending), its cache, a table, or a .npz file with X and y."""
    found = _read(path, **options)
    _require_usable(found, path)
    return found


def _read(
    path: Path,
    *,
    target: str | None = None,
    nulls: str = "refuse",
    n_features: int | None = None,
    zero_based: bool | None = None,
    allow: tuple[str, ...] = (),
    cache: bool = False,
) -> Data:
    from fastgd import io
    from fastgd.io import _cache, _load

    name = str(path)
    if name.lower().endswith(TABLES):
        table = io.load_table(path, target=target, nulls=nulls)
        return Data(table.X, table.y, table.feature_names)
    if target is not None:
        raise click.BadParameter(f"only tables have named columns; {name} is none.", param_hint="'--target'")
    if path.suffix == ".npz":
        arrays = io.load_arrays(path)
        if not isinstance(arrays, dict) or "X" not in arrays:
            raise DataError(f"{name} must hold the arrays X and y, as numpy.savez(path, X=X, y=y) writes them.")
        return Data(arrays["X"], arrays.get("y"), None)
    if path.suffix == _cache.SUFFIX:
        arrays, config = _cache.map_file(name)
        rows = _load.mapped_rows(arrays, config["n_features"])
        return Data(rows.X, rows.y, None)
    return _text(path, n_features, zero_based, allow, cache)


def _text(path: Path, n_features: int | None, zero_based: bool | None, allow: tuple[str, ...], cache: bool) -> Data:
    """Read libsvm text. Where its indices begin is decided here, so that it is known for the files to be predicted."""
    import numpy as np
    from scipy.sparse import csr_matrix

    from fastgd import io

    with _progress.reading(str(path)) as progress:
        options: dict[str, Any] = {"dtype": np.float32, "allow": allow, "progress": progress}
        if cache or zero_based is not None:
            based = "auto" if zero_based is None else zero_based
            X, y = io.load_svmlight_file(path, n_features=n_features, zero_based=based, cache=cache, **options)
            return Data(X, y, None, None if zero_based is None else int(not zero_based))
        X, y = io.load_svmlight_file(path, zero_based=True, **options)
    base = int(X.nnz > 0 and X.indices.min() > 0)
    width = X.shape[1] - base
    if n_features is not None and n_features < width:
        raise click.BadParameter(f"{path} has {width} features; got {n_features}.", param_hint="'--features'")
    X.indices -= base
    return Data(csr_matrix((X.data, X.indices, X.indptr), shape=(X.shape[0], n_features or width)), y, None, base)


def _require_usable(data: Data, path: Path) -> None:
    """Refuse rows that no model takes, before anything is computed from them: the shape, then the first value that is not finite."""
    import numpy as np
    from scipy.sparse import issparse

    X, y = data.X, data.y
    for name, array, n in (("X", X, 2), ("y", y, 1)):
        if array is not None and (array.ndim != n or 0 in array.shape[:1]):
            raise DataError(
                f"{path}: {name} must have {n} dimension{'s'[: n - 1]} and rows; its shape is {array.shape}."
            )
    if X.dtype.kind not in "biuf":
        raise DataError(f"{path}: X must hold numbers; its dtype is {X.dtype}.")
    if y is not None and X.shape[0] != len(y):
        raise DataError(f"{path}: X has {X.shape[0]:,} rows and y has {len(y):,}.")
    for name, array in (("X", X.data if issparse(X) else X), ("y", y)):
        place = None if array is None or array.dtype.kind != "f" else _first_nonfinite(np.asarray(array))
        if place is None:
            continue
        row = int(np.searchsorted(X.indptr, place[0], "right")) - 1 if name == "X" and issparse(X) else place[0]
        column = int(X.indices[place[0]]) if name == "X" and issparse(X) else place[1]
        where = "" if name == "y" else f", column {column if data.names is None else repr(data.names[column])}"
        raise DataError(
            f"{path}: row {row}{where} of {name} is {array[place[: array.ndim]]}. Fill it in, or leave the row out."
        )


def _first_nonfinite(array: Any) -> tuple[int, int] | None:
    """Return the place of the first NaN or infinity of an array of one or two dimensions."""
    import numpy as np

    step = max(1, CHUNK // max(1, array[:1].size))
    for begin in range(0, len(array), step):
        bad = ~np.isfinite(array[begin : begin + step])
        if bad.any():
            row, *column = np.argwhere(bad)[0].tolist()
            return begin + row, column[0] if column else 0
    return None


def with_targets(path: Path, **options: Any) -> Data:
    """Read one file, which must have targets."""
    found = read(path, **options)
    if found.y is None:
        raise click.BadParameter(f"{path} has no targets; for a table name the column: --target NAME.")
    return found


def going_on(options: dict[str, Any], base: int | None) -> dict[str, Any]:
    """Return the options for another file of rows like earlier ones, whose indices began at `base`."""
    if options["zero_based"] is not None or base is None:
        return options
    return {**options, "zero_based": base == 0}


def like(rows: Data, other: Data) -> Data:
    """Return other data with the columns of the first."""
    return other._replace(X=aligned(other, rows.names, rows.X.shape[1]))


def parted(rows: Data, share: float, seed: int, classification: bool) -> tuple[Data, Data]:
    """Return the rows to train on and, at random, a share of them to validate on; of each class the same share."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    learn, held = train_test_split(
        np.arange(len(rows.y)), test_size=share, random_state=seed, stratify=rows.y if classification else None
    )
    return rows._replace(X=rows.X[learn], y=rows.y[learn]), rows._replace(X=rows.X[held], y=rows.y[held])


def is_classification(y: Any, task: str) -> bool:
    """Say whether targets are classes: texts, booleans, or few whole numbers."""
    import numpy as np

    if task != "auto":
        return task == "classification"
    if y.dtype.kind not in "iuf":
        return True
    return bool((y == np.floor(y)).all()) and len(np.unique(y)) <= CLASSES_AT_MOST


def aligned(data: Data, names: list[str] | None, n_features: int) -> Any:
    """Return the rows with the columns a model was trained on: by name where there are names, else cut or filled with zeros."""
    import warnings

    import numpy as np
    from scipy.sparse import csr_matrix, issparse

    X = data.X
    if names is not None:
        if data.names is None:
            raise DataError("the model was trained on a table with named columns; the data have no names.")
        place = {name: k for k, name in enumerate(data.names)}
        plain = [name for name in names if "=" not in name and name not in place]
        if plain:
            raise DataError(f"the model was trained on column {plain[0]!r}, which this table lacks.")
        X = csr_matrix(X)
        # A category that this table lacks is a column of zeros; one that the model has never seen is dropped.
        columns = np.array([place.get(name, X.shape[1]) for name in names])
        return csr_matrix((X.data, X.indices, X.indptr), shape=(X.shape[0], X.shape[1] + 1))[:, columns]
    if X.shape[1] == n_features:
        return X
    if data.names is not None:
        raise DataError(
            f"the table has {X.shape[1]} columns of numbers, the model has {n_features} features and no names of columns."
        )
    if issparse(X) and X.shape[1] < n_features:
        return csr_matrix((X.data, X.indices, X.indptr), shape=(X.shape[0], n_features))
    if issparse(X):
        warnings.warn(
            f"the data have {X.shape[1]:,} features, the model was trained on {n_features:,}; the others are left out",
            stacklevel=2,
        )
        return X[:, :n_features]
    raise DataError(f"the data have {X.shape[1]} features, the model has {n_features}.")
