"""Streams of batches, tables and NumPy's files."""

import gc
import io
import json
import os
import threading
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file

from fastgd.checkpoint import read_file, write_file
from fastgd.io import DataChangedError, DataFileError, load_arrays, load_svmlight_file, load_table, stream

N_ROWS, N_FEATURES = 2500, 60


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Return a text of some blocks, its cache and what is in both."""
    monkeypatch.setattr("fastgd.io._files.BLOCK", 20_000)
    monkeypatch.setattr("fastgd.io._sources.PART", 300)
    rng = np.random.default_rng(1)
    X = sp.random(N_ROWS, N_FEATURES, density=0.1, format="csr", rng=rng, dtype=np.float32)
    y = np.arange(N_ROWS, dtype=float)  # tells the rows apart
    name = str(tmp_path / "data.svm")
    dump_svmlight_file(X, y, name, zero_based=False)
    load_svmlight_file(name, n_features=N_FEATURES, zero_based=False, dtype=np.float32, cache=True)
    return name, X, y


def batches_of(path, **options):
    return stream(path, n_features=N_FEATURES, batch_size=150, buffer=700, **options)


def assert_equal(ours, expected):
    assert len(ours) == len(expected)
    for (X, y), (other, labels) in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(y, labels)
        np.testing.assert_array_equal(X.toarray(), other.toarray())


@pytest.mark.parametrize("ending", ["", ".fgd"])
@pytest.mark.parametrize("read_ahead", [False, True])
def test_a_pass_yields_every_row_once(files, ending, read_ahead):
    name, X, y = files
    plain = list(batches_of(name + ending, shuffle=False, read_ahead=read_ahead))
    np.testing.assert_array_equal(np.concatenate([each[1] for each in plain]), y)
    np.testing.assert_array_equal(sp.vstack([each[0] for each in plain]).toarray(), X.toarray())
    assert {each[0].dtype for each in plain} == {np.dtype(np.float32)}
    rows = batches_of(name + ending, read_ahead=read_ahead)
    first, second = list(rows), list(rows)
    for some in (first, second):
        order = np.concatenate([each[1] for each in some]).astype(int)
        assert sorted(order) == list(range(N_ROWS)) and (order != np.arange(N_ROWS)).mean() > 0.9
        assert all(order[k : k + 700].max() < k + 700 for k in range(0, N_ROWS, 700))  # within the buffers
        np.testing.assert_array_equal(sp.vstack([each[0] for each in some]).toarray(), X[order].toarray())
    assert (first[0][1] != second[0][1]).any()  # each pass has its own order
    assert max(len(each[1]) for each in first) == 150


def test_text_and_cache_and_several_files_give_the_same_batches(files):
    name, _, _ = files
    assert_equal(list(batches_of(name)), list(batches_of(name + ".fgd")))
    assert_equal(list(batches_of([name, name + ".fgd"])), list(batches_of([name + ".fgd", name])))
    assert sum(len(y) for _, y in batches_of([name, name])) == 2 * N_ROWS


@pytest.mark.parametrize("ending", ["", ".fgd"])
@pytest.mark.parametrize("stop", [0, 1, 4, 5, 11, 17, 18])
def test_a_stream_goes_on_where_it_was(files, ending, stop):
    paths = [files[0] + ending] * 2
    whole = batches_of(paths)
    expected = list(whole) + list(whole)
    rows = batches_of(paths)
    list(rows)  # the first pass
    iterator = iter(rows)
    done = [next(iterator) for _ in range(stop)]
    position = json.loads(json.dumps(rows.position))
    iterator.close()
    other = batches_of(paths)
    other.seek(position)
    assert_equal(done + list(other), expected[len(expected) // 2 :])


def test_positions_that_are_none(files):
    rows = batches_of(files[0])
    for position in (
        {},
        [],
        {**rows.position, "file": 7},
        {**rows.position, "rows": -1},
        {**rows.position, "part": ["x"]},
    ):
        with pytest.raises((ValueError, TypeError), match=r"argument of Stream\.seek"):
            rows.seek(position)
    assert rows.position == batches_of(files[0]).position


def test_an_abandoned_stream_leaves_no_thread(files):
    iterator = iter(batches_of(files[0]))
    next(iterator)
    assert any(thread.name == "fastgd-read-ahead" for thread in threading.enumerate())
    del iterator
    gc.collect()
    assert not any(thread.name == "fastgd-read-ahead" for thread in threading.enumerate())


def test_damage_is_found_when_it_is_reached(files):
    name = files[0]
    with open(name, "a") as file:
        file.write("1 5:x\n")
    for read_ahead in (False, True):
        rows = iter(batches_of(name, read_ahead=read_ahead))
        next(rows)
        with pytest.raises(
            DataFileError, match=rf"{N_ROWS + 1}:5: expected a number after ':'"
        ):  # three lines of comments
            list(rows)
    with pytest.raises(DataFileError, match="n_features=20"):
        list(stream(name, n_features=20))


@pytest.mark.parametrize("ending", ["", ".fgd"])
def test_a_file_that_changes_meanwhile(files, ending):
    rows = iter(batches_of(files[0] + ending, read_ahead=False))
    next(rows)
    os.truncate(files[0] + ending, os.path.getsize(files[0] + ending) - 5)
    with pytest.raises(DataChangedError, match=r"changed|ended"):
        list(rows)


def test_unusable_arguments_of_stream(files, tmp_path):
    name = files[0]
    for options, kind in (
        ({"paths": []}, ValueError),
        ({"paths": 3}, TypeError),
        ({"paths": [3]}, TypeError),
        ({"batch_size": 0}, ValueError),
        ({"n_features": None}, ValueError),
        ({"shuffle": 1}, TypeError),
        ({"paths": str(tmp_path / "missing")}, OSError),
        ({"paths": [name, name + ".fgd"], "n_features": 61}, ValueError),
    ):
        with pytest.raises(kind):
            stream(**{"paths": name, "n_features": N_FEATURES, **options})


# Tables

pa = pytest.importorskip("pyarrow")


def cars():
    return pa.table(
        {
            "weight": pa.array([1.5, 2.5, None]),
            "colour": pa.array(["red", None, "blue"]),
            "maker": pa.array(["b", "a", "b"]).dictionary_encode(),
            "new": pa.array([True, False, True]),
            "fast": pa.array(["yes", "no", "yes"]),
        }
    )


def test_a_table_becomes_numbers():
    found = load_table(cars(), target="fast", nulls="zero", dtype=np.float64)
    assert found.feature_names == ["weight", "colour=blue", "colour=red", "maker=a", "maker=b", "new"]
    assert found.X.toarray().tolist() == [[1.5, 0, 1, 0, 1, 1], [2.5, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 1]]
    assert found.y.tolist() == ["yes", "no", "yes"]
    numbers = load_table(cars(), columns=["new", "weight"], nulls="zero")
    assert isinstance(numbers.X, np.ndarray) and numbers.X.dtype == np.float32
    assert numbers.X.tolist() == [[1, 1.5], [0, 2.5], [1, 0]] and numbers.y is None


def test_hashed_categories_are_those_of_scikit_learn():
    from sklearn.feature_extraction import FeatureHasher

    found = load_table(cars(), columns=["colour", "maker"], nulls="zero", categories="hash", n_hashed=64)
    rows = [["colour=red", "maker=b"], ["maker=a"], ["colour=blue", "maker=b"]]
    expected = FeatureHasher(64, input_type="string").transform(rows)
    np.testing.assert_array_equal(found.X.toarray(), expected.toarray())
    assert found.feature_names[5] == "hash:5" and len(found.feature_names) == 64


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "parquet", "feather"])
def test_every_kind_of_file(tmp_path, ending):
    from pyarrow import csv, feather, parquet

    table = cars().drop_columns(["maker"])
    path = str(tmp_path / f"cars.{ending}")
    if ending == "parquet":
        parquet.write_table(table, path)
    elif ending == "feather":
        feather.write_feather(table, path)
    else:
        with pa.CompressedOutputStream(path, "gzip") if ending == "csv.gz" else pa.OSFile(path, "wb") as file:
            csv.write_csv(table, file, csv.WriteOptions(delimiter="\t" if ending == "tsv" else ","))
    found = load_table(path, target="fast", columns=["new"])
    assert found.X.tolist() == [[1], [0], [1]] and found.y.tolist() == ["yes", "no", "yes"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", "Row #3: Expected 2 columns, got 1"),
        ('a,b\n1,"2\n3,4\n', ":2: the value of column 'b' holds a line break; is a quote not closed?"),
        ("a,b\n", "no rows below the names"),
        ("", "Empty CSV file"),
        (
            ",".join(f"column{k}" for k in range(150_000)) + "\n",
            "table.csv:1: the first line is longer than a megabyte",
        ),
        (b"a,\xc3\x28\n1,2\n", "it is not UTF-8 text"),
        ("a,a\n1,2\n", "columns have different names"),
        ("a,when\n1,2020-01-01\n", "must be numbers, booleans or texts; got 'when: date32"),
        ("a,b\n1,\n", "Column 'b' has no value in row 0"),
    ],
)
def test_damaged_tables(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataFileError if isinstance(text, bytes) else ValueError) as caught:
        load_table(path)
    assert message in str(caught.value)


def test_unusable_arguments_of_load_table(tmp_path):
    for options in (
        {"target": "speed"},
        {"columns": ["new", "speed"]},
        {"columns": ["fast"], "target": "fast"},
        {"nulls": "drop"},
    ):
        with pytest.raises(ValueError, match="argument of load_table"):
            load_table(cars(), **options)
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        load_table(3)
    with pytest.raises(FileNotFoundError):
        load_table(tmp_path / "missing.csv")
    (tmp_path / "x.svm").write_text("1 1:1\n")
    with pytest.raises(ValueError, match="use load_svmlight_file"):
        load_table(tmp_path / "x.svm")
    (tmp_path / "x.parquet").write_text("1 1:1\n")
    with pytest.raises(DataFileError, match="Parquet file size"):
        load_table(tmp_path / "x.parquet")


# NumPy's files


def test_arrays_are_mapped(tmp_path):
    X, y = np.asfortranarray(np.arange(12.0).reshape(3, 4)), np.arange(3)
    np.save(tmp_path / "X.npy", X)
    np.savez(tmp_path / "both.npz", X=X, y=y, none=np.empty((0, 3)))
    np.savez_compressed(tmp_path / "packed.npz", X=X, y=y)
    assert isinstance(load_arrays(tmp_path / "X.npy"), np.memmap)
    both, packed = load_arrays(tmp_path / "both.npz"), load_arrays(str(tmp_path / "packed.npz"))
    assert isinstance(both["X"], np.memmap) and not both["X"].flags.writeable and both["none"].shape == (0, 3)
    for found in (load_arrays(tmp_path / "X.npy"), both["X"], packed["X"]):
        np.testing.assert_array_equal(found, X)
    matrix = sp.random(9, 7, density=0.3, format="csr", rng=0)
    for compressed in (False, True):
        sp.save_npz(tmp_path / "sparse.npz", matrix, compressed=compressed)
        assert (load_arrays(tmp_path / "sparse.npz") != matrix).nnz == 0


def _npy(header, data=b""):
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "EOF|magic"),
        (b"\x93NUMPY\x09\x00" + bytes(100), "version"),
        (_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }\n"), "negative"),
        (_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 16), }\n"), "takes|are there"),
        (
            _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n", bytes(23)),
            "takes 24 bytes; 23 are there",
        ),
        (_npy("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }\n", bytes(99)), "Python objects"),
        (_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), " + " " * 20000 + "}\n"), "[Hh]eader"),
        (_npy("__import__('os').system('false')\n"), "malformed"),
    ],
)
def test_damaged_arrays(tmp_path, content, message):
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(DataFileError, match=message):
        load_arrays(tmp_path / "x.npy")


def test_damaged_archives(tmp_path):
    array = io.BytesIO()
    np.save(array, np.arange(3))
    path = tmp_path / "x.npz"
    for names, message in (
        (["../x.npy"], "not an array of numpy.savez"),
        (["x"], "not an array"),
        (["x.npy", "x.npy"], "twice"),
    ):
        with (
            pytest.warns(UserWarning, match="Duplicate") if len(names) == 2 else _nothing(),
            zipfile.ZipFile(path, "w") as archive,
        ):
            for name in names:
                archive.writestr(name, array.getvalue())
        with pytest.raises(DataFileError, match=message):
            load_arrays(path)
    path.write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(DataFileError, match="zip"):
        load_arrays(path)
    sp.save_npz(tmp_path / "csc.npz", sp.csc_matrix(np.eye(3)))
    with pytest.raises(DataFileError, match="CSR format"):
        load_arrays(tmp_path / "csc.npz")
    with pytest.raises(ValueError, match="'path' argument of load_arrays"):
        load_arrays(tmp_path / "x.txt")


def test_what_a_packed_array_says_of_itself_is_not_believed(tmp_path):
    lying = _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999,), }\n", bytes(24))
    path = tmp_path / "x.npz"
    for data, method, message in (
        (lying, zipfile.ZIP_DEFLATED, "is longer than its member"),
        (lying, zipfile.ZIP_STORED, "takes|are there"),
        (_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,\n", bytes(24)), zipfile.ZIP_DEFLATED, "x.npz: "),
        (lying, zipfile.ZIP_LZMA, "not packed as numpy.savez_compressed does it"),
    ):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("X.npy", data)
        with pytest.raises(DataFileError, match=message):
            load_arrays(path)
    np.savez_compressed(path, X=np.zeros(10**6))
    assert load_arrays(path)["X"].shape == (10**6,)
    whole = bytearray(path.read_bytes())
    place = whole.rindex(b"PK\x01\x02") + 24  # the size of the member
    whole[place : place + 4] = (2**31).to_bytes(4, "little")
    path.write_bytes(whole)
    with pytest.raises(DataFileError, match="not packed as"):
        load_arrays(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, c: a.update(indptr=a["indptr"] * -1), "row starts do not ascend"),
        (lambda a, c: a.update(indptr=a["indptr"][::-1].copy()), "row starts do not ascend"),
        (lambda a, c: a.update(indptr=a["indptr"][:-1].copy()), "2 targets, 2 row starts"),
        (lambda a, c: a.update(data=a["data"][1:].copy()), "3 columns, 2 values"),
        (lambda a, c: a.update(data=np.ones(3, np.int32)), "data is int32"),
        (lambda a, c: a.update(y=np.ones((2, 1))), r"y is float64 of shape \(2, 1\)"),
        (lambda a, c: c.update(n_features=-1), "n_features is -1"),
        (lambda a, c: c.pop("n_features"), "n_features is None"),
        (lambda a, c: c.pop("source"), "which text"),
        (lambda a, c: a.pop("indices"), "it holds no data"),
    ],
)
def test_a_cache_that_contradicts_itself_is_refused(tmp_path, change, message):
    text, path = tmp_path / "x.svm", tmp_path / "x.svm.fgd"
    text.write_bytes(b"1 1:1 2:2\n0 3:1\n")
    load_svmlight_file(text, cache=True)
    arrays, config = read_file(path)
    change(arrays, config)
    write_file(path, {name: np.array(array) for name, array in arrays.items()}, config)
    for read in (lambda: load_svmlight_file(text, cache=True), lambda: stream(path)):
        with pytest.raises(DataFileError, match=message):
            read()


@pytest.mark.parametrize("column", [-1, 3, 2**31 - 1])
def test_a_cache_with_a_column_that_is_none_is_refused_when_it_is_reached(tmp_path, column):
    text, path = tmp_path / "x.svm", tmp_path / "x.svm.fgd"
    text.write_bytes(b"1 1:1 2:2\n0 3:1\n")
    load_svmlight_file(text, cache=True)
    arrays, config = read_file(path)
    arrays["indices"][-1] = column
    write_file(path, arrays, config)
    with pytest.raises(DataFileError, match="a column of rows 0 to 1 is not one of 3"):
        list(stream(path))


class _nothing:
    def __enter__(self):
        return None

    def __exit__(self, *_):
        return None
