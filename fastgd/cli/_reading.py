"""Data files for the commands: the file's name says how it is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".feather", ".arrow")
CLASSES_AT_MOST = 100  # more different whole numbers than that are quantities, not classes


class Data(NamedTuple):
    """Rows, targets (None where a table has no such column), and the columns' names where it has any."""

    X: Any
    y: Any
    names: list[str] | None


def data_options(command: Any) -> Any:
    """Add what tells how to read a data file."""
    for option in (
        click.option("--target", help="The column to predict; needed for tables."),
        click.option("--features", "n_features", type=click.IntRange(min=1), help="Number of features of libsvm text."),
        click.option(
            "--cache/--no-cache", default=False, show_default=True, help="Keep a parsed copy beside libsvm text (.fgd)."
        ),
    ):
        command = option(command)
    return command


def read(path: Path, *, target: str | None, n_features: int | None, cache: bool) -> Data:
    """Read one file: libsvm text (whatever has no known ending), its cache, a table, or a .npz file with X and y."""
    import numpy as np

    from fastgd import io
    from fastgd.io import _cache, _load

    name = str(path)
    if name.lower().endswith(TABLES):
        table = io.load_table(path, target=target)
        return Data(table.X, table.y, table.feature_names)
    if target is not None:
        raise click.BadParameter(f"only tables have named columns; {name} is none.", param_hint="'--target'")
    if path.suffix == ".npz":
        arrays = io.load_arrays(path)
        if not isinstance(arrays, dict) or "X" not in arrays:
            raise click.BadParameter(
                f"{name} must hold the arrays X and y, as numpy.savez(path, X=X, y=y) writes them."
            )
        return Data(arrays["X"], arrays.get("y"), None)
    if path.suffix == _cache.SUFFIX:
        found = _load.mapped_rows(*_sizes(_cache.map_file(name)))
        return Data(found.X, found.y, None)
    with _progress(name) as progress:
        X, y = io.load_svmlight_file(path, n_features=n_features, dtype=np.float32, cache=cache, progress=progress)
    return Data(X, y, None)


def _sizes(found: tuple[dict, dict]) -> tuple[dict, int]:
    return found[0], found[1]["n_features"]


@contextmanager
def _progress(name: str) -> Iterator[Any]:
    """Show bytes and time left while a large file is parsed, on a terminal only."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"reading {Path(name).name}")
        yield lambda done, size: bar.update(task, completed=done, total=size or None)


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
    import numpy as np
    from scipy.sparse import csr_matrix, issparse

    X = data.X
    if names is not None:
        if data.names is None:
            raise click.BadParameter("the model was trained on a table with named columns; this file has no names.")
        place = {name: k for k, name in enumerate(data.names)}
        plain = [name for name in names if "=" not in name and name not in place]
        if plain:
            raise click.BadParameter(f"the model was trained on column {plain[0]!r}, which this table lacks.")
        X = csr_matrix(X)
        # A category that this table lacks is a column of zeros; one that the model has never seen is dropped.
        columns = np.array([place.get(name, X.shape[1]) for name in names])
        return csr_matrix((X.data, X.indices, X.indptr), shape=(X.shape[0], X.shape[1] + 1))[:, columns]
    if X.shape[1] == n_features:
        return X
    if issparse(X) and X.shape[1] < n_features:
        return csr_matrix((X.data, X.indices, X.indptr), shape=(X.shape[0], n_features))
    if issparse(X):
        return X[:, :n_features]
    raise click.BadParameter(f"the data have {X.shape[1]} features, the model has {n_features}.")
