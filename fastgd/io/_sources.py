"""Where a stream's rows come from: each kind of file as parts of some thousand rows, from any place on."""

import os
from collections.abc import Generator
from contextlib import closing
from typing import Any, NamedTuple, Protocol

import numpy as np

from fastgd._kernels import execute
from fastgd.io import _cache
from fastgd.io._files import Block, DataChangedError, DataFileError, TextFile, identity_of
from fastgd.io._svmlight import Lines, Piece
from fastgd.io._threads import in_order

PART = 1 << 14  # rows read at once from a cache


class Part(NamedTuple):
    """Rows of one file, and where the next part begins: numbers that `parts` of the same source takes."""

    X: Any
    y: np.ndarray
    next: tuple[int, ...]


class Source(Protocol):
    """One file. A place is a tuple of ints; the empty one is the beginning."""

    name: str
    n_features: int

    def parts(self, place: tuple[int, ...]) -> Generator[Part, None, None]:
        """Yield the parts from a place on."""

    def labels(self) -> np.ndarray:
        """Return the different labels of all rows."""


class TextSource:
    """libsvm text, parsed block by block; a place is (byte, line) where a block begins."""

    def __init__(self, name: str, n_features: int, dtype: np.dtype, zero_based: bool, allow: tuple[str, ...]):
        self.name, self.n_features = name, n_features
        self._dtype, self._zero_based, self._allow = dtype, zero_based, allow
        with TextFile(name, expansion="expansion" in allow):  # so that a missing file is missed at once
            pass

    def labels(self) -> np.ndarray:
        """Return the different labels, from a pass over the text."""
        return np.unique(np.concatenate([np.empty(0), *(np.unique(part.y) for part in self.parts(()))]))

    def parts(self, place: tuple[int, ...]) -> Generator[Part, None, None]:
        """Yield the rows of each block."""
        begin, line = place or (0, 0)
        base = int(not self._zero_based)

        def parsed(block: Block) -> tuple[Lines, Piece]:
            lines = Lines(self.name, self._dtype, base=base, multilabel=False, allow=self._allow)
            return lines, lines.parse(lines.place(block))

        with (
            TextFile(self.name, expansion="expansion" in self._allow) as file,
            closing(in_order(parsed, file.blocks(begin), execute.thread_limit())) as found,
        ):
            for lines, piece in found:
                lines.lines = line
                lines.add(piece)
                if lines.highest - base >= self.n_features:
                    raise DataFileError(
                        f"{self.name}: feature index {lines.highest} after line {line}, but n_features={self.n_features}"
                        f"{'' if base else ' and indices begin at 0'}. Pass a larger n_features."
                    )
                begin, line = begin + piece.block.size, lines.lines
                file.reuse(piece.block)
                if lines.rows:
                    rows = lines.close_up()
                    yield Part(lines.matrix(rows, self.n_features), rows.labels[: lines.rows], (begin, line))


class CacheSource:
    """A cache that `load_svmlight_file` wrote, read piece by piece; a place is (row,). Nothing is mapped, see `_files.py`."""

    def __init__(self, name: str):
        self.name = name
        self._identity = identity_of(os.stat(name))
        arrays, config = _cache.map_file(name)
        entries, _, begin = _cache.entries_of(name)
        self.n_features: int = config["n_features"]
        self._offsets = {entry.name: begin + entry.begin for entry in entries}
        self._dtypes = {each: arrays[each].dtype for each in ("data", "indices")}
        self._starts = np.array(arrays["indptr"], np.int64)
        self._y = np.array(arrays["y"])

    def labels(self) -> np.ndarray:
        """Return the different labels."""
        return np.unique(self._y)

    def parts(self, place: tuple[int, ...]) -> Generator[Part, None, None]:
        """Yield `PART` rows at a time."""
        from scipy.sparse import csr_matrix

        row = place[0] if place else 0
        descriptor = os.open(self.name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while row < len(self._y):
                stop = min(row + PART, len(self._y))
                first, last = int(self._starts[row]), int(self._starts[stop])
                values = self._read(descriptor, "data", first, last)
                indices = self._read(descriptor, "indices", first, last)
                if identity_of(os.fstat(descriptor)) != self._identity:
                    raise DataChangedError(f"{self.name} changed while it was read. Begin again.")
                if len(indices) and indices.view(f"u{indices.itemsize}").max() >= self.n_features:  # or below 0
                    raise DataFileError(
                        f"{self.name} is a damaged data cache: a column of rows {row} to {stop - 1} is not one of {self.n_features}. "
                        "Remove it, and make it anew."
                    )
                starts = self._starts[row : stop + 1] - first
                X = csr_matrix((values, indices, starts.astype(indices.dtype)), shape=(stop - row, self.n_features))
                yield Part(X, self._y[row:stop], (stop,))
                row = stop
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int, name: str, first: int, last: int) -> np.ndarray:
        """Return elements of one array, read at their place in the file."""
        found = np.empty(last - first, self._dtypes[name])
        view = found.data.cast("B")
        at, done = self._offsets[name] + first * found.itemsize, 0
        while done < len(view):
            n = os.preadv(descriptor, [view[done:]], at + done)
            if n == 0:
                raise DataChangedError(f"{self.name} ended while it was read. Begin again.")
            done += n
        return found
