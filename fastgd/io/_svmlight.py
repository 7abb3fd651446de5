"""libsvm / svmlight text, read by compiled code in threads: strict, with the place of every flaw."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastgd import _validation
from fastgd._kernels import execute
from fastgd.io._files import Block, DataFileError, TextFile

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Flaw = execute.text_table().Flaw
ALLOWANCES = ("unsorted", "duplicates", "nonfinite", "no_rows", "expansion")
NO_INDEX = 2**31  # what `parse` reports as the lowest index where there is none
SMALLEST_PIECE = 1 << 16  # bytes: less is not worth a thread
_MARKS = {b"\xef\xbb\xbf": "a byte order mark", b"\xff\xfe": "the mark of UTF-16", b"\xfe\xff": "the mark of UTF-16"}
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


class Lines:
    """Arrays that grow as blocks of text are parsed into them.

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
    threads : int
        How many pieces of a block are parsed at once.
    """

    def __init__(
        self, name: str, dtype: np.dtype, *, base: int | None, multilabel: bool, allow: Iterable[str], threads: int
    ):
        self.name = name
        self.threads = threads
        self.expected = 1.0
        self.base = 1 if base is None else base
        self._options = {
            "least": base or 0,
            "multilabel": multilabel,
            **{each: each in allow for each in ("unsorted", "duplicates", "nonfinite")},
        }
        self.values = np.empty(0, dtype)
        self.indices = np.empty(0, np.int32)
        self.ends = np.empty(0, np.int64)
        self.labels = np.empty(0, np.float64)
        self.label_ends = np.empty(0, np.int64)
        self.qids = np.empty(0, np.int64)
        self.begin(0)

    def begin(self, lines: int) -> None:
        """Forget all rows; `lines` of the file lie before the next block."""
        self.rows = self.entries = self.n_labels = 0
        self.lines = lines
        self.lowest, self.highest, self.unsorted = NO_INDEX, -1, False

    def append(self, block: Block, pool: ThreadPoolExecutor | None) -> None:
        """Parse one block of whole lines."""
        text = block.text
        if self.lines == 0:
            for mark, meaning in _MARKS.items():
                if block.size >= len(mark) and bytes(text[: len(mark)]) == mark:
                    raise DataFileError(
                        f"{self.name}:1:1: {meaning}; the file must be plain ASCII or UTF-8 without a mark"
                    )
        bounds = _cuts(block, self.threads if pool else 1)
        begins, stops = bounds[:-1], bounds[1:]
        run: Callable[..., Any] = pool.map if pool and len(begins) > 1 else map
        # Counting takes less time than waking a thread for it would.
        counts = list(map(execute.text_table().count, repeat(text), begins, stops))
        newlines, colons, commas = (list(accumulate((each[k] for each in counts), initial=0)) for k in range(3))
        self._reserve(newlines[-1], colons[-1], newlines[-1] + commas[-1])
        rows = [self.rows + n for n in newlines]
        entries = [self.entries + n for n in colons]
        labels = [self.n_labels + n + m for n, m in zip(newlines, commas, strict=True)]
        results = list(run(self._parse, repeat(text), begins, stops, counts, rows, entries, labels))
        for k, result in enumerate(results):
            if result[6]:
                raise self._flaw(text[begins[k] : stops[k]], Flaw(result[6]), result[7], self.lines + newlines[k])
            self._close_up(rows[k], entries[k], labels[k], result)
        self.lines += newlines[-1]
        if self.lowest < self.base:  # a first index 0: what was taken for text whose indices begin at 1 is not
            self.indices[: self.entries] += 1
            self.base = 0

    def _parse(
        self, text: memoryview, begin: int, end: int, counts: tuple[int, ...], row: int, entry: int, label: int
    ) -> tuple[int, ...]:
        found: tuple[int, ...] = execute.text_table().parse(
            text,
            begin,
            end,
            counts,
            self.values[entry:],
            self.indices[entry:],
            self.ends[row:],
            self.labels[label:],
            self.label_ends[row:],
            self.qids[row:],
            base=self.base,
            **self._options,
        )
        return found

    def _reserve(self, rows: int, entries: int, labels: int) -> None:
        """Make room for this many more, and for `expected` times as many at the first block: pages never written cost nothing."""
        for names, used, more in (
            (("values", "indices"), self.entries, entries),
            (("ends", "label_ends", "qids"), self.rows, rows),
            (("labels",), self.n_labels, labels),
        ):
            for name in names:
                array = getattr(self, name)
                if used + more > len(array):
                    wanted = max(used + more, int(more * self.expected), len(array) + len(array) // 2)
                    grown = np.empty(wanted, array.dtype)
                    grown[:used] = array[:used]
                    setattr(self, name, grown)

    def _close_up(self, row: int, entry: int, label: int, result: tuple[int, ...]) -> None:
        """Move a piece's rows to the end of those before it: comments and blank lines left gaps."""
        rows, entries, labels, lowest, highest, unsorted = result[:6]
        for name, begin, n, to in (
            ("values", entry, entries, self.entries),
            ("indices", entry, entries, self.entries),
            ("ends", row, rows, self.rows),
            ("label_ends", row, rows, self.rows),
            ("qids", row, rows, self.rows),
            ("labels", label, labels, self.n_labels),
        ):
            if to != begin:
                array = getattr(self, name)
                array[to : to + n] = array[begin : begin + n]
        self.ends[self.rows : self.rows + rows] += self.entries
        self.label_ends[self.rows : self.rows + rows] += self.n_labels
        self.rows, self.entries, self.n_labels = self.rows + rows, self.entries + entries, self.n_labels + labels
        self.lowest, self.highest = min(self.lowest, lowest), max(self.highest, highest)
        self.unsorted = self.unsorted or bool(unsorted)

    def _flaw(self, piece: memoryview, flaw: int, place: int, lines: int) -> DataFileError:
        before = bytes(piece[:place])
        line = lines + before.count(b"\n") + 1
        column = place - (before.rfind(b"\n") + 1) + 1
        rest = bytes(piece[place : place + 40]).split(b"\n")[0]
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

    def matrix(self, n_features: int) -> "csr_matrix":
        """Return the rows as a CSR matrix; the entries are handed over, not copied."""
        from scipy.sparse import csr_matrix

        values, indices = self.values[: self.entries], self.indices[: self.entries]
        starts = np.zeros(self.rows + 1, np.int64)
        starts[1:] = self.ends[: self.rows]
        if self.entries < 2**31:
            starts = starts.astype(np.int32)
        X = csr_matrix((values, indices, starts), shape=(self.rows, n_features))
        if self.unsorted:
            X.sort_indices()
            X.sum_duplicates()
        else:
            X.has_canonical_format = True
        self.values, self.indices = np.empty(0, values.dtype), np.empty(0, np.int32)
        return X


def _cuts(block: Block, most: int) -> list[int]:
    """Return where to cut a block, at newlines, into up to `most` pieces of about the same length: both ends included."""
    wanted = max(1, min(most, block.size // SMALLEST_PIECE))
    cuts = [0]
    for k in range(1, wanted):
        cut = block.find_newline(k * block.size // wanted) + 1
        if cuts[-1] < cut < block.size:
            cuts.append(cut)
    return [*cuts, block.size]


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
    with (
        TextFile(source, expansion="expansion" in allow, offset=offset, length=length) as file,
        ThreadPoolExecutor(threads) as pool,
    ):
        base = None if zero_based == "auto" else int(not zero_based)
        lines = Lines(file.name, dtype, base=base, multilabel=multilabel, allow=allow, threads=threads)
        for block in file.blocks():
            if lines.lines == 0 and not file.compressed:
                lines.expected = 1.05 * file.size / block.size
            try:
                lines.append(block, pool if threads > 1 else None)
            except DataFileError:
                file.require_unchanged()  # else that is the reason
                raise
            finally:
                block.text.release()
            if progress is not None:
                progress(file.bytes_read, file.size)
    if lines.rows == 0 and "no_rows" not in allow:
        raise DataFileError(
            f"{file.name}: no rows: the file is empty or all comments. Pass allow=('no_rows',) to accept that."
        )
    found = lines.highest + 1 - lines.base
    if n_features is not None and found > n_features:
        raise _validation.value_error(
            "load_svmlight_file", "n_features", f"at least {found}, as {file.name} has", n_features
        )
    X = lines.matrix(max(found, 1) if n_features is None else n_features)
    return Svmlight(X, _labels(lines, multilabel), lines.qids[: lines.rows].copy() if query_id else None)


def _labels(lines: Lines, multilabel: bool) -> Any:
    if not multilabel:
        return lines.labels[: lines.rows].copy()
    flat = lines.labels[: lines.n_labels].tolist()
    ends = lines.label_ends[: lines.rows].tolist()
    return [tuple(sorted(flat[begin:end])) for begin, end in zip([0, *ends], ends, strict=False)]
