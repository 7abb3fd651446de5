"""libsvm text: agreement with scikit-learn and with Python's float, every kind of damage, caches, threads."""

import bz2
import gzip
import io
import os

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file
from sklearn.datasets import load_svmlight_file as theirs

from fastgd.io import DataChangedError, DataFileError, _files, load_svmlight_file


def read(text, **options):
    return load_svmlight_file(io.BytesIO(text.encode() if isinstance(text, str) else text), **options)


def assert_same(ours, other):
    assert ours.shape == other.shape and ours.dtype == other.dtype
    for name in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(other, name))


@pytest.fixture
def written(tmp_path):
    """Return the name of a file of 3000 rows and some blocks' worth of text, and what is in it."""
    rng = np.random.default_rng(0)
    X = sp.random(3000, 500, density=0.05, format="csr", rng=rng)
    X.data = rng.standard_normal(len(X.data)) * 10.0 ** rng.integers(-30, 30, len(X.data))
    y = rng.integers(0, 3, 3000).astype(float)
    name = str(tmp_path / "data.svm")
    dump_svmlight_file(X, y, name, zero_based=False)
    return name, X, y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("block", [2000, 1 << 17, 1 << 22])
def test_any_blocks_and_threads_read_what_scikit_learn_reads(written, monkeypatch, dtype, threads, block):
    monkeypatch.setattr(_files, "BLOCK", block)

    X, y = load_svmlight_file(written[0], dtype=dtype, n_threads=threads)
    other, labels = theirs(written[0], dtype=dtype)
    assert_same(X, other)
    np.testing.assert_array_equal(y, labels)
    assert X.has_canonical_format


@given(
    st.lists(
        st.one_of(
            st.floats(allow_nan=False, allow_infinity=False).map(repr),
            st.floats(allow_nan=False, allow_infinity=False).map("{:.16g}".format),
            st.from_regex(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
            st.from_regex(r"[+-]?\.[0-9]{1,25}", fullmatch=True),
        ),
        min_size=1,
    )
)
@settings(max_examples=300, deadline=None)
def test_numbers_have_the_bits_that_python_gives_them(words):
    text = "".join(f"{word} 1:{word}\n" for word in words)
    X, y = read(text, zero_based=False, allow=("nonfinite",))
    expected = np.array([float(word) for word in words])
    np.testing.assert_array_equal(X.data.view(np.uint64), expected.view(np.uint64))
    np.testing.assert_array_equal(y.view(np.uint64), expected.view(np.uint64))


def test_ties_and_near_ties_are_rounded_to_even():
    words = []
    for k in range(200):
        exact = (2**53 + 2 * k + 1) if k % 2 else (2**53 + 4 * k + 1)  # half way between two doubles
        words += [f"{exact}", f"{exact}.0000000001", f"{exact - 1}.9999999999", f"{exact}e-3", f"{exact}e5"]
    X, _ = read("".join(f"1 1:{word}\n" for word in words))
    np.testing.assert_array_equal(X.data, [float(word) for word in words])


DAMAGED = {
    "no colon": ("1 2\n", "1:4: expected ':'"),
    "no colon at the cut end": ("1 1:1\n1 2:0.5 3", "2:10: expected ':'"),
    "empty index": ("1 :3\n", "1:3: expected a feature index"),
    "empty value": ("1 1:1\n\n1 2:\n", "3:5: expected a number after ':'"),
    "index -1": ("1 -1:2\n", "1:3: expected a feature index"),
    "descending": ("1 5:1 3:1\n", "1:7: feature index 3 after a larger one"),
    "duplicate": ("1 2:1 2:1\n", "1:7: feature index 2 twice"),
    "index above 2**31": ("1 2147483648:1\n", "1:3: feature index 2147483648 is too large"),
    "index above 2**63": ("1 9223372036854775808:1\n", "1:3: feature index 9223372036854775808 is too large"),
    "index above 2**64": ("1 18446744073709551617:1\n", "1:3: feature index 18446744073709551617 is too large"),
    "hexadecimal": ("1 1:0x10\n", "1:6: expected a blank after the value, found x10"),
    "underscore": ("1 1:1_0\n", "1:6: expected a blank after the value, found _0"),
    "nan": ("1 1:nan\n", "1:5: nan is not finite"),
    "inf": ("1 1:-inf\n", "1:5: -inf is not finite"),
    "1e400": ("1 1:1e400\n", "1:5: 1e400 is not finite"),
    "two colons": ("1 1:1:1\n", "1:6: expected a blank after the value"),
    "decimal comma": ("1 1:0,5\n", "1:6: expected a blank after the value, found ,5"),
    "NUL": ("1 1:1\0\n", "1:6: a NUL byte"),
    "only carriage returns": ("1 1:1\r1 2:1\r", "1:6: a carriage return without a line feed"),
    "byte order mark": (b"\xef\xbb\xbf1 1:1\n", "1:1: a byte order mark"),
    "UTF-16": ("1 1:1\n".encode("utf-16"), "1:1: the mark of UTF-16"),
    "a token of a megabyte": ("1 1:" + "7" * 10**6 + "\n", "1:5: 7777"),
    "an index of a megabyte": ("1 " + "7" * 10**6 + ":1\n", "1:3: feature index 7777"),
    "index with a point": ("1 1.5:2\n", "1:4: expected ':'"),
    "alphabetic label": ("spam 1:1\n", "1:1: expected a number as the label, found spam"),
    "nan as label": ("nan 1:1\n", "1:1: nan is not finite"),
    "qid twice": ("1 qid:1 qid:2 1:1\n", "1:9: qid twice"),
    "qid above 2**63": ("1 qid:9223372036854775808 1:1\n", "1:7: expected qid:"),
    "qid late": ("1 1:1 qid:3\n", "1:7: expected a feature index"),
    "two labels": ("1,2 1:1\n", "1:2: expected a blank after the label"),
    "a point": ("1 1:.\n", "1:5: expected a number after ':'"),
    "an exponent without digits": ("1 1:1e+\n", "1:5: expected a number after ':'"),
    "not ASCII": ("1 1:１\n", "1:5: expected a number after ':'"),
    "empty": ("", "no rows"),
    "comments": ("# one\n\n  # two\n", "no rows"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_named_with_line_and_column(case, tmp_path):
    text, message = DAMAGED[case]
    path = tmp_path / "file.svm"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataFileError) as caught:
        load_svmlight_file(path)
    assert str(caught.value).startswith(f"{path}:") and message in str(caught.value)
    assert len(str(caught.value)) <= 300 + len(str(path))


def test_zero_in_a_one_based_file():
    with pytest.raises(DataFileError, match=r"1:3: feature index 0, but indices begin at 1; pass zero_based=True"):
        read("1 0:1\n", zero_based=False)
    assert read("1 0:1 2:5\n")[0].toarray().tolist() == [[1, 0, 5]]
    assert read("1 1:1 2:5\n", zero_based=True)[0].shape == (1, 3)


def test_the_first_flaw_is_reported_whatever_the_threads(monkeypatch):

    good = "1 1:1 2:2\n" * 50
    for threads in (1, 2, 8):
        with pytest.raises(DataFileError, match=r":51:3: expected a feature index"):
            read(good + "1 x:1\n" + good + "1 y:2\n", n_threads=threads)


def test_each_leniency_has_its_name():
    X, _ = read("1 5:1 3:2 5:4\n1 1:1\n", allow=("unsorted", "duplicates"))
    assert X.toarray().tolist() == [[0, 0, 2, 0, 5], [1, 0, 0, 0, 0]]
    X, y = read("inf 1:nan 2:-inf 3:1e400\n", allow="nonfinite")
    np.testing.assert_array_equal(X.data, [np.nan, -np.inf, np.inf])
    assert y.tolist() == [np.inf]
    X, y = read("# nothing\n", allow=("no_rows",), n_features=4)
    assert X.shape == (0, 4) and len(y) == 0
    with pytest.raises(ValueError, match="'allow' argument of load_svmlight_file must be some of 'unsorted'"):
        read("1 1:1\n", allow=("anything",))


def test_a_value_that_float32_cannot_hold_is_refused_in_float32():
    assert read("1 1:1e300\n")[0].data.tolist() == [1e300]
    with pytest.raises(DataFileError, match="not finite in this dtype"):
        read("1 1:1e300\n", dtype=np.float32)


def test_comments_blank_lines_tabs_and_windows_line_ends():
    text = "# head\n\r\n 1\t1:1  2:2 # tail : 3:4\r\n\n\t\n2 3:1#x\n3\n4 qid:7\n5 # 1:1\n"
    X, y, qid = read(text, query_id=True)
    assert X.toarray().tolist() == [[1, 2, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert y.tolist() == [1, 2, 3, 4, 5] and qid.tolist() == [-1, -1, -1, 7, -1]


def test_many_labels_as_scikit_learn_reads_them():
    text = b"2,1 1:1\n1:2 2:3\n 3 2:1\n0.5,7 qid:3 1:1\n\n4\n"
    X, y = read(text, multilabel=True)
    other, labels = theirs(io.BytesIO(text), multilabel=True)
    assert_same(X, other)
    assert y == [tuple(each) for each in labels]


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".zst"])
def test_compressed_files(written, ending):
    with open(written[0], "rb") as file:
        text = file.read()
    zstandard = pytest.importorskip("zstandard") if ending == ".zst" else None
    pack = {".gz": gzip.compress, ".bz2": bz2.compress, ".zst": lambda t: zstandard.ZstdCompressor().compress(t)}[
        ending
    ]
    name = written[0] + ending
    with open(name, "wb") as file:
        file.write(pack(text))
    assert_same(load_svmlight_file(name)[0], theirs(written[0])[0])
    with open(name, "wb") as file:
        file.write(pack(text)[:-100])
    with pytest.raises(DataFileError, match="damaged or cut"):
        load_svmlight_file(name)


def test_a_bomb_is_refused(tmp_path):
    path = tmp_path / "bomb.svm.gz"
    path.write_bytes(gzip.compress(b"1 1:1\n" * 1_000_000))
    with pytest.raises(DataFileError, match="over 200 times as long"):
        load_svmlight_file(path)
    assert load_svmlight_file(path, allow="expansion")[0].shape == (1_000_000, 1)


def test_what_is_no_file_is_an_os_error_that_names_it(tmp_path):
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path, kind in (
        (tmp_path, IsADirectoryError),
        (fifo, OSError),
        (loop, OSError),
        (tmp_path / "no", FileNotFoundError),
    ):
        with pytest.raises(kind) as caught:
            load_svmlight_file(path)
        assert caught.value.filename == str(path)
    with pytest.raises(TypeError, match="binary mode"):
        load_svmlight_file(io.StringIO("1 1:1\n"))


def test_a_file_that_changes_meanwhile_is_noticed(written, monkeypatch):
    monkeypatch.setattr(_files, "BLOCK", 5000)

    def grow():
        with open(written[0], "ab") as file:
            file.write(b"1 1:1\n")

    for change in (lambda: os.truncate(written[0], 20000), grow):
        seen = []

        def once(done, size, change=change, seen=seen):
            if not seen:
                change()
            seen.append(done)

        with pytest.raises(DataChangedError, match="changed while it was read"):
            load_svmlight_file(written[0], progress=once)


def test_progress_and_parts_of_a_file(written):
    seen = []
    X, _ = load_svmlight_file(written[0], progress=lambda done, size: seen.append((done, size)))
    assert seen[-1] == (os.path.getsize(written[0]),) * 2
    cut = os.path.getsize(written[0]) // 2
    parts = [
        load_svmlight_file(written[0], n_features=500, zero_based=False, offset=offset, length=length)
        for offset, length in ((0, cut), (cut, -1))
    ]
    other = [
        theirs(written[0], n_features=500, zero_based=False, offset=offset, length=length)
        for offset, length in ((0, cut), (cut, -1))
    ]
    for (ours, labels), (expected, their_labels) in zip(parts, other, strict=True):
        assert_same(ours, expected)
        np.testing.assert_array_equal(labels, their_labels)
    assert (sp.vstack([part[0] for part in parts]) != X).nnz == 0
    assert load_svmlight_file(written[0], n_features=500, offset=os.path.getsize(written[0]) - 2)[0].shape == (0, 500)
    guessed = load_svmlight_file(
        written[0], n_features=500, offset=cut, length=40
    )  # indices from 0, as in scikit-learn
    assert_same(guessed[0], theirs(written[0], n_features=500, offset=cut, length=40)[0])


def test_integers_and_query_ids_below_zero():
    text = "1 qid:-9223372036854775807 1:7 3:-2\n0 qid:5 2:127\n"
    X, y, qid = read(text, dtype=np.int8, query_id=True)
    other, labels, ids = theirs(io.BytesIO(text.encode()), dtype=np.int8, query_id=True)
    assert X.dtype == np.int8 and X.toarray().tolist() == other.toarray().tolist() == [[7, 0, -2], [0, 127, 0]]
    assert y.tolist() == labels.tolist() == [1, 0] and qid.tolist() == ids.tolist() == [-(2**63) + 1, 5]


def test_the_cache_is_mapped_and_follows_its_text(written, tmp_path):
    name = written[0]
    X, y = load_svmlight_file(name, cache=True)
    assert not X.data.flags.writeable and os.path.exists(name + ".fgd")
    assert_same(X, theirs(name)[0])
    made = os.stat(name + ".fgd").st_mtime_ns
    os.utime(name, ns=(1, 1))  # touched, the same bytes
    assert_same(load_svmlight_file(name, cache=True)[0], X)
    assert os.stat(name + ".fgd").st_mtime_ns == made
    assert load_svmlight_file(name, cache=True, dtype=np.float32)[0].dtype == np.float32  # other options: made anew
    with open(name, "r+b") as file:
        file.write(b"9")
    assert load_svmlight_file(name, cache=True)[1][0] == 9 != y[0]
    with open(name + ".fgd", "r+b") as file:
        file.write(b"garbage!")
    with pytest.raises(DataFileError, match="not a fastgd data cache"):
        load_svmlight_file(name, cache=True)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(text):
    for options in ({}, {"multilabel": True, "allow": ("unsorted", "duplicates", "nonfinite", "no_rows")}):
        try:
            X, y = read(text, **options)
        except DataFileError:
            continue
        assert X.shape[0] == len(y)
        X.check_format()


@given(st.text(alphabet="0123456789 .:-+e#\n\tqidnaf,", max_size=120))
@settings(max_examples=500, deadline=None)
def test_likely_text_is_read_as_scikit_learn_reads_it_or_refused(text):
    try:
        X, y = read(text)
    except DataFileError:
        return
    other, labels = theirs(io.BytesIO(text.encode()))
    assert (other != X).nnz == 0 and X.shape == other.shape
    np.testing.assert_array_equal(y, labels)


@pytest.mark.parametrize(
    "options",
    [
        {"n_features": 0},
        {"n_features": 1},
        {"dtype": "int8", "text": "1 1:1 2:300\n"},
        {"dtype": "int32", "text": "1 1:0.5\n"},
        {"dtype": "int32", "text": "1 1:nan\n", "allow": "nonfinite"},
        {"dtype": "nonsense"},
        {"zero_based": "maybe"},
        {"zero_based": 2},
        {"offset": -1},
        {"length": 5},
        {"n_threads": 0},
        {"multilabel": 1},
        {"cache": True},
    ],
)
def test_unusable_arguments(options):
    with pytest.raises((ValueError, TypeError), match="argument of load_svmlight_file"):
        read(**{"text": "1 1:1 2:1\n"} | options)
