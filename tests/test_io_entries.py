"""Runs of plain entries of libsvm text: the bits of Python's float on every processor level, every flaw in its place, any block borders."""

import io
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgd._kernels import execute
from fastgd.io import DataFileError, _files, load_svmlight_file

from .executors import LEVELS
from .test_io_svmlight import DAMAGED

# Runs begin a few bytes behind the beginning of the text: what follows this line may be in one, what has nothing before it is not.
AHEAD = "# " + "x" * 70 + "\n"
TABLES = {level: execute.text_table(level) for level in LEVELS}
LENIENT = {"allow": ("unsorted", "duplicates", "nonfinite", "no_rows")}


def read(text, **options):
    return load_svmlight_file(io.BytesIO(text.encode() if isinstance(text, str) else text), **options)


def outcome(text, **options):
    """Return the arrays' bytes, or the place and the words of the error."""
    try:
        X, y = read(text, **options)
    except DataFileError as error:
        place = re.match(r"<file>:(\d+):(\d+): (.*)", str(error))
        return (int(place[1]), int(place[2]), place[3]) if place else (str(error),)
    return X.shape, X.indptr.tolist(), X.indices.tolist(), X.data.tobytes(), y.tobytes()


@pytest.fixture(params=LEVELS)
def level(request, monkeypatch):
    """Read with the kernels of one processor level."""
    monkeypatch.setattr(execute, "text_table", lambda: TABLES[request.param])
    return request.param


def words():
    """Return numbers of every length, with a point and an exponent at every place, and the edges between what one rounding may do."""
    digits = "9007199254740993123456789"
    found = [digits[:n] for n in range(1, 26)]
    found += [f"{digits[:k]}.{digits[k:n]}" for n in range(1, 26) for k in range(1, n + 1)]
    found += [f"0.{'0' * k}{digits[:n]}" for k in range(12) for n in range(1, 20)]
    found += [
        f"{digits[:n]}e{e}"
        for n in (1, 15, 16, 17, 19, 20)
        for e in (*range(-45, 46), -320, -308, 290, "+05", "-0", "007")
    ]
    found += [f"1.{digits[:n]}e{e}" for n in (1, 14, 15, 18) for e in range(-30, 31)]
    found += [".5", "5.", "5.e3", "00001.5", "1E5", "0", "0.0", "0e7", "4e-324", "17976931348623157e292"]
    return [sign + word for word in found for sign in ("", "-", "+")]


def test_values_have_the_bits_that_python_gives_them(level):
    for dtype in (np.float64, np.float32):
        text = AHEAD + "".join(f"1 {k + 1}:{word}\n" for k, word in enumerate(words()))
        X, _ = read(text, dtype=dtype, **LENIENT)
        expected = np.array([float(word) for word in words()], np.float64)
        with np.errstate(over="ignore"):
            expected = expected.astype(dtype)
        np.testing.assert_array_equal(X.data.view(f"u{X.data.itemsize}"), expected.view(f"u{X.data.itemsize}"))
        np.testing.assert_array_equal(X.indices, np.arange(len(expected)))


def test_one_line_of_all_values_and_indices_of_all_lengths(level):
    found = words()
    indices = [*sorted({10**k + j for k in range(10) for j in range(400)})[-len(found) :], 2**31 - 2]
    values = found[-len(indices) :]
    text = AHEAD + "1 " + " ".join(f"{i}:{word}" for i, word in zip(indices, values, strict=True)) + "\n"
    X, _ = read(text, zero_based=True, **LENIENT)
    assert X.indices.tolist() == indices and X.data.tolist() == [float(word) for word in values]


@pytest.mark.parametrize("case", sorted(DAMAGED.keys() - {"byte order mark", "UTF-16", "empty", "comments"}))
def test_a_flaw_behind_many_plain_entries_is_named_as_at_the_beginning(case, level):
    text, _ = DAMAGED[case]
    alone, behind = outcome(text), outcome("1 1:0.25 2:-7 30:1e-3\n" * 9 + text)
    assert behind == (alone[0] + 9, *alone[1:])


FLAWS = {
    "NUL in a value": ("3:1\0 4:1", 3, "a NUL byte"),
    "NUL in an index": ("3:1 4\0:1", 5, "a NUL byte"),
    "carriage return between entries": ("3:1\r4:1", 3, "a carriage return without a line feed"),
    "vertical tab": ("3:1\v4:1", 3, "expected a blank after the value"),
    "not ASCII": ("3:1\xa0 4:1", 3, "expected a blank after the value"),
    "two signs": ("3:--1", 2, "expected a number after ':'"),
    "two points": ("3:1.2.3", 5, "expected a blank after the value"),
    "a point alone": ("3:-. 4:1", 2, "expected a number after ':'"),
    "no exponent": ("3:1e 4:1", 2, "expected a number after ':'"),
    "exponent with a point": ("3:1e5.0", 5, "expected a blank after the value"),
    "a blank behind the colon": ("3: 1", 2, "expected a number after ':'"),
    "a blank before the colon": ("3 :1", 1, "expected ':'"),
    "descending": ("3:1 2:1", 4, "feature index 2 after a larger one"),
    "twice": ("3:1 3:1", 4, "feature index 3 twice"),
    "zero": ("0:1", 0, "feature index 0, but indices begin at 1"),
}


@pytest.mark.parametrize("case", FLAWS)
def test_flaws_of_entries_in_a_run(case, level):
    entries, place, words = FLAWS[case]
    for n in range(1, 70):  # entries begin at each place of a vector
        before = "1 " if case == "zero" else f"1 1:1.{'0' * n} "
        text = f"# {'x' * n}\n{before}{entries}\n".encode("latin-1")
        line, column, message = outcome(text, zero_based=False)
        assert (line, column) == (2, len(before) + place + 1) and words in message


@given(st.text(alphabet="0123456789 .:-+e#\n\r\tx", max_size=150), st.integers(0, len(LEVELS) - 1))
@settings(max_examples=600, deadline=None)
def test_text_is_read_the_same_in_runs_and_entry_by_entry(text, chosen):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "text_table", lambda: TABLES[LEVELS[chosen]])
        for options in ({}, {"zero_based": False}, LENIENT):
            alone, behind = outcome(text, **options), outcome(AHEAD + text, **options)
            if len(alone) == 3:
                alone = (alone[0] + 1, *alone[1:])
            assert behind == alone


entry = st.tuples(
    st.integers(1, 10**9),
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
        st.floats(-1, 1).map("{:.16g}".format),
        st.integers(-(10**20), 10**20).map(str),
        st.floats(-1e9, 1e9).map("{:e}".format),
    ),
)


@given(st.lists(st.lists(entry, max_size=8, unique_by=lambda each: each[0]), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_rows_of_plain_entries_are_read_back(rows):
    rows = [sorted(row) for row in rows]
    text = AHEAD + "".join("1 " + " ".join(f"{i}:{value}" for i, value in row) + "\n" for row in rows)
    for table in TABLES.values():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(execute, "text_table", lambda table=table: table)
            X, _ = read(text, zero_based=False)
        assert X.indptr.tolist() == [0, *itertools.accumulate(map(len, rows))]
        assert (X.indices + 1).tolist() == [i for row in rows for i, _ in row]
        expected = np.array([float(value) for row in rows for _, value in row])
        np.testing.assert_array_equal(X.data.view(np.uint64), expected.view(np.uint64))


PIECES = (
    "1 1:0.123456789012345678 2:-2.5e-3 30000001:77\r\n# comment with 3:4\n\n-1 4:5 \n"
    "2 3:1 5:2 6:3 7:4 8:5 9:6 10:7.125 11:8 12:9 13:10 14:11 15:12 16:13 17:14 18:15\n"
    "3\n0.5 1:1#x\n7 1:123456789012345678901234567890.5 2:1"
)


@pytest.mark.parametrize("threads", [1, 3])
def test_blocks_may_end_anywhere(threads, monkeypatch):
    whole = outcome(PIECES)

    for block in range(1, len(PIECES) + 2):  # lines longer than a block among them
        monkeypatch.setattr(_files, "BLOCK", block)
        assert outcome(PIECES, n_threads=threads) == whole


def test_what_lies_behind_the_text_is_not_read_as_text(level):
    reader = TABLES[level]
    for text in (b"1 1:25 2:3.5\n", b"# " + b"x" * 70 + b"\n1 1:25 2:3.5\n"):
        for filler in (b"7", b".", b":", b" ", b"\n", b"e", b"\0", b"\xff"):
            data = np.frombuffer(text + filler * reader.PADDING, np.uint8)
            counts = reader.count(data, 0, len(text))
            values, indices, places = np.zeros(3), np.zeros(3, np.int32), np.zeros(2, np.int64)
            found = reader.parse(
                data, 0, len(text), counts, values, indices, places, np.zeros(2), places.copy(), places.copy(),
                base=1, least=1, multilabel=False, unsorted=False, duplicates=False, nonfinite=False,
            )  # fmt: skip
            assert found == (1, 2, 1, 1, 2, False, 0, len(text), text.count(b"\n"))
            assert values[:2].tolist() == [25, 3.5] and indices[:2].tolist() == [0, 1]


def test_too_short_arrays_and_texts_without_their_end_are_refused():
    reader, some = execute.text_table(), np.zeros(1, np.int64)
    options = {"base": 1, "least": 1, "multilabel": False, "unsorted": False, "duplicates": False, "nonfinite": False}
    data = np.frombuffer(b"1 1:1 2:2\n" + b"\n" * reader.PADDING, np.uint8)
    counts = reader.count(data, 0, 10)
    assert counts == (1, 2, 1)
    for n, end, message in ((1, 10, "too short"), (2, 9, "end in a newline"), (2, 11, "must lie in the text")):
        with pytest.raises(ValueError, match=message):
            reader.parse(
                data, 0, end, counts, np.zeros(n), np.zeros(n, np.int32), some, np.zeros(1), some, some, **options
            )


@pytest.mark.parametrize("place", [0, 1, 40, 79])
def test_an_index_0_in_any_block_means_that_indices_begin_at_0(place, monkeypatch):
    monkeypatch.setattr(_files, "BLOCK", 100)
    rows = ["1 1:1 2:2 5:5\n"] * 80
    rows[place] = "1 0:7 2:2\n"
    X, _ = read("".join(rows))
    assert X.shape == (80, 6) and X[place].toarray().tolist() == [[7, 0, 2, 0, 0, 0]]
    del rows[place]
    assert (X[np.arange(80) != place].toarray() == [0, 1, 2, 0, 0, 5]).all()


def test_counts_of_long_texts():
    reader, rng = execute.text_table(), np.random.default_rng(0)
    for n in (1, 191, 192, 193, 1000, 70_000):
        data = np.concatenate(
            [rng.choice(np.frombuffer(b":,\n1", np.uint8), n), np.full(1 + reader.PADDING, 10, np.uint8)]
        )
        text = bytes(data[: n + 1])
        for table in TABLES.values():
            newlines, colons, commas = (text.count(mark) for mark in (b"\n", b":", b","))
            assert table.count(data, 0, n + 1) == (newlines, colons, newlines + commas)
