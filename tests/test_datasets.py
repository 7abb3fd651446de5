"""The idx reader against good and damaged files, where Fashion-MNIST is looked for, and the digits."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from fastgd import datasets

MAGIC = bytes([0, 0, 8])


def idx(array: np.ndarray) -> bytes:
    return MAGIC + struct.pack(f">B{array.ndim}I", array.ndim, *array.shape) + array.tobytes()


def write(path, content: bytes, packed: bool = True):
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return path


@pytest.fixture
def no_system_folders(monkeypatch, tmp_path):
    monkeypatch.delenv("FASTGD_DATA", raising=False)
    monkeypatch.setattr(datasets, "_shares", lambda: [tmp_path / "share"])


@pytest.fixture
def tiny_fashion_mnist(monkeypatch, tmp_path, no_system_folders):
    """Write four small files of the right names and expect their digests; return the folder."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    rng = np.random.default_rng(0)
    digests = {}
    for name in datasets.FASHION_MNIST:
        rows = 12 if name.startswith("train") else 5
        shape = (rows, 28, 28) if "images" in name else (rows,)
        file = write(folder / name, idx(rng.integers(0, 10, shape, dtype=np.uint8)))
        digests[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setattr(datasets, "FASHION_MNIST", digests)
    return folder


@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4), (0, 5)])
def test_read_idx_returns_what_was_written(tmp_path, shape):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = datasets.read_idx(write(tmp_path / "a.gz", idx(array)))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array)


GOOD = idx(np.arange(6, dtype=np.uint8).reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "two zero bytes"),
        (b"\0\0", "two zero bytes"),
        (b"PK\3\4" + GOOD[4:], "two zero bytes"),
        (b"\0\0\x0d" + GOOD[3:], "type code is 0x0d"),
        (b"\0\0\x08\0", "does not fit"),
        (GOOD[:-1], "does not fit"),
        (GOOD + b"\0", "does not fit"),
        (GOOD[:9], "does not fit"),
        (MAGIC + struct.pack(">B3I", 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "does not fit"),
        (MAGIC + b"\xff" + bytes(100), "does not fit"),
    ],
)
def test_read_idx_refuses_other_content(tmp_path, content, message):
    path = write(tmp_path / "bad.gz", content)
    with pytest.raises(datasets.CorruptDatasetError, match=message) as caught:
        datasets.read_idx(path)
    assert "bad.gz" in str(caught.value)
    assert len(str(caught.value)) <= 300


def test_read_idx_refuses_every_truncation(tmp_path):
    packed = gzip.compress(GOOD, mtime=0)
    for length in range(len(packed)):
        path = write(tmp_path / "cut.gz", packed[:length], packed=False)
        with pytest.raises(datasets.CorruptDatasetError):
            datasets.read_idx(path)


@pytest.mark.parametrize("content", [GOOD, gzip.compress(GOOD)[:-8] + b"\0" * 8], ids=["not packed", "wrong checksum"])
def test_read_idx_refuses_what_gzip_refuses(tmp_path, content):
    with pytest.raises(datasets.CorruptDatasetError, match="not a complete gzip file"):
        datasets.read_idx(write(tmp_path / "bad.gz", content, packed=False))


def test_read_idx_checks_the_digest_first(tmp_path):
    path = write(tmp_path / "a.gz", GOOD)
    assert datasets.read_idx(path, hashlib.sha256(path.read_bytes()).hexdigest()).shape == (2, 3)
    with pytest.raises(datasets.CorruptDatasetError, match=r"sha256 .* --reinstall dataset-fashion-mnist"):
        datasets.read_idx(path, "0" * 64)


def test_missing_fashion_mnist_says_how_to_install_it(no_system_folders, monkeypatch, tmp_path):
    monkeypatch.setenv("FASTGD_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="apt-get install dataset-fashion-mnist") as caught:
        datasets.load_fashion_mnist()
    assert isinstance(caught.value, datasets.DatasetNotFoundError)
    assert "nowhere" in str(caught.value)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("place", ["itself", "subfolder", "share"])
def test_fashion_mnist_is_found(tiny_fashion_mnist, monkeypatch, tmp_path, place):
    if place == "itself":
        monkeypatch.setenv("FASTGD_DATA", str(tiny_fashion_mnist))
    elif place == "subfolder":
        tiny_fashion_mnist.rename(tmp_path / "fashion-mnist")
        monkeypatch.setenv("FASTGD_DATA", str(tmp_path))
    else:
        (tmp_path / "share" / "datasets").mkdir(parents=True)
        tiny_fashion_mnist.rename(tmp_path / "share" / "datasets" / "fashion-mnist")
    data = datasets.load_default("float64")
    assert (data.name, data.n_classes, data.note) == ("Fashion-MNIST", 10, "")
    assert data.X_train.shape == (12, 784)
    assert data.X_test.shape == (5, 784)
    assert data.X_train.dtype == np.float64
    assert data.X_train.max() == 9 / 255
    assert data.y_train.shape == (12,)
    assert data.y_test.dtype == np.intp


def test_incomplete_folder_names_the_missing_file(tiny_fashion_mnist, monkeypatch):
    monkeypatch.setenv("FASTGD_DATA", str(tiny_fashion_mnist))
    (tiny_fashion_mnist / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(datasets.CorruptDatasetError, match=r"t10k-labels-idx1-ubyte\.gz is missing"):
        datasets.load_default()


def test_damaged_fashion_mnist_is_not_replaced_by_digits(tiny_fashion_mnist, monkeypatch):
    monkeypatch.setenv("FASTGD_DATA", str(tiny_fashion_mnist))
    write(tiny_fashion_mnist / "train-labels-idx1-ubyte.gz", GOOD)
    with pytest.raises(datasets.CorruptDatasetError, match="sha256"):
        datasets.load_default()


def test_default_is_digits_with_a_note_where_fashion_mnist_is_missing(no_system_folders):
    data = datasets.load_default()
    assert data.name == "digits"
    assert data.note == "For the bigger Fashion-MNIST run: apt-get install dataset-fashion-mnist"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_digits(dtype):
    data, again = datasets.load_digits(dtype), datasets.load_digits(dtype)
    for X, y, n in ((data.X_train, data.y_train, 1437), (data.X_test, data.y_test, 360)):
        assert (X.shape, y.shape, X.dtype) == ((n, 64), (n,), dtype)
        assert X.flags.c_contiguous
        assert (X.min(), X.max()) == (0, 1)
        assert set(y) == set(range(10))
    np.testing.assert_array_equal(data.X_test, again.X_test)
    np.testing.assert_array_equal(data.y_test, again.y_test)


@pytest.mark.parametrize("load", [datasets.load_digits, datasets.load_fashion_mnist, datasets.load_default])
def test_other_dtypes_are_refused(load):
    with pytest.raises(ValueError, match=r"'dtype' argument of .* 'float32', 'float64'; got 'int8'"):
        load("int8")


def test_the_published_fashion_mnist():
    try:
        data = datasets.load_fashion_mnist()
    except datasets.DatasetNotFoundError as error:
        pytest.skip(str(error))
    assert data.X_train.shape == (60000, 784)
    assert data.X_test.shape == (10000, 784)
    assert data.X_train.dtype == np.float32
    assert (data.X_train.min(), data.X_train.max()) == (0, 1)
    assert data.X_train.mean() == pytest.approx(0.28604, abs=1e-4)
    np.testing.assert_array_equal(np.bincount(data.y_train), [6000] * 10)
    np.testing.assert_array_equal(np.bincount(data.y_test), [1000] * 10)
