"""The data sets of ``python -m bench.linear``; nothing here downloads."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.sparse

from bench.lanes import rcv1_like
from fastgd.datasets import DatasetNotFoundError, load_fashion_mnist

HOW_TO_A9A = (
    "download a9a and a9a.t from https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary.html "
    "and name their folder by --folder or FASTGD_DATA"
)
HOW_TO_FLIGHTS = (
    "pip install pyarrow; npm pack vega-datasets@3.2.1; tar xzf vega-datasets-3.2.1.tgz; "
    "and name the folder package/data by --folder or FASTGD_DATA"
)
A9A_FEATURES = 123
LATE = 15  # minutes, as the US Department of Transportation counts


class NotInstalledError(Exception):
    """A data set is not there; the message says how to get it."""


@dataclass(frozen=True)
class Task:
    """A classification problem with rows to train on and rows held out.

    Parameters
    ----------
    name, title : str
        What the command line and what the tables call it.
    X_train, y_train, X_test, y_test : arrays
        CSR or C-contiguous float32 rows; classes 0 ... n_classes - 1.
    alpha : float
        The strength of the L2 penalty, for everybody: near the one with which the exact solution has its lowest held-out loss.
    note : str
        Where the data is from.
    """

    name: str
    title: str
    X_train: scipy.sparse.csr_matrix | np.ndarray
    y_train: np.ndarray
    X_test: scipy.sparse.csr_matrix | np.ndarray
    y_test: np.ndarray
    alpha: float
    note: str = ""

    @property
    def n_classes(self) -> int:
        return int(self.y_train.max()) + 1

    @property
    def bytes(self) -> int:
        """The memory of the rows to train on, and of their classes."""
        X = self.X_train
        arrays = (X.data, X.indices, X.indptr) if scipy.sparse.issparse(X) else (X,)
        return sum(a.nbytes for a in (*arrays, self.y_train))

    def head(self, n: int) -> "Task":
        """Return the task with the first n rows of both parts."""
        return replace(
            self, X_train=self.X_train[:n], y_train=self.y_train[:n], X_test=self.X_test[:n], y_test=self.y_test[:n]
        )

    def describe(self) -> str:
        n, d = self.X_train.shape
        stored = f", {self.X_train.nnz / n:.3g} non-zeros a row" if scipy.sparse.issparse(self.X_train) else ", dense"
        return f"{n:,} + {len(self.y_test):,} rows x {d:,}{stored}, {self.n_classes} classes, float32; alpha {self.alpha:g}. {self.note}"


def _find(folders: Sequence[Path], *names: str) -> Path | None:
    """Return the first file with one of these names."""
    return next((path for folder in folders for name in names if (path := folder / name).is_file()), None)


def _split(X, y: np.ndarray, n_train: int) -> tuple:
    return X[:n_train], y[:n_train], X[n_train:], y[n_train:]


def rcv1(folders: Sequence[Path], quick: bool) -> Task:
    """Return synthetic rows shaped like RCV1."""
    n_train, n_test = (2_000, 1_000) if quick else (200_000, 50_000)
    X, y = rcv1_like(n_train + n_test)
    note = "Synthetic, shaped like RCV1: words popular by Zipf's law, noisy labels."
    return Task("rcv1", "RCV1-shaped (synthetic)", *_split(X, y.astype(np.int64), n_train), alpha=1e-6, note=note)


def fashion(folders: Sequence[Path], quick: bool) -> Task:
    """Return Fashion-MNIST."""
    try:
        data = load_fashion_mnist()
    except DatasetNotFoundError as error:
        raise NotInstalledError(str(error)) from None
    task = Task("fashion", "Fashion-MNIST", *data[:4], alpha=1e-6, note="Pixels in [0, 1].")
    return task.head(1_000) if quick else task


def a9a(folders: Sequence[Path], quick: bool) -> Task:
    """Return LIBSVM's a9a."""
    from sklearn.datasets import load_svmlight_file

    train, test = _find(folders, "a9a", "a9a.svm"), _find(folders, "a9a.t", "a9a.t.svm")
    if train is None or test is None:
        raise NotInstalledError(f"a9a is not there: {HOW_TO_A9A}")
    parts = []
    for path in (train, test):
        X, y = load_svmlight_file(str(path), n_features=A9A_FEATURES, dtype=np.float32, zero_based=False)
        narrow = X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)  # scikit-learn's solvers refuse int64
        parts += [scipy.sparse.csr_matrix(narrow, shape=X.shape), (y > 0).astype(np.int64)]
    task = Task("a9a", "a9a", *parts, alpha=1e-4, note="Census income, as encoded by LIBSVM.")
    return task.head(1_000) if quick else task


# ------------------------------------------------------------------------------------------------------------------------- flights


def _encoded(columns: list[np.ndarray], n_train: int) -> tuple:
    """Return one-hot rows of norm 1 of integer columns and their crosses, shuffled, as CSR in two parts, and the order.

    Columns: month, weekday, hour, distance class, origin, destination; crosses: origin with destination, with hour and with day of the
    year, destination with day of the year (weather).
    """
    month, weekday, hour, distance, day, origin, destination = columns
    places, days = max(origin.max(), destination.max()) + 1, day.max() + 1
    blocks = [
        (month, 12),
        (weekday, 7),
        (hour, 24),
        (distance, 32),
        (origin, places),
        (destination, places),
        (origin * places + destination, places**2),
        (origin * 24 + hour, places * 24),
        (origin * days + day, places * days),
        (destination * days + day, places * days),
    ]
    n = len(month)
    order = np.random.default_rng(0).permutation(n)
    indices = np.empty((n, len(blocks)), np.int32)
    begin = 0
    for k, (codes, size) in enumerate(blocks):
        indices[:, k] = begin + codes[order]
        begin += int(size)
    data = np.full(indices.size, 1 / np.sqrt(len(blocks)), np.float32)
    indptr = np.arange(0, indices.size + 1, len(blocks), dtype=np.int32)
    X = scipy.sparse.csr_matrix((data, indices.ravel(), indptr), shape=(n, begin))
    return X[:n_train], X[n_train:], order


def _read_flights(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Return integer columns and whether the flight was more than 15 minutes late."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    minutes = table["date"].to_numpy().astype("datetime64[m]").astype(np.int64)
    days = minutes // (24 * 60)
    month = table["date"].to_numpy().astype("datetime64[M]").astype(np.int64) % 12
    places = [table[name].combine_chunks().dictionary_encode() for name in ("origin", "destination")]
    names = np.unique(np.concatenate([p.dictionary.to_numpy(zero_copy_only=False).astype(str) for p in places]))
    origin, destination = (
        np.searchsorted(names, p.dictionary.to_numpy(zero_copy_only=False).astype(str))[p.indices.to_numpy()]
        for p in places
    )
    miles = table["distance"].to_numpy()
    distance = np.minimum(np.sqrt(miles / 5), 31).astype(np.int64)  # finer classes for short flights
    columns = [month, days % 7, minutes // 60 % 24, distance, days - days.min(), origin, destination]
    return columns, table["delay"].to_numpy() > LATE


def _synthetic_flights(n: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return columns with the cardinalities of the real ones, and labels of a noisy linear rule on days, hours and places."""
    rng = np.random.default_rng(0)
    popularity = 1 / np.arange(1, 230)
    popularity /= popularity.sum()
    origin, destination = (rng.choice(229, size=n, p=popularity) for _ in range(2))
    day, hour = rng.integers(181, size=n), rng.integers(5, 24, size=n)
    weather = rng.standard_normal((229, 181))
    score = 0.8 * weather[origin, day] + 0.5 * weather[destination, day] + 0.08 * (hour - 14) - 1.7
    late = rng.random(n) < 1 / (1 + np.exp(-score))
    return [day // 31, day % 7, hour, rng.integers(32, size=n), day, origin, destination], late


def flights(folders: Sequence[Path], quick: bool) -> Task:
    """Return the US flights of January to July 2001, or a labelled stand-in of their shape."""
    path = _find(folders, "flights-3m.parquet")
    n = 10_000 if quick else 3_000_000
    if quick:
        title, why = "synthetic flights-shaped", "quick"
    elif path is None:
        title, why = "synthetic flights-shaped", f"flights-3m.parquet is not there: {HOW_TO_FLIGHTS}"
    else:
        try:
            columns, late = _read_flights(path)
            title, why = "flights", ""
        except ImportError:
            title, why = "synthetic flights-shaped", f"pyarrow is not installed: {HOW_TO_FLIGHTS}"
    if why:
        columns, late = _synthetic_flights(n)
    n_train = len(late) * 9 // 10
    X_train, X_test, order = _encoded(columns, n_train)
    y = late[order].astype(np.int64)
    note = "One-hot columns and crosses; a tenth of the rows, at random, is held out."
    if why:
        note += f" Synthetic stand-in ({why})."
    return Task("flights", title, X_train, y[:n_train], X_test, y[n_train:], alpha=1e-7, note=note)


TASKS: dict[str, Callable[[Sequence[Path], bool], Task]] = {
    "rcv1": rcv1,
    "fashion": fashion,
    "a9a": a9a,
    "flights": flights,
}


def folders_of(given: Sequence[Path]) -> list[Path]:
    """Return the folders to look in: those of the command line, then $FASTGD_DATA."""
    own = os.environ.get("FASTGD_DATA")
    return [*given, *([Path(own)] if own else [])]
