"""What files are read through: work in threads in order, blocks whose memory is reused, rooms that fill up, rows that are gathered."""

import io
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from fastgd._kernels import execute
from fastgd.io import DataFileError, _files, load_svmlight_file
from fastgd.io._gather import between, gathered
from fastgd.io._threads import in_order


def read(text, **options):
    return load_svmlight_file(io.BytesIO(text.encode()), zero_based=False, **options)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order_and_errors_of_items_after_them(threads):
    def items():
        yield from range(20)
        raise OSError("no more items")

    found = []
    with pytest.raises(OSError, match="no more items"):
        for square in in_order(lambda n: n * n, items(), threads):
            found.append(square)
    assert found == [n * n for n in range(20)]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_error_in_order_is_raised_and_no_thread_is_left(threads):
    def work(n):
        if n in (7, 8):
            raise ValueError(f"item {n}")
        return n

    before = threading.active_count()
    found = in_order(work, iter(range(50)), threads)
    assert [next(found) for _ in range(7)] == list(range(7))
    with pytest.raises(ValueError, match="item 7"):
        next(found)
    assert threading.active_count() == before
    abandoned = in_order(work, iter(range(5)), threads)
    next(abandoned)
    abandoned.close()
    assert threading.active_count() == before


def rows_of(lines):
    """Return what `read` should make of lines without comments: data, columns, starts, labels."""
    values, columns, starts, labels = [], [], [0], []
    for line in lines:
        label, *entries = line.split("#")[0].split()
        labels.append(float(label))
        for entry in entries:
            column, value = entry.split(":")
            columns.append(int(column) - 1)
            values.append(float(value))
        starts.append(len(values))
    return values, columns, starts, labels


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("block", [1, 30, 64, 1000])
def test_texts_that_are_not_like_their_beginning(threads, block, tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "BLOCK", block)
    short = ["1", "-1 3:1", "2 # 1:2 3:4 5:6, a:b:c"] * 15
    long = ["1 " + " ".join(f"{k + 1}:{k / 7!r}" for k in range(n)) for n in (300, 2, 150, 1)]
    for lines in (short + long, long + short, short + long + short + long[::-1]):
        text = "\n\n# 1:1 2:2\n".join(lines)  # comments and blank lines leave gaps; no newline at the end
        path = tmp_path / "text.svm"
        path.write_text(text)
        values, columns, starts, labels = rows_of(lines)
        for source in (path, io.BytesIO(text.encode())):  # of a known and of an unknown size
            X, y = load_svmlight_file(source, zero_based=False, n_threads=threads)
            assert X.data.tolist() == values and X.indices.tolist() == columns
            assert X.indptr.tolist() == starts and y.tolist() == labels


@pytest.mark.parametrize("threads", [1, 2])
def test_many_labels_in_many_blocks(threads, monkeypatch):
    monkeypatch.setattr(_files, "BLOCK", 40)
    labels = [tuple(float(k) for k in range(n % 5)) for n in range(60)]
    text = "".join(f"{','.join(map(str, each))} {n + 1}:1 # a,b,c:d\n" for n, each in enumerate(labels))
    X, y = read(text, multilabel=True, n_threads=threads)
    assert y == labels and (X.toarray() == np.eye(60)).all()


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("block", [10, 100, 1 << 20])
def test_the_line_of_a_flaw_in_any_block(threads, block, monkeypatch):
    monkeypatch.setattr(_files, "BLOCK", block)
    lines = ["1 1:1 2:2", "", "# 3:3", "-1 2:0.5 # x"] * 20
    for at in (0, 1, 41, 79):
        damaged = [*lines[:at], "1 2:1 1:1", *lines[at:], "and more"]
        with pytest.raises(DataFileError, match=rf"^<file>:{at + 1}:7: feature index 1 after"):
            read("\n".join(damaged), n_threads=threads)


def test_scattered_rows_must_lie_in_the_arrays():
    source, target = np.arange(6, dtype=np.int32), np.full(8, -1, np.int32)

    def scatter(starts, places):
        numbers = (np.array(each, np.int64) for each in (starts, places))
        starts, places = numbers
        execute.scatter_rows(source.view(np.uint8), starts, target.view(np.uint8), places, 4)

    scatter([0, 2, 2, 6], [6, 8, 1])
    assert target.tolist() == [-1, 2, 3, 4, 5, -1, 0, 1]
    for starts, places in (([0, 7], [0]), ([0, 2], [7]), ([0, 2], [-1]), ([-1, 2], [0]), ([2, 0], [0])):
        with pytest.raises(ValueError, match="row 0 does not lie in the arrays"):
            scatter(starts, places)
    with pytest.raises(ValueError, match="2 places need 3 starts, got 2"):
        scatter([0, 1], [0, 1])


@pytest.mark.parametrize("dtypes", [(np.float32, np.float32, np.float32), (np.float32, np.float64, np.float32)])
@pytest.mark.parametrize("indices", [np.int32, np.int64])
def test_gathered_rows_are_those_of_scipy(dtypes, indices):
    rng = np.random.default_rng(0)
    parts = [sp.random(n, 9, 0.4, "csr", dtype=dtype, rng=rng) for n, dtype in zip((7, 1, 30), dtypes, strict=True)]
    for X in parts:
        X.indices, X.indptr = X.indices.astype(indices), X.indptr.astype(indices)
    whole = sp.vstack(parts, format="csr")
    order = rng.permutation(38)
    for ours, expected in ((gathered(parts, None), whole), (gathered(parts, order), whole[order])):
        assert ours.dtype == expected.dtype and ours.shape == expected.shape
        assert (ours.toarray() == expected.toarray()).all()
        assert ours.indices.tolist() == expected.indices.tolist() and ours.indptr.tolist() == expected.indptr.tolist()
    assert gathered(parts[:1], None) is parts[0]
    for begin, stop in ((0, 38), (0, 5), (5, 5), (30, 99)):
        assert (between(whole, begin, stop).toarray() == whole[begin:stop].toarray()).all()
    assert between(whole, 0, 38) is whole and between(whole, 0, 39) is whole
