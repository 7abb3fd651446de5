"""NumPy's own files, mapped into memory where they can be; nothing is ever unpickled."""

import math
import os
import struct
import tokenize
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from fastgd._validation import shortened, value_error
from fastgd.io._files import DataFileError

# What NumPy, zipfile and zlib raise for damaged files; SyntaxError and TokenError come from headers, which are Python literals.
DAMAGED = (
    *(ValueError, TypeError, KeyError, EOFError, OverflowError, NotImplementedError, RuntimeError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
)
MOST_EXPANSION = 1032  # deflate's limit, which arrays of zeros come near


def load_arrays(path: str | os.PathLike[str]) -> Any:
    """Open a .npy or .npz file: arrays mapped read-only where they are stored as they are, read where they are compressed.

    Parameters
    ----------
    path : str or path
        A .npy file, a .npz file, or a .npz file that `scipy.sparse.save_npz` wrote.

    Returns
    -------
    ndarray
        Of a .npy file; mapped.
    dict of str to ndarray
        Of a .npz file; members are mapped unless they are compressed.
    scipy.sparse.csr_matrix
        Of a sparse matrix's .npz file.

    Raises
    ------
    DataFileError
        If the file is damaged, holds Python objects, or a member's name is a path or there twice.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fastgd.io import load_arrays
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "data.npz")
    ...     np.savez(path, X=np.eye(2), y=np.array([0, 1]))
    ...     found = load_arrays(path)
    ...     type(found["X"]).__name__, found["y"].tolist()
    ('memmap', [0, 1])
    """
    name = os.fspath(path)
    ending = os.path.splitext(name)[1]
    if ending not in (".npy", ".npz"):
        raise value_error("load_arrays", "path", "the name of a .npy or .npz file", name)
    try:
        if ending == ".npz":
            return _archive(name)
        with open(name, "rb") as file:
            return _mapped(file, name, 0)
    except DataFileError:
        raise
    except DAMAGED as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise DataFileError(f"{shortened(name, 80)}: {shortened(said, 200)}") from None


def _archive(name: str) -> Any:
    with zipfile.ZipFile(name) as archive, open(name, "rb") as file:
        members = archive.infolist()
        names = [member.filename for member in members]
        for each in names:
            if names.count(each) > 1:
                raise DataFileError(f"{name}: the member {each!r} is there twice")
            if not each.endswith(".npy") or "/" in each or "\\" in each:
                raise DataFileError(f"{name}: the member {each!r} is not an array of numpy.savez")
        found = {member.filename.removesuffix(".npy"): _member(archive, member, file, name) for member in members}
    if "format" in found and "indptr" in found:
        return _sparse(found, name)
    return found


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: BinaryIO, name: str) -> np.ndarray:
    if not 0 <= member.header_offset <= os.fstat(file.fileno()).st_size:
        raise DataFileError(f"{name}: the member {member.filename!r} is damaged")
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
        return _unpacked(archive, member, name)
    file.seek(member.header_offset)
    local = file.read(30)  # the local header, whose name and extra field may be longer than the directory's
    if len(local) < 30 or local[:4] != b"PK\x03\x04":
        raise DataFileError(f"{name}: the member {member.filename!r} is damaged")
    begin = member.header_offset + 30 + int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
    return _mapped(file, name, begin)


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> np.ndarray:
    """Return a compressed member; what its header says is compared with the sizes in the archive before memory is asked for."""
    if member.compress_type != zipfile.ZIP_DEFLATED or member.file_size > MOST_EXPANSION * member.compress_size + 4096:
        raise DataFileError(f"{name}: the member {member.filename!r} is not packed as numpy.savez_compressed does it")
    with archive.open(member) as packed:
        shape, _, dtype = _header(packed, name)
        if math.prod(shape) * dtype.itemsize > member.file_size:
            raise DataFileError(f"{name}: an array of shape {shape} and dtype {dtype} is longer than its member")
    with archive.open(member) as packed:
        array: np.ndarray = npy.read_array(packed, allow_pickle=False)
        return array


def _header(file: Any, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, whether columns are contiguous, and dtype, from the header that begins where a file stands."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise DataFileError(f"{name}: .npy format version {version} is unknown")
    reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = reader(file)
    if dtype.hasobject:
        raise DataFileError(f"{name}: it holds Python objects, which are never loaded. Save numbers.")
    if any(size < 0 for size in shape):
        raise DataFileError(f"{name}: the shape {shape} is negative")
    return shape, fortran, dtype


def _mapped(file: BinaryIO, name: str, begin: int) -> np.ndarray:
    """Return the array whose .npy header is at byte `begin`, mapped read-only."""
    file.seek(begin)
    shape, fortran, dtype = _header(file, name)
    size = math.prod(shape) * dtype.itemsize
    available = os.fstat(file.fileno()).st_size - file.tell()
    if size > available:
        raise DataFileError(
            f"{name}: an array of shape {shape} and dtype {dtype} takes {size} bytes; {available} are there"
        )
    if size == 0:
        return np.empty(shape, dtype)
    return np.memmap(file, dtype, "r", file.tell(), shape, "F" if fortran else "C")


def _sparse(found: dict[str, np.ndarray], name: str) -> Any:
    from scipy.sparse import csr_matrix

    if found["format"].tobytes().rstrip(b"\0") != b"csr" or not {"data", "indices", "indptr", "shape"} <= set(found):
        raise DataFileError(f"{name}: a sparse matrix must be saved in CSR format. Use X.tocsr().")
    X = csr_matrix((found["data"], found["indices"], found["indptr"]), shape=tuple(int(n) for n in found["shape"]))
    X.check_format()
    return X
