"""The safetensors format, read strictly and written as a stream; files and digests are the business of `checkpoint.py`.

    8 bytes   N, the length of the header, little-endian
    N bytes   JSON, padded with spaces: {"__metadata__": {"key": "text"},
                                         "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
    the rest  the tensors' bytes: little-endian, C order, offsets from the end of the header, no hole, no overlap

Nothing read from a file is trusted: every number is checked against the bytes that are really there before it is used,
and nothing is ever evaluated. A violation raises FormatError with a reason; the caller adds the file's name.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

# The largest header that is read or written: about 90 bytes a tensor, so some 90,000 tensors. safetensors itself allows
# 100 MB, of which JSON can make gigabytes of objects; 1 MB would refuse 10,000 parameters with Adam's two arrays each.
HEADER_LIMIT = 8 << 20
DEPTH_LIMIT = 64  # of nested JSON, far above any real configuration and far below what exhausts a stack
CHUNK = 1 << 20  # bytes per read or write: still in the second-level cache when they are hashed
DTYPES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "uint16": "U16",
    "int16": "I16",
    "float16": "F16",
    "bfloat16": "BF16",
    "uint32": "U32",
    "int32": "I32",
    "float32": "F32",
    "uint64": "U64",
    "int64": "I64",
    "float64": "F64",
}
_NAMES = {code: name for name, code in DTYPES.items()}
_LARGEST = 2**63 - 1
# Possessive, and a string may lack its end: one pass over any text, without backtracking or memory.
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class FormatError(ValueError):
    """The bytes are not a safetensors file, or the arrays cannot become one; the text says why."""


class Entry(NamedTuple):
    """One tensor of a file: its bytes are ``data[begin:end]``."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def file_order(tensors: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names, largest items first and then by name: each tensor begins at a multiple of its item size."""
    return sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))


def layout(tensors: Iterable[tuple[str, np.ndarray]]) -> list[Entry]:
    """Return the entries of a file that holds the named arrays in this order."""
    entries: list[Entry] = []
    for name, array in tensors:
        code = DTYPES.get(array.dtype.name)
        if code is None:
            raise FormatError(f"tensor {name!r} has dtype {array.dtype}, which safetensors cannot hold")
        begin = entries[-1].end if entries else 0
        entries.append(Entry(name, code, array.shape, begin, begin + array.size * array.dtype.itemsize))
    return entries


def encode_header(entries: list[Entry], metadata: Mapping[str, str]) -> bytes:
    """Return the length field and the padded header, after reading them back with the reader's own checks."""
    fields: dict[str, object] = {"__metadata__": dict(metadata)}
    for entry in entries:
        if entry.name in fields:
            raise FormatError(f"the tensor name {entry.name!r} is used by the format itself or twice")
        fields[entry.name] = {"dtype": entry.dtype, "shape": entry.shape, "data_offsets": (entry.begin, entry.end)}
    try:
        text = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise FormatError("a tensor name or metadata text is not valid Unicode") from None
    text += b" " * (-len(text) % 8)  # the data, and so every tensor, stays aligned
    if len(text) > HEADER_LIMIT:
        raise FormatError(f"{len(entries)} tensors need a header of {len(text)} bytes; the limit is {HEADER_LIMIT}")
    parse_entries(parse_fields(text)[1], entries[-1].end if entries else 0)
    return len(text).to_bytes(8, "little") + text


def stream(array: np.ndarray) -> Iterator[memoryview]:
    """Yield the array's bytes, little-endian and in C order, in chunks, each valid until the next one is asked for.

    A contiguous array is not copied; of any other, one chunk at a time is.
    """
    if array.size == 0:
        return
    itemsize = array.dtype.itemsize
    words = np.asarray(array).view(
        np.dtype(f"u{itemsize}").newbyteorder(array.dtype.byteorder)
    )  # bits, whatever they mean
    little = np.dtype(f"<u{itemsize}")
    if words.flags.c_contiguous and words.dtype == little:
        flat = words.reshape(-1).data.cast("B")
        for begin in range(0, len(flat), CHUNK):
            yield flat[begin : begin + CHUNK]
        return
    blocks = np.nditer(  # type: ignore[call-overload]  # NumPy's stub misspells "contig"
        words,
        flags=["external_loop", "buffered"],
        op_flags=[["readonly", "contig"]],
        op_dtypes=[little],
        order="C",
        casting="equiv",
        buffersize=CHUNK // itemsize,
    )
    for block in blocks:
        yield block.data.cast("B")


def parse_fields(header: bytes) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the metadata, and the unchecked fields of the tensors, from a header without its length field."""
    if not header.startswith(b"{"):
        raise FormatError("the header does not begin with '{'")
    try:
        text = header.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"the header is not UTF-8 at byte {error.start}") from None
    fields = strict_json(text, "the header")
    metadata = fields.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise FormatError("the header's __metadata__ does not map texts to texts")
    return metadata, fields


def parse_entries(fields: Mapping[str, Any], data_size: int) -> list[Entry]:
    """Return the entries in file order; together they must fill the `data_size` bytes after the header exactly."""
    entries = [_entry(name, fields[name]) for name in fields]
    entries.sort(key=lambda entry: (entry.begin, entry.end))
    end = 0
    for entry in entries:
        if entry.begin != end:
            what = "overlaps the tensor before it" if entry.begin < end else "leaves a hole before it"
            raise FormatError(f"tensor {entry.name!r} {what}: it begins at byte {entry.begin} instead of {end}")
        end = entry.end
    if end != data_size:
        raise FormatError(f"the tensors take {end} bytes and the file has {data_size} for them")
    return entries


def _entry(name: str, field: object) -> Entry:
    """Return the checked entry of one header field; dtype, shape and byte count must agree."""
    if not isinstance(field, dict) or sorted(field) != ["data_offsets", "dtype", "shape"]:
        raise FormatError(f"tensor {name!r} has other fields than dtype, shape and data_offsets")
    code, shape, offsets = field["dtype"], field["shape"], field["data_offsets"]
    if not isinstance(code, str) or code not in _NAMES:
        raise FormatError(f"tensor {name!r} has dtype {code!r:.40}; known are {', '.join(_NAMES)}")
    if not _are_sizes(shape) or len(shape) > 64:
        raise FormatError(f"tensor {name!r} has an unusable shape: {shape!r:.60}")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise FormatError(f"tensor {name!r} has unusable data_offsets: {offsets!r:.60}")
    itemsize = 2 if code == "BF16" else np.dtype(_NAMES[code]).itemsize
    if math.prod(size for size in shape if size) * itemsize > _LARGEST:  # NumPy counts so, even where another size is 0
        raise FormatError(f"the sizes of tensor {name!r} overflow when multiplied: {shape!r:.60}")
    if math.prod(shape) * itemsize != offsets[1] - offsets[0]:
        raise FormatError(
            f"tensor {name!r} of dtype {code} and shape {shape!r:.60} does not take {offsets[1] - offsets[0]} bytes"
        )
    return Entry(name, code, tuple(shape), offsets[0], offsets[1])


def _are_sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item <= _LARGEST for item in value)


def to_array(entry: Entry, data: np.ndarray) -> np.ndarray:
    """Return the tensor as an array of its dtype and shape: a view of `data` (uint8, one dimension) where aligned."""
    if entry.dtype == "BF16":
        try:
            import ml_dtypes
        except ImportError:
            raise FormatError(f"tensor {entry.name!r} is bfloat16, which needs the package ml_dtypes") from None
        dtype = np.dtype(ml_dtypes.bfloat16)
    else:
        dtype = np.dtype(_NAMES[entry.dtype]).newbyteorder("<")
    raw = data[entry.begin : entry.end]
    if raw.ctypes.data % dtype.alignment:  # another writer's file: the format does not ask for alignment
        raw = raw.copy()
    if entry.dtype == "BOOL" and raw.size and raw.max() > 1:
        raise FormatError(f"tensor {entry.name!r} is BOOL and holds bytes other than 0 and 1")
    array: np.ndarray = raw.view(dtype).reshape(entry.shape)
    return array


def strict_json(text: str, what: str) -> dict[str, Any]:
    """Return the JSON object in `text`; no duplicate key, NaN, infinity or deep nesting is accepted."""
    depth = 0
    for found in _STRINGS_AND_BRACKETS.finditer(text):
        mark = found[0]
        depth += (mark in "[{") - (mark in "]}")
        if depth > DEPTH_LIMIT:
            raise FormatError(f"{what} nests deeper than {DEPTH_LIMIT} levels")
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except FormatError as error:
        raise FormatError(f"{what} holds {error}") from None
    except ValueError as error:
        raise FormatError(f"{what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise FormatError(f"{what} is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key, value in pairs:
        if key in fields:
            raise FormatError(f"the key {key!r:.60} twice")
        fields[key] = value
    return fields


def _no_constant(text: str) -> None:
    raise FormatError(f"{text}, which is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise FormatError(f"the number {text:.40}, which is beyond float64")
    return number
