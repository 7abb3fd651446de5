"""The two image data sets of the demo, split, scaled to [0, 1] and ready to train on.

Nothing here downloads: Fashion-MNIST comes from a package manager or from a folder of yours, digits from scikit-learn.

>>> from fastgd import datasets
>>> digits = datasets.load_digits()
>>> digits.X_train.shape, digits.X_test.shape, digits.n_classes
((1437, 64), (360, 64), 10)
"""

import gzip
import hashlib
import math
import os
import sysconfig
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fastgd._validation import ArgumentValueError, choice, shortened

__all__ = [
    "CorruptDatasetError",
    "Dataset",
    "DatasetNotFoundError",
    "load_default",
    "load_digits",
    "load_fashion_mnist",
    "read_idx",
]

INSTALL = "apt-get install dataset-fashion-mnist"

# {file: sha256} of Debian's package: pictures and labels to train on, pictures and labels to test on.
FASHION_MNIST = {
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}

UNSIGNED_BYTE = 8  # the type code in the third byte of an idx file


class DatasetNotFoundError(FileNotFoundError):
    """A data set is not installed; the message says how to get it."""


class CorruptDatasetError(ArgumentValueError):
    """A data file is damaged or is not what its name says."""


class Dataset(NamedTuple):
    """A classification problem, split into rows to train on and rows to test on.

    Attributes
    ----------
    X_train, X_test : ndarray of shape (n_train, n_features) and (n_test, n_features)
        Features in [0, 1], C-contiguous, of the dtype asked for.
    y_train, y_test : ndarray of shape (n_train,) and (n_test,), dtype intp
        Class numbers 0 ... n_classes - 1.
    name : str
        "Fashion-MNIST" or "digits".
    n_classes : int
        The number of classes.
    note : str
        One line for the user, or an empty string: `load_default` says here how to get the bigger data set.

    Examples
    --------
    >>> from fastgd import datasets
    >>> data = datasets.load_digits()
    >>> data.name, data.y_test.shape
    ('digits', (360,))
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    name: str
    n_classes: int
    note: str = ""


def load_fashion_mnist(dtype: str = "float32") -> Dataset:
    """Load Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 60,000 + 10,000 grey pictures of clothing, 28 x 28, ten classes.

    The four files are looked for in ``$FASTGD_DATA``, in its subfolder ``fashion-mnist``, and in the folder
    ``datasets/fashion-mnist`` below this Python's and the system's ``share``, where Debian's package
    ``dataset-fashion-mnist`` puts them. Each is checked against its sha256.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The dtype of the features; the grey value 255 becomes 1.

    Returns
    -------
    Dataset
        `X_train` of shape (60000, 784), `X_test` of shape (10000, 784).

    Raises
    ------
    DatasetNotFoundError
        The files are not installed; the message has the command that installs them.
    CorruptDatasetError
        A file differs from the published one.

    Examples
    --------
    >>> data = datasets.load_fashion_mnist()  # doctest: +SKIP
    >>> data.X_train.shape  # doctest: +SKIP
    (60000, 784)
    """
    choice(dtype, "load_fashion_mnist", "dtype", ("float32", "float64"))
    folder = _fashion_mnist_folder()
    X_train, y_train, X_test, y_test = (read_idx(folder / name, sha256) for name, sha256 in FASHION_MNIST.items())
    return Dataset(
        _scaled(X_train.reshape(len(X_train), -1), 255, dtype),
        y_train.astype(np.intp),
        _scaled(X_test.reshape(len(X_test), -1), 255, dtype),
        y_test.astype(np.intp),
        "Fashion-MNIST",
        n_classes=10,
    )


def load_digits(dtype: str = "float32") -> Dataset:
    """Load the handwritten digits that come with scikit-learn: 1,437 + 360 grey pictures, 8 x 8, ten classes.

    The split is one fixed shuffle: the same rows every time.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The dtype of the features; the grey value 16 becomes 1.

    Returns
    -------
    Dataset
        `X_train` of shape (1437, 64), `X_test` of shape (360, 64).

    Examples
    --------
    >>> from fastgd import datasets
    >>> data = datasets.load_digits("float64")
    >>> data.X_train.dtype, float(data.X_train.max())
    (dtype('float64'), 1.0)
    """
    choice(dtype, "load_digits", "dtype", ("float32", "float64"))
    from sklearn.datasets import load_digits as bundled_digits

    X, y = bundled_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = _scaled(X[order], 16, dtype), y[order].astype(np.intp)
    n_test = -(-len(y) // 5)  # a fifth, rounded up
    return Dataset(X[n_test:], y[n_test:], X[:n_test], y[:n_test], "digits", n_classes=10)


def load_default(dtype: str = "float32") -> Dataset:
    """Load Fashion-MNIST where it is installed, else digits with a `note` that says how to get Fashion-MNIST.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The dtype of the features.

    Returns
    -------
    Dataset
        As from `load_fashion_mnist` or `load_digits`.

    Examples
    --------
    >>> from fastgd import datasets
    >>> datasets.load_default().n_classes
    10
    """
    try:
        return load_fashion_mnist(dtype)
    except DatasetNotFoundError:
        return load_digits(dtype)._replace(note=f"For the bigger Fashion-MNIST run: {INSTALL}")


def read_idx(path: str | os.PathLike, sha256: str = "") -> np.ndarray:
    """Read a gzipped idx file of unsigned bytes, the format of MNIST.

    The format: two zero bytes, the type code, the number of axes, one big-endian 4-byte length per axis, the elements
    in C order.

    Parameters
    ----------
    path : str or path-like
        The file.
    sha256 : str
        The expected digest of the file on disk, in hex, checked before anything is unpacked. Empty: not checked.

    Returns
    -------
    ndarray of dtype uint8
        Read-only, of the shape the file states.

    Raises
    ------
    CorruptDatasetError
        The digest differs, or the file is not a complete gzipped idx file of unsigned bytes.

    Examples
    --------
    >>> import gzip, pathlib, tempfile
    >>> from fastgd.datasets import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "three.gz")
    ...     _ = path.write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9])))
    ...     read_idx(path)
    array([7, 8, 9], dtype=uint8)
    """
    packed = Path(path).read_bytes()
    if sha256 and (found := hashlib.sha256(packed).hexdigest()) != sha256:
        raise _corrupt(path, f"its sha256 starts with {found[:16]}, the published one with {sha256[:16]}")
    try:
        content = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise _corrupt(path, f"it is not a complete gzip file ({error})") from None
    if len(content) < 4 or content[:2] != b"\0\0":
        opening = content[:4].hex(" ") or "nothing"
        raise _corrupt(path, f"an idx file starts with two zero bytes, this one with {opening}")
    if content[2] != UNSIGNED_BYTE:
        raise _corrupt(path, f"only unsigned bytes (type code 0x08) are read, its type code is {content[2]:#04x}")
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if content[3] == 0 or len(content) != start + math.prod(shape):
        raise _corrupt(path, f"its header states the shape {tuple(shape)}, which does not fit its {len(content)} bytes")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _corrupt(path: str | os.PathLike, what: str) -> CorruptDatasetError:
    fix = f"Reinstall it ({INSTALL.replace('install', 'install --reinstall')}) or correct FASTGD_DATA."
    return CorruptDatasetError(shortened(f"{shortened(str(path), 70)} cannot be used: {what}. {fix}"))


def _scaled(grey: np.ndarray, white: int, dtype: str) -> np.ndarray:
    return np.divide(grey, white, dtype=dtype)


def _fashion_mnist_folder() -> Path:
    """Return the first folder with the training pictures; its other files must then be there, too."""
    own = os.environ.get("FASTGD_DATA")
    folders = [Path(own), Path(own, "fashion-mnist")] if own else []
    folders += [share / "datasets" / "fashion-mnist" for share in _shares()]
    first = next(iter(FASHION_MNIST))
    for folder in folders:
        if (folder / first).is_file():
            break
    else:
        looked = "share/datasets" + (f" and FASTGD_DATA={shortened(own, 60)}" if own else "")
        raise DatasetNotFoundError(
            f"Fashion-MNIST is not installed (looked in {looked}). Run: {INSTALL}; "
            f"or set FASTGD_DATA to the folder that holds {first} and its three companions."
        )
    for name in FASHION_MNIST:
        if not (folder / name).is_file():
            raise _corrupt(folder, f"the file {name} is missing")
    return folder


def _shares() -> list[Path]:
    """Return the folders where packages put data: this Python's own, then the system's."""
    return [Path(sysconfig.get_path("data"), "share"), Path("/usr/local/share"), Path("/usr/share")]
