"""Batches of rows of files that are larger than memory: read ahead, shuffled within a buffer, resumable."""

import os
import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from fastgd._validation import ArgumentValueError, boolean, integer, type_error, value_error
from fastgd.io import _cache
from fastgd.io._gather import between, gathered
from fastgd.io._load import checked_allow, checked_dtype
from fastgd.io._sources import CacheSource, Part, Source, TextSource

OWNER = "stream"
Place = tuple[int, tuple[int, ...], int]  # file, place of a part in it, rows of that part to skip


class Stream:
    """Batches ``(X, y)`` of the rows of some files: one pass over them for each iteration. Made by `stream`.

    Attributes
    ----------
    n_features : int
        The number of columns of every batch.
    batch_size : int
        Rows of a batch; the last one of a buffer or of the files may have fewer.
    epoch : int
        Passes completed or begun so far: what the shuffle of the current pass depends on.
    """

    def __init__(
        self,
        sources: list[Source],
        *,
        n_features: int,
        batch_size: int,
        buffer: int,
        shuffle: bool,
        seed: int,
        read_ahead: bool,
    ):
        self.n_features, self.batch_size = n_features, batch_size
        self.epoch = 0
        self._sources, self._buffer, self._shuffle, self._seed = sources, buffer, shuffle, seed
        self._read_ahead = read_ahead
        self._begin: tuple[Place, int, int] = (
            (0, (), 0),
            0,
            0,
        )  # where a buffer begins, its number, batches of it to skip

    def __repr__(self) -> str:
        names = ", ".join(os.path.basename(source.name) for source in self._sources)
        return f"<fastgd.io.Stream of {names}: {self.n_features} features, batches of {self.batch_size} rows>"

    @property
    def position(self) -> dict[str, Any]:
        """Where the next batch begins, for `seek` of a stream with the same arguments: JSON, a few numbers."""
        (file, part, rows), number, batches = self._begin
        return {
            "epoch": self.epoch,
            "file": file,
            "part": list(part),
            "rows": rows,
            "buffer": number,
            "batches": batches,
        }

    def seek(self, position: dict[str, Any]) -> None:
        """Go on at a position that was read before, perhaps in another process.

        Parameters
        ----------
        position : dict
            What `position` was.

        Raises
        ------
        ArgumentValueError
            If it is not a position in these files.
        """
        names = ("epoch", "file", "part", "rows", "buffer", "batches")
        if not isinstance(position, dict) or sorted(position) != sorted(names):
            raise value_error("Stream.seek", "position", f"a dict with {', '.join(names)}", position)
        epoch, file, rows, number, batches = (
            integer(position[name], "Stream.seek", name, low=0) for name in names if name != "part"
        )
        part = tuple(integer(each, "Stream.seek", "part", low=0) for each in position["part"])
        if file >= len(self._sources):
            raise value_error("Stream.seek", "file", f"below {len(self._sources)}, the number of files", file)
        self.epoch, self._begin = epoch, ((file, part, rows), number, batches)

    def labels(self) -> np.ndarray:
        """Return the different labels of all rows, sorted: of caches at once, of text in a pass that does not move the position."""
        return np.unique(np.concatenate([source.labels() for source in self._sources]))

    def __iter__(self) -> Iterator[tuple[Any, np.ndarray]]:
        """Yield the batches from the position on, to the end of the pass; then the position is the beginning of the next one."""
        buffers = self._buffers()
        source = _ahead(buffers) if self._read_ahead else buffers
        try:
            for X, y, here, after in source:
                place, number, skip = here
                for k, begin in enumerate(range(0, len(y), self.batch_size)):
                    if k < skip:
                        continue
                    stop = begin + self.batch_size
                    self._begin = (place, number, k + 1) if stop < len(y) else after
                    yield between(X, begin, stop), y[begin:stop]
        finally:
            source.close()
        self.epoch += 1
        self._begin = ((0, (), 0), 0, 0)

    def _buffers(self) -> Generator[tuple[Any, np.ndarray, tuple, tuple], None, None]:
        """Yield (X, y, position of its beginning, position behind it) of each buffer, shuffled."""
        (place, number, skip), epoch = self._begin, self.epoch
        parts: list[Part] = []
        begin, rows = place, 0
        for part, here, after in self._parts(place):
            taken = 0
            n = len(part.y)
            while rows + n - taken >= self._buffer:
                cut = taken + self._buffer - rows
                parts.append(Part(between(part.X, taken, cut), part.y[taken:cut], ()))
                next_place = (here[0], here[1], here[2] + cut) if cut < n else after
                yield (*self._shuffled(parts, epoch, number), (begin, number, skip), (next_place, number + 1, 0))
                begin, number, skip, parts, rows, taken = next_place, number + 1, 0, [], 0, cut
            if taken < n:
                parts.append(Part(between(part.X, taken, n), part.y[taken:], ()))
                rows += n - taken
        if parts:
            end = (len(self._sources), (), 0)
            yield (*self._shuffled(parts, epoch, number), (begin, number, skip), (end, number + 1, 0))

    def _parts(self, place: Place) -> Iterator[tuple[Part, Place, Place]]:
        """Yield each part from a place on, with the place of its first row and the place behind it."""
        file, at, skip = place
        for k in range(file, len(self._sources)):
            for part in self._sources[k].parts(at):
                if skip < len(part.y):
                    yield Part(between(part.X, skip, len(part.y)), part.y[skip:], ()), (k, at, skip), (k, part.next, 0)
                at, skip = part.next, 0
            at = ()

    def _shuffled(self, parts: list[Part], epoch: int, number: int) -> tuple[Any, np.ndarray]:
        y = np.concatenate([part.y for part in parts])
        if not self._shuffle:
            return gathered([part.X for part in parts], None), y
        order = np.random.default_rng((self._seed, epoch, number)).permutation(len(y))
        return gathered([part.X for part in parts], order), y[order]


def _ahead(items: Generator) -> Generator:
    """Yield the items, the next one being made by a thread meanwhile."""
    ready: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=1)
    stopped = threading.Event()

    def put(item: tuple[str, Any]) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.05)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(("item", item)):
                    return
            put(("end", None))
        except BaseException as error:
            put(("error", error))

    thread = threading.Thread(target=work, name="fastgd-read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            kind, item = ready.get()
            if kind == "end":
                return
            if kind == "error":
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
        items.close()


def stream(
    paths: Any,
    *,
    batch_size: int = 8192,
    n_features: int | None = None,
    dtype: Any = np.float32,
    zero_based: bool = False,
    shuffle: bool = True,
    buffer: int = 65536,
    seed: int = 0,
    read_ahead: bool = True,
    allow: Iterable[str] = (),
) -> Stream:
    """Iterate over the rows of files in batches, without ever holding more than two buffers of rows in memory.

    Parameters
    ----------
    paths : str, path, or list of these
        libsvm text, which may be compressed, or caches (.fgd) that `load_svmlight_file` made; in this order.
    batch_size : int, default=8192
        Rows of a batch.
    n_features : int, optional
        The number of columns; needed for text, whose last row may have the largest index.
    dtype : {numpy.float32, numpy.float64}
        Of the values of text; caches have their own.
    zero_based : bool, default=False
        Whether indices in text begin at 0.
    shuffle : bool, default=True
        Shuffle the rows of each buffer, anew in each pass; a function of `seed`, pass and buffer alone. Files that are sorted by label or
        time should be shuffled as a whole first.
    buffer : int, default=65536
        Rows of a buffer; more than `batch_size`, else every batch is a buffer of its own.
    seed : int, default=0
        Of the shuffles.
    read_ahead : bool, default=True
        Prepare the next buffer in a thread while the last one is trained on.
    allow : collection of str
        As of `load_svmlight_file`.

    Returns
    -------
    Stream
        Each iteration over it is one pass. `Stream.position` and `Stream.seek` go on in the middle of one.

    Raises
    ------
    DataFileError
        For an unusable row, with file, line and column, when that row is reached.
    DataChangedError
        If a file changes while it is read.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastgd.io import stream
    >>> from fastgd.linear_model import SGDClassifier
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "data.svm")
    ...     with open(path, "w") as file:
    ...         _ = file.write("1 1:1 2:1\\n-1 1:-1\\n1 2:2\\n")
    ...     model = SGDClassifier()
    ...     for X, y in stream(path, n_features=2, batch_size=2):
    ...         _ = model.partial_fit(X, y, classes=[-1, 1])
    >>> model.predict([[1.0, 1.0]])
    array([1])
    """
    names = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not names:
        raise value_error(OWNER, "paths", "at least one file", paths)
    batch_size = integer(batch_size, OWNER, "batch_size", low=1)
    buffer = max(integer(buffer, OWNER, "buffer", low=1), batch_size)
    if n_features is not None:
        n_features = integer(n_features, OWNER, "n_features", low=1)
    sources = [
        _source(name, n_features, checked_dtype(dtype, OWNER), zero_based, checked_allow(allow, OWNER))
        for name in names
    ]
    for source, other in pairwise(sources):
        if source.n_features != other.n_features:
            counts = f"{source.name} has {source.n_features}, {other.name} has {other.n_features}"
            raise ArgumentValueError(f"the files must have the same number of features; {counts}.")
    return Stream(
        sources,
        n_features=sources[0].n_features,
        batch_size=batch_size,
        buffer=buffer,
        shuffle=boolean(shuffle, OWNER, "shuffle"),
        seed=integer(seed, OWNER, "seed", low=0),
        read_ahead=boolean(read_ahead, OWNER, "read_ahead"),
    )


def _source(path: Any, n_features: int | None, dtype: np.dtype, zero_based: Any, allow: tuple[str, ...]) -> Source:
    if not isinstance(path, (str, os.PathLike)):
        raise type_error(OWNER, "paths", "names of files", path)
    name = os.fspath(path)
    if name.endswith(_cache.SUFFIX):
        return CacheSource(name)
    if n_features is None:
        raise value_error(
            OWNER, "n_features", "given for text", None, f"{name} would have to be read to the end to tell."
        )
    return TextSource(name, n_features, dtype, boolean(zero_based, OWNER, "zero_based"), allow)
