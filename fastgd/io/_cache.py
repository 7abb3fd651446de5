"""The binary cache of a text file: the arrays themselves, mapped into memory instead of parsed.

A cache is a checkpoint file (`checkpoint.py`): safetensors with a seal, written atomically. It says which text it was made of (size, time
of the last change, SHA-256) and with which options; it is used only while both still hold.
"""

import hashlib
import json
import mmap
import os
from typing import Any

import numpy as np

from fastgd import _safetensors, checkpoint
from fastgd._safetensors import FormatError
from fastgd.io._files import DataFileError

KIND = "data"
SUFFIX = ".fgd"


def path_for(source: Any, cache: Any) -> str:
    """Return the name of the cache file: as given, or beside the source where `cache` is True."""
    return os.fspath(source) + SUFFIX if cache is True else os.fspath(cache)


def digest_of(source: str) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits."""
    with open(source, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def key_of(source: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return what a cache of this file with these options must say, but for the digest."""
    status = os.stat(source)
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "options": options}


def write(path: str, source: str, options: dict[str, Any], arrays: dict[str, np.ndarray], n_features: int) -> None:
    """Write the cache of `source`."""
    key = {**key_of(source, options), "sha256": digest_of(source)}
    if key_of(source, options) != {name: key[name] for name in ("size", "mtime_ns", "options")}:
        raise DataFileError(f"{source} changed while its cache was made. Read it again.")
    checkpoint.write_file(path, arrays, {"kind": KIND, "source": key, "n_features": n_features})


def load(path: str, source: str, options: dict[str, Any]) -> tuple[dict[str, np.ndarray], int] | None:
    """Return the mapped arrays and the number of features, or None where there is no cache or it is of another text."""
    try:
        arrays, config = map_file(path)
    except FileNotFoundError:
        return None
    key = config["source"]
    now = key_of(source, options)
    if key.get("options") != json.loads(json.dumps(options)) or key.get("size") != now["size"]:
        return None
    # A copied or touched file has another time and the same bytes.
    if key.get("mtime_ns") != now["mtime_ns"] and key.get("sha256") != digest_of(source):
        return None
    return arrays, config["n_features"]


def map_file(path: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a cache, read-only and mapped, and its configuration. The seal is not checked: that would read everything."""
    entries, config, begin = entries_of(path)
    with open(path, "rb") as file:
        mapped = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)[begin:]
    arrays = {entry.name: _safetensors.to_array(entry, mapped) for entry in entries[:-1]}
    reason = _contradiction(arrays, config)
    if reason:
        raise DataFileError(f"{path} is a damaged data cache: {reason}. Remove it, and it will be made anew.")
    return arrays, config


def _contradiction(arrays: dict[str, np.ndarray], config: dict[str, Any]) -> str:
    """Say what is wrong with a cache but for its values and columns, which whatever walks them checks; nothing if all is well."""
    kinds = {"data": "f", "indices": "i", "indptr": "i", "y": "f", **({"qid": "i"} if "qid" in arrays else {})}
    for name, kind in kinds.items():
        array = arrays[name]
        if array.ndim != 1 or array.dtype.kind != kind or array.itemsize < 4:
            return f"{name} is {array.dtype} of shape {array.shape}"
    n_rows, starts = len(arrays["y"]), arrays["indptr"]
    if len(starts) != n_rows + 1 or len(arrays["indices"]) != len(arrays["data"]):
        return f"{n_rows} targets, {len(starts)} row starts, {len(arrays['indices'])} columns, {len(arrays['data'])} values"
    if starts[0] != 0 or starts[-1] != len(arrays["data"]) or (starts[1:] < starts[:-1]).any():
        return "the row starts do not ascend from 0 to the number of values"
    n_features = config.get("n_features")
    if type(n_features) is not int or not 0 < n_features < 2**31:
        return f"n_features is {n_features!r:.40}"
    return "" if isinstance(config.get("source"), dict) else "it does not say which text it was made of"


def entries_of(path: str) -> tuple[list[_safetensors.Entry], dict[str, Any], int]:
    """Return what the header of a cache says: the arrays' places behind byte `begin`, the configuration, and `begin`."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 16 or not 2 <= length <= min(_safetensors.HEADER_LIMIT, size - 8):
            raise DataFileError(f"{path} is not a fastgd data cache. Remove it, or name another file as cache=.")
        header = file.read(length)
    try:
        metadata, fields = _safetensors.parse_fields(header)
        entries = _safetensors.parse_entries(fields, size - 8 - length)
        config = _safetensors.strict_json(metadata.get("fastgd", ""), "the configuration")
        if config.get("kind") != KIND or not {"data", "indices", "indptr", "y"} <= {
            entry.name for entry in entries[:-1]
        }:
            raise FormatError("it holds no data")
    except FormatError as error:
        raise DataFileError(
            f"{path} is not a fastgd data cache: {error}. Remove it, or name another file as cache=."
        ) from None
    return entries, config, 8 + length
