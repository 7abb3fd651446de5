"""libsvm / svmlight text, read by compiled code in threads: strict, with the place of every flaw."""

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastgd import _validation
from fastgd._kernels import execute
from fastgd.io._files import Block, DataFileError, TextFile
from fastgd.io._threads import in_order

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Flaw = execute.text_table().Flaw
ALLOWANCES = ("unsorted", "duplicates", "nonfinite", "no_rows", "expansion")
MARGIN = 1.05  # the room that is made for a file, over what its first block lets expect
NO_INDEX = 2**31  # what `parse` reports as the lowest index where there is none
_MEANINGS = {
    Flaw.LABEL: "expected a number as the label, found {token}",
    Flaw.LABEL_END: "expected a blank after the label, found {token}; labels such as 1,2 need multilabel=True",
    Flaw.INDEX: "expected a feature index (digits), found {token}",
    Flaw.COLON: "expected ':' after the feature index, found {token}",
    Flaw.VALUE: "expected a number after ':', found {token}",
    Flaw.VALUE_END: "expected a blank after the value, found {token}",
    Flaw.ORDER: "feature index {token} after a larger one; indices must ascend, or pass allow=('unsorted',)",
    Flaw.DUPLICATE: "feature index {token} twice; pass allow=('duplicates',) to add the values",
    Flaw.ZERO_INDEX: "feature index {token}, but indices begin at 1; pass zero_based=True if they begin at 0",
    Flaw.LARGE_INDEX: "feature index {token} is too large; the largest is 2147483646",
    Flaw.NONFINITE: "{token} is not finite in this dtype; pass allow=('nonfinite',) to keep it",
    Flaw.QID: "expected qid: and an integer of at most 2**63 - 1 in size, found {token}",
    Flaw.QID_TWICE: "qid twice",
    Flaw.CARRIAGE_RETURN: "a carriage return without a line feed; convert the line ends",
    Flaw.NUL: "a NUL byte: this is not a text file, or it is damaged",
}


class Room:
    """Arrays for so many rows, entries and labels; pages that are never written cost nothing.

    Attributes
    ----------
    size, used : list of int
        The numbers of rows, entries and labels: how many there is room for, and how many are taken.
    """

    KINDS = (("ends", "label_ends", "qids"), ("values", "indices"), ("labels",))  # of rows, of entries, of labels

    def __init__(self, dtype: np.dtype, size: list[int]):
        rows, entries, labels = self.size = size
        self.used = [0, 0, 0]
        self.values, self.indices = np.empty(entries, dtype), np.empty(entries, np.int32)
        self.ends, self.label_ends, self.qids = (np.empty(rows, np.int64) for _ in range(3))
        self.labels = np.empty(labels, np.float64)

    def holds(self, more: list[int]) -> bool:
        """Say whether there is room for so many more rows, entries and labels."""
        return all(used + n <= size for used, n, size in zip(self.used, more, self.size, strict=True))


class Piece(NamedTuple):
    """A block, where its rows go, and what was found in it."""

    block: Block
    room: Room
    begins: list[int]
    bounds: list[int]
    base: int
    found: Any = None


class Lines:
    """The rows of blocks of text.

    `place` takes the blocks in their order; `parse` may then run in any thread; `add` takes the pieces in their order again.

    Parameters
    ----------
    name : str
        The file's, for messages.
    dtype : dtype
        Of the values, float32 or float64.
    base : int or None
        What is subtracted from every index: 1 where indices begin at 1; None to see from the text.
    multilabel : bool
        Whether a line may have any number of labels.
    allow : collection of str
        Some of ``ALLOWANCES``.
    size : int
        About how many bytes the blocks have together, 0 if unknown.
    ahead : bool
        Whether blocks are placed before the ones before them are added.
    """

    def __init__(
        self,
        name: str,
        dtype: np.dtype,
        *,
        base: int | None,
        multilabel: bool,
        allow: Iterable[str],
        size: int = 0,
        ahead: bool = False,
    ):
        self.name, self.dtype, self.size, self.lines = name, dtype, size, 0
        self.base = 1 if base is None else base
        self._options = {
            "least": base or 0,
            "multilabel": multilabel,
            **{each: each in allow for each in ("unsorted", "duplicates", "nonfinite")},
        }
        self._ahead, self._placed = ahead, 0
        self._pieces: list[Piece] = []
        self._room = Room(dtype, [0, 0, 0])
        self.rows = self.entries = self.n_labels = 0
        self.lowest, self.highest, self.unsorted = NO_INDEX, -1, False

    def place(self, block: Block) -> Piece:
        """Find room for the rows of one block."""
        if not self._ahead and self._pieces:  # the last piece is done: no gap behind it
            self._room.used = [
                begin + n for begin, n in zip(self._pieces[-1].begins, self._pieces[-1].found, strict=False)
            ]
        # A row has at least 2 bytes, an entry 4, a label 2. Where others wait for their place, gaps so large would have to be closed.
        bounds = [block.size // 2 + 1, block.size // 4 + 1, block.size // 2 + 1]
        if self._ahead or not self._room.holds(bounds):
            bounds = execute.text_table().count(block.text, 0, block.size)
        if not self._room.holds(bounds):
            # The rest of the text is expected to be like this block, and of unknown length as long as all before.
            rest = MARGIN * (self.size - self._placed) if self.size else self._placed
            times = max(1.0, rest / block.size)
            self._room = Room(self.dtype, [int(times * n) for n in bounds])
        self._placed += block.size
        room, begins = self._room, self._room.used
        room.used = [used + n for used, n in zip(begins, bounds, strict=True)]
        return Piece(block, room, begins, bounds, self.base)

    def parse(self, piece: Piece) -> Piece:
        """Parse one block to where it was placed."""
        row, entry, label = piece.begins
        room = piece.room
        found = execute.text_table().parse(
            piece.block.text,
            0,
            piece.block.size,
            piece.bounds,
            room.values[entry:],
            room.indices[entry:],
            room.ends[row:],
            room.labels[label:],
            room.label_ends[row:],
            room.qids[row:],
            base=piece.base,
            **self._options,
        )
        return piece._replace(found=found)

    def add(self, piece: Piece) -> None:
        """Take the next block's rows; raise for its first flaw."""
        rows, entries, labels, lowest, highest, unsorted, flaw, place, lines = piece.found
        if flaw:
            raise self._flaw(piece.block.text, Flaw(flaw), place)
        self._pieces.append(piece)
        self.rows, self.entries, self.n_labels = self.rows + rows, self.entries + entries, self.n_labels + labels
        self.lines += lines
        self.lowest, self.highest = min(self.lowest, lowest), max(self.highest, highest)
        self.unsorted = self.unsorted or bool(unsorted)
        if self.lowest < self.base:  # a first index 0: what was taken for text whose indices begin at 1 is not
            self.base = 0

    def close_up(self) -> Room:
        """Return all rows without the gaps that comments and blank lines left."""
        pieces, self._pieces = self._pieces, []
        here = all(piece.room is self._room for piece in pieces)
        room = self._room if here else Room(self.dtype, [self.rows, self.entries, self.n_labels])
        room.used = [0, 0, 0]
        for piece in pieces:
            begins, room.used = room.used, [to + n for to, n in zip(room.used, piece.found, strict=False)]
            for names, source, begin, end in zip(Room.KINDS, piece.begins, begins, room.used, strict=True):
                for name in names if piece.room is not room or source != begin else ():
                    getattr(room, name)[begin:end] = getattr(piece.room, name)[source : source + end - begin]
            rows, entries, _ = map(slice, begins, room.used)
            room.ends[rows] += begins[1]
            room.label_ends[rows] += begins[2]
            if piece.base != self.base:
                room.indices[entries] += 1
        return room

    def matrix(self, room: Room, n_features: int) -> "csr_matrix":
        """Return the rows as a CSR matrix; the entries are handed over, not copied."""
        from scipy.sparse import csr_matrix

        starts = np.zeros(self.rows + 1, np.int32 if self.entries < 2**31 else np.int64)
        starts[1:] = room.ends[: self.rows]
        X = csr_matrix(
            (room.values[: self.entries], room.indices[: self.entries], starts), shape=(self.rows, n_features)
        )
        if self.unsorted:
            X.sort_indices()
            X.sum_duplicates()
        else:
            X.has_canonical_format = True
        return X

    def _flaw(self, text: memoryview, flaw: int, place: int) -> DataFileError:
        before = bytes(text[:place])
        line = self.lines + before.count(b"\n") + 1
        column = place - (before.rfind(b"\n") + 1) + 1
        rest = bytes(text[place : place + 40]).split(b"\n")[0]
        token = rest.split()[0] if rest.split() and not rest[:1].isspace() else b""
        if flaw in (Flaw.ORDER, Flaw.DUPLICATE, Flaw.ZERO_INDEX, Flaw.LARGE_INDEX):
            token = token.split(b":")[0]
        shown = (
            token.decode("ascii", "backslashreplace")
            if token
            else "a blank"
            if rest[:1].strip() != rest[:1]
            else "the end of the line"
        )
        return DataFileError(
            f"{self.name}:{line}:{column}: {_MEANINGS[flaw].format(token=_validation.shortened(shown, 40))}"
        )


class Svmlight(NamedTuple):
    """What `read` found: the matrix, the labels, the query ids."""

    X: "csr_matrix"
    y: Any
    qid: np.ndarray | None


def read(
    source: Any,
    *,
    n_features: int | None,
    dtype: Any,
    multilabel: bool,
    zero_based: bool | str,
    query_id: bool,
    offset: int,
    length: int,
    allow: tuple[str, ...],
    n_threads: int | None,
    progress: Callable[[int, int], None] | None,
) -> Svmlight:
    """Read one file; the arguments are those of `load_svmlight_file`, checked."""
    threads = n_threads or execute.thread_limit()
    with TextFile(source, expansion="expansion" in allow, offset=offset, length=length) as file:
        base = None if zero_based == "auto" else int(not zero_based)
        size = 0 if file.compressed else file.size
        ahead = threads > 1
        lines = Lines(file.name, dtype, base=base, multilabel=multilabel, allow=allow, size=size, ahead=ahead)
        try:
            with closing(in_order(lines.parse, map(lines.place, file.blocks()), threads)) as pieces:
                for piece in pieces:
                    lines.add(piece)
                    file.reuse(piece.block)
                    if progress is not None:
                        progress(file.bytes_read, file.size)
        except DataFileError:
            file.require_unchanged()  # else that is the reason
            raise
    if lines.rows == 0 and "no_rows" not in allow:
        raise DataFileError(
            f"{file.name}: no rows: the file is empty or all comments. Pass allow=('no_rows',) to accept that."
        )
    found = lines.highest + 1 - lines.base
    if n_features is not None and found > n_features:
        raise _validation.value_error(
            "load_svmlight_file", "n_features", f"at least {found}, as {file.name} has", n_features
        )
    rows = lines.close_up()
    X = lines.matrix(rows, max(found, 1) if n_features is None else n_features)
    return Svmlight(X, _labels(lines, rows, multilabel), rows.qids[: lines.rows].copy() if query_id else None)


def _labels(lines: Lines, rows: Room, multilabel: bool) -> Any:
    if not multilabel:
        return rows.labels[: lines.rows].copy()
    flat = rows.labels[: lines.n_labels].tolist()
    ends = rows.label_ends[: lines.rows].tolist()
    return [tuple(sorted(flat[begin:end])) for begin, end in zip([0, *ends], ends, strict=False)]
