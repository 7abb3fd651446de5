"""Checkpoints: safetensors files that carry their own digest and are never half-written.

A checkpoint holds the parameters, every state array, the step and the configuration of one optimizer state. Any
safetensors reader opens it. Its last tensor, ``fastgd.sha256``, is the SHA-256 of all bytes before that tensor's own.
``__metadata__`` maps four texts to texts:

    format      "fastgd"
    version     "1", that of this layout
    requires    the oldest fastgd that reads this version
    fastgd      the configuration, as JSON

Writing: a temporary file in the same directory, fsync, read back and compared with its digest, renamed over the target,
fsync of the directory (`_sealed_file.py`). After a kill, a full disk or a power cut the path holds the complete old or
the complete new file.

Reading: file size, header length, digest, strict JSON, offsets and dtypes and shapes, and only then the meaning.
Nothing in a file is unpickled, evaluated or executed. The whole file is read into memory, never mapped: it may be
replaced at any time.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fastgd import _safetensors, _sealed_file
from fastgd._restore import restore
from fastgd._safetensors import CHUNK, FormatError
from fastgd._sealed_file import SEAL_SIZE
from fastgd._validation import (
    ArgumentTypeError,
    ArgumentValueError,
    CorruptCheckpointError,
    integer,
    shortened,
    type_error,
    value_error,
)
from fastgd.state import State

FORMAT_VERSION = 1
READABLE_SINCE = "0.1"  # the first fastgd that reads FORMAT_VERSION
DIGEST = "fastgd.sha256"
MAX_KEEP = 9

_FOREIGN = (  # leading bytes, what they are; only these bytes are looked at
    (b"PK\x03\x04", "a zip archive, such as a torch .pt, NumPy .npz or Keras .keras file"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x93NUMPY", "a NumPy .npy file"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"\x1f\x8b", "gzip data, such as a compressed joblib or pickle file"),
    (b"BZh", "bzip2 data, such as a compressed joblib or pickle file"),
    (b"\xfd7zXZ", "xz data, such as a compressed joblib or pickle file"),
    (b"x\x01", "zlib data, such as a compressed joblib file"),
    (b"x\x5e", "zlib data, such as a compressed joblib file"),
    (b"x\x9c", "zlib data, such as a compressed joblib file"),
    (b"x\xda", "zlib data, such as a compressed joblib file"),
    (b"GGUF", "a GGUF file"),
)


def save(path: str | os.PathLike[str], state: State, *, keep: int = 1) -> None:
    """Write `state` to `path`, whole or not at all.

    Parameters
    ----------
    path : str or os.PathLike
        The file to create or replace. Its permissions are kept. A symbolic link is followed: the file it points to is
        replaced, the link stays. The directory must exist and be writable.
    state : State
        What an optimizer's ``init`` returned: its parameters, state arrays, step and configuration are written.
    keep : int, 1 to 9
        How many files to hold at most: 1 is `path` alone; with 2 the file replaced stays as ``path.1``, where
        `load_latest` finds it; with 3 the one before it stays as ``path.2``, and so on.

    Raises
    ------
    OSError
        The file cannot be written (no permission, disk full, no directory, not a regular file, ...). The old file is
        untouched and no temporary file is left. Only if the very last step fails, the fsync of the directory, is the
        new file in place already.
    ArgumentTypeError, ArgumentValueError
        An argument is unusable; nothing was written.

    See Also
    --------
    load : Read such a file.

    Notes
    -----
    A temporary file ``.NAME.PID-RANDOM.tmp`` lives beside `path` meanwhile. A process that is killed leaves it behind;
    it is never read, and never deleted by another process.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import fastgd
    >>> params = {"w": np.array([1.0, -2.0])}
    >>> state = fastgd.SGD(lr=0.5, momentum=0.9).init(params)
    >>> info = state.step({"w": np.array([0.2, 0.4])})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "run.safetensors")
    ...     fastgd.save(path, state)
    ...     fresh = {"w": np.zeros(2)}
    ...     resumed = fastgd.load(path, fresh)
    >>> fresh["w"].tolist(), resumed.t
    ([0.9, -2.2], 1)
    """
    if not hasattr(state, "_export"):
        raise type_error("save", "state", "a State, as an optimizer's init() returns", state)
    tensors, config = state._export()
    write_file(path, tensors, config, keep)


def load(path: str | os.PathLike[str], params: Any, *, optimizer: Any = None, **changes: Any) -> State:
    """Read `path`, put its parameter values into `params`, and return the state that continues the run bit for bit.

    Parameters
    ----------
    path : str or os.PathLike
        A file written by `save`.
    params : array, or list, tuple or dict of arrays
        Arrays of the same names, shapes and dtypes as those saved; they receive the saved values, in place.
    optimizer : Optimizer, optional
        The optimizer to continue with; default: the one in the file.
    **changes
        Hyperparameters to change, such as ``lr=1e-4``; everything else continues as saved.

    Returns
    -------
    State
        At the saved step, over `params`.

    Raises
    ------
    CorruptCheckpointError
        The file is damaged or cut off: its bytes do not match their digest.
    ArgumentValueError
        The file is no fastgd checkpoint (the message names what it is), was written by a newer fastgd, does not fit
        `params`, or holds values that no optimizer accepts.
    OSError
        The file cannot be opened, or is not a regular file.

    Notes
    -----
    All or nothing: `params` are changed only after every check has passed. The digest guards against damage, not
    against forgery.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import fastgd
    >>> state = fastgd.Adam(lr=0.1).init(np.ones(3))
    >>> info = state.step(np.ones(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "run.safetensors")
    ...     fastgd.save(path, state)
    ...     state = fastgd.load(path, np.zeros(3), lr=0.01)
    >>> state.t, state.lr
    (1, 0.01)
    """
    tensors, config = read_file(path)
    return restore(tensors, config, params, optimizer=optimizer, **changes)


def load_latest(path: str | os.PathLike[str], params: Any, *, optimizer: Any = None, **changes: Any) -> State:
    """Like `load`, but fall back to the newest intact file that ``save(..., keep=2)`` kept, with a RuntimeWarning.

    Parameters
    ----------
    path, params, optimizer, **changes
        As for `load`. The files tried are `path`, ``path.1``, ``path.2``, ...

    Returns
    -------
    State
        Of the first file that is neither missing nor damaged.

    Raises
    ------
    CorruptCheckpointError, ArgumentValueError, OSError
        As for `load`. If no file is usable, the error is that of `path` itself.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import fastgd
    >>> state = fastgd.SGD(lr=0.1).init(np.ones(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "run.safetensors")
    ...     fastgd.save(path, state, keep=2)
    ...     info = state.step(np.ones(3))
    ...     fastgd.save(path, state, keep=2)
    ...     t = fastgd.load_latest(path, np.ones(3)).t
    ...     kept = sorted(os.listdir(folder))
    >>> t, kept
    (1, ['run.safetensors', 'run.safetensors.1'])
    """
    tensors, config = read_latest(path)
    return restore(tensors, config, params, optimizer=optimizer, **changes)


# Writing


def write_file(
    path: str | os.PathLike[str], tensors: Mapping[str, np.ndarray], config: Mapping[str, Any], keep: int = 1
) -> None:
    """Write named arrays and a JSON-able configuration as one checkpoint; the protocol is that of `save`."""
    keep = integer(keep, "save", "keep", low=1)
    if keep > MAX_KEEP:
        raise value_error("save", "keep", f"an integer from 1 to {MAX_KEEP}", keep)
    target = os.path.realpath(_path_text(path, "save"))
    arrays, header = _encode(tensors, config)
    _sealed_file.write(target, _pieces(header, arrays), keep)


def _encode(tensors: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> tuple[list[np.ndarray], bytes]:
    """Return the arrays in file order and the header; everything that makes a state unwritable is found here."""
    for name, array in tensors.items():
        if not isinstance(name, str) or not isinstance(array, np.ndarray):
            raise ArgumentTypeError(f"a checkpoint holds named arrays; got {name!r:.60}: {type(array).__name__}")
    names = _safetensors.file_order(tensors)
    arrays = [tensors[name] for name in names]
    try:
        text = json.dumps(config, allow_nan=False, separators=(",", ":"))
        _safetensors.strict_json(text, "the configuration")
        metadata = {"format": "fastgd", "version": str(FORMAT_VERSION), "requires": READABLE_SINCE, "fastgd": text}
        entries = _safetensors.layout([*zip(names, arrays, strict=True), (DIGEST, np.empty(SEAL_SIZE, np.uint8))])
        return arrays, _safetensors.encode_header(entries, metadata)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentValueError(
            shortened(f"the 'state' argument of save does not fit a checkpoint: {error}")
        ) from error


def _pieces(header: bytes, arrays: list[np.ndarray]) -> Iterator[memoryview]:
    yield memoryview(header)
    for array in arrays:
        yield from _safetensors.stream(array)


# Reading


def read_file(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and the configuration of a checkpoint, all checks of this layer passed.

    The arrays are writable, belong to the caller, and are views of one buffer: copy one to keep it without the others.
    """
    name = _path_text(path, "load")
    header, data = _read_verified(name)
    try:
        metadata, fields = _safetensors.parse_fields(header)
        _check_version(metadata, name)  # before the tensors: a newer format may describe them otherwise
        entries = _safetensors.parse_entries(fields, data.size)
        if not entries or entries[-1].name != DIGEST or (entries[-1].dtype, entries[-1].shape) != ("U8", (SEAL_SIZE,)):
            raise FormatError(f"the last tensor is not {DIGEST!r} with {SEAL_SIZE} bytes")
        config = _safetensors.strict_json(metadata.get("fastgd", ""), "the configuration")
        return {entry.name: _safetensors.to_array(entry, data) for entry in entries[:-1]}, config
    except FormatError as error:
        raise _not_a_checkpoint(name, f"{error}.") from None


def read_latest(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return what `read_file` does, of the first of `path`, `path.1`, ... that is intact; warn unless it is `path`."""
    try:
        return read_file(path)
    except (CorruptCheckpointError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOENT, errno.EIO):
            raise
        first = error
    target = os.path.realpath(_path_text(path, "load_latest"))
    for number in range(1, MAX_KEEP):
        kept = f"{target}.{number}"
        with contextlib.suppress(CorruptCheckpointError, OSError):
            result = read_file(kept)
            break
    else:
        raise first
    message = f"loaded the older checkpoint {shortened(kept, 80)!r}: {shortened(str(first), 180)}"
    warnings.warn(message, RuntimeWarning, stacklevel=3)
    return result


def _read_verified(name: str) -> tuple[bytes, np.ndarray]:
    """Return the header and the data section of a file whose digest is right."""
    _sealed_file.require_regular(os.stat(name), name)  # before opening: a FIFO would wait for a writer
    fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(fd)
        _sealed_file.require_regular(status, name)
        size = status.st_size
        begin = 8 + _header_size(os.pread(fd, 64, 0), size, name)
        raw = np.empty(size, np.uint8)
        digest = hashlib.sha256()
        done = 0
        while done < size:
            chunk = os.read(fd, min(CHUNK, size - done))
            if not chunk:
                raise _damaged(name, f"it ends at byte {done} of {size}: it was cut while being read")
            raw[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
            digest.update(raw[done : max(0, min(done + len(chunk), size - SEAL_SIZE))].data)
            done += len(chunk)
    finally:
        os.close(fd)
    header, data = raw[8:begin].tobytes(), raw[begin:]
    if digest.digest() != raw[-SEAL_SIZE:].tobytes():
        raise _digest_error(header, data.size, name)
    return header, data


def _header_size(head: bytes, size: int, name: str) -> int:
    """Return the length of the header, checked against the file's size; `head` is the file's first 64 bytes."""
    if size < 8 + 2:
        raise _damaged(name, f"it has {size} bytes")
    length = int.from_bytes(head[:8], "little")
    # Our lengths are multiples of 8: one damaged byte leaves a file of ours one of the two marks; the digest decides.
    if 2 <= length <= min(_safetensors.HEADER_LIMIT, size - 8) and (head[8:9] == b"{" or length % 8 == 0):
        return length
    if head[8:9] == b"{":
        raise _damaged(
            name, f"it has {size} bytes and declares a header of {length} (limit {_safetensors.HEADER_LIMIT})"
        )
    if not any(head):
        raise _damaged(name, "it begins with zeros")
    raise _not_a_checkpoint(name, _foreign_format(head))


def _foreign_format(head: bytes) -> str:
    """Say what a file is by its first bytes."""
    if head[:1] == b"\x80" and head[1] in (2, 3, 4, 5):
        return "It is a pickle, such as an old torch .pt or a joblib file; it was not opened."
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            return f"It is {what}; it was not opened."
    return f"It begins with {head[:8]!r}, as no safetensors file does."


def _digest_error(header: bytes, data_size: int, name: str) -> ArgumentValueError:
    """Return the error for a wrong digest: the file is damaged, unless it is somebody else's."""
    if b"fastgd" not in header:  # one damaged byte cannot remove all its mentions
        with contextlib.suppress(FormatError):
            _safetensors.parse_entries(_safetensors.parse_fields(header)[1], data_size)
            return _not_a_checkpoint(
                name, "It is a safetensors file of another program: read it with the package safetensors."
            )
    return _damaged(name, "its digest does not match its bytes")


def _check_version(metadata: Mapping[str, str], name: str) -> None:
    if metadata.get("format") != "fastgd":
        raise FormatError(f"its metadata give the format as {metadata.get('format')!r:.40}")
    version = metadata.get("version", "")
    if not re.fullmatch(r"[1-9][0-9]{0,5}(\.[0-9]{1,6})?", version, re.ASCII):
        raise FormatError(f"its metadata give the version as {version!r:.40}")
    if int(version.partition(".")[0]) > FORMAT_VERSION:
        since = metadata.get("requires", "unknown")
        fix = f"It has format version {version:.20}, written by fastgd >= {since:.20}; upgrade fastgd."
        raise value_error("load", "path", f"a checkpoint of format version {FORMAT_VERSION}", name, fix)


def _path_text(path: str | os.PathLike[str], owner: str) -> str:
    try:
        name = os.fsdecode(path)
    except TypeError:
        raise type_error(owner, "path", "a string or os.PathLike", path) from None
    if not name or "\0" in name:
        raise value_error(owner, "path", "the name of a file", name)
    return name


def _not_a_checkpoint(name: str, fix: str) -> ArgumentValueError:
    return value_error("load", "path", "a fastgd checkpoint", name, fix)


def _damaged(name: str, reason: str) -> CorruptCheckpointError:
    fix = "Load a copy, or use load_latest if save(..., keep=2) kept one."
    return CorruptCheckpointError(f"the checkpoint {shortened(name, 100)!r} is damaged: {reason}. {fix}")
