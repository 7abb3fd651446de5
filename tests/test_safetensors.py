"""The format layer: it reads what the safetensors package writes and the other way round, and accepts nothing else."""

import json
import sys
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastgd import _safetensors as fmt
from fastgd._safetensors import FormatError

DTYPES = [np.dtype(name) for name in fmt.DTYPES if name != "bfloat16"] + [np.dtype(ml_dtypes.bfloat16)]
LAYOUTS = {
    "C": lambda a: np.ascontiguousarray(a).reshape(a.shape),  # ascontiguousarray makes 0-d arrays 1-d
    "F": np.asfortranarray,
    "transposed": lambda a: a.T,
    "reversed": lambda a: a[(slice(None, None, -1),) * a.ndim],
    "strided": lambda a: np.repeat(a, 3, axis=0)[::3] if a.ndim else a,
    "broadcast": lambda a: np.broadcast_to(a, (2, *a.shape)),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), a.dtype, offset=1).reshape(a.shape) if a.size else a,
    "read-only": lambda a: np.broadcast_to(a, a.shape),
}


def encode(tensors, metadata=None):
    names = fmt.file_order(tensors)
    entries = fmt.layout((name, tensors[name]) for name in names)
    body = b"".join(bytes(chunk) for name in names for chunk in fmt.stream(tensors[name]))
    return fmt.encode_header(entries, metadata or {}) + body


def decode(content):
    length = int.from_bytes(content[:8], "little")
    data = np.frombuffer(content[8 + length :], np.uint8)
    metadata, fields = fmt.parse_fields(content[8 : 8 + length])
    return metadata, {entry.name: fmt.to_array(entry, data) for entry in fmt.parse_entries(fields, data.size)}


def bits(array):
    return array.astype(array.dtype.newbyteorder("<"), order="C").tobytes()


def one_of_each():
    values = np.array([[0, 1, 2], [3, 4, 100]])
    return {f"a {dtype.name}": values.astype(dtype) for dtype in DTYPES} | {
        "empty": np.zeros((0, 3)),
        "": np.array(2.5),
    }


# Round trips


@st.composite
def arrays(draw):
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    count = int(np.prod(shape))
    limit = 1 if dtype.kind == "b" else 255
    raw = draw(st.lists(st.integers(0, limit), min_size=count * dtype.itemsize, max_size=count * dtype.itemsize))
    array = np.array(raw, np.uint8).view(dtype).reshape(shape)  # any bits: NaN payloads and subnormals too
    array = LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](array)
    if dtype.name != "bfloat16" and draw(st.booleans()):
        array = array.astype(dtype.newbyteorder(">"), order="K")
    return array


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), arrays(), max_size=5), st.text(max_size=9))
def test_any_array_returns_bit_for_bit(tensors, note):
    tensors.pop("__metadata__", None)
    content = encode(tensors, {"note": note.encode(errors="replace").decode()})
    _, found = decode(content)
    assert sorted(found) == sorted(tensors)
    for name, array in tensors.items():
        assert found[name].shape == array.shape
        assert found[name].dtype.name == array.dtype.name
        assert found[name].tobytes() == bits(array)
    packaged = (
        safetensors.numpy.load(content) if not any(a.dtype.name == "bfloat16" for a in tensors.values()) else found
    )
    assert all(packaged[name].tobytes() == bits(array) for name, array in tensors.items())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_layouts_longer_than_a_chunk(dtype, layout, monkeypatch):
    monkeypatch.setattr(fmt, "CHUNK", 64)
    array = LAYOUTS[layout](np.arange(210).reshape(7, 5, 6).astype(dtype))
    chunks = [bytes(chunk) for chunk in fmt.stream(array)]
    assert b"".join(chunks) == bits(array)
    assert max(map(len, chunks)) <= 64


def test_the_package_reads_our_files():
    tensors = one_of_each()
    tensors.pop("a bfloat16")
    found = safetensors.numpy.load(encode(tensors, {"key": "täxt"}))
    assert {name: (a.dtype, a.tolist()) for name, a in found.items()} == {
        name: (a.dtype, a.tolist()) for name, a in tensors.items()
    }


def test_we_read_the_package_s_files(tmp_path):
    tensors = one_of_each()
    tensors.pop("a bfloat16")
    metadata, found = decode(safetensors.numpy.save(tensors, {"key": "täxt"}))
    assert metadata == {"key": "täxt"}
    assert {name: a.tolist() for name, a in found.items()} == {name: a.tolist() for name, a in tensors.items()}


def test_bfloat16_passes_to_torch_and_back():
    torch = pytest.importorskip("torch")
    package = pytest.importorskip("safetensors.torch")
    values = [1.5, -2.0, float("inf")]
    found = package.load(encode({"b": np.array(values, ml_dtypes.bfloat16)}))["b"]
    assert found.dtype == torch.bfloat16
    assert found.tolist() == values
    array = decode(package.save({"b": found}))[1]["b"]
    assert array.dtype == ml_dtypes.bfloat16
    assert array.tolist() == values


def test_every_tensor_is_aligned_and_offsets_ascend():
    content = encode(one_of_each())
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    entries = fmt.parse_entries(fmt.parse_fields(content[8 : 8 + length])[1], len(content) - 8 - length)
    assert list(json.loads(content[8 : 8 + length]))[1:] == [entry.name for entry in entries]
    for entry in entries:
        itemsize = 2 if entry.dtype == "BF16" else int(entry.dtype.lstrip("BOLUIF") or 8) // 8
        assert entry.begin % itemsize == 0


def test_bytes_do_not_depend_on_the_order_of_the_dictionary():
    tensors = one_of_each()
    assert encode(tensors) == encode(dict(reversed(tensors.items())))


def test_unaligned_tensors_of_other_writers_are_copied():
    header = (
        b'{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"f":{"dtype":"F64","shape":[1],"data_offsets":[1,9]}}'
    )
    _, found = decode(len(header).to_bytes(8, "little") + header + b"\x07" + np.array(1.5).tobytes())
    assert found["f"].flags.aligned
    assert (found["b"].tolist(), found["f"].tolist()) == ([7], [1.5])


def test_streaming_does_not_double_the_memory():
    array = np.zeros((2048, 2048)).T[:, ::2]
    contiguous = np.zeros(1 << 20)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        assert sum(chunk.nbytes for chunk in fmt.stream(array)) == array.nbytes
        assert sum(chunk.nbytes for chunk in fmt.stream(contiguous)) == contiguous.nbytes
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 4 * fmt.CHUNK < array.nbytes


def test_contiguous_arrays_are_not_copied():
    array = np.zeros(1000, np.float32)
    (chunk,) = fmt.stream(array)
    assert np.shares_memory(np.frombuffer(chunk, np.float32), array)


# Headers that must be refused, each for its own reason

TENSOR = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'


def tensor(dtype='"F32"', shape="[2]", offsets="[0,8]"):
    return f'{{"a":{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}}}}}'


BAD_HEADERS = {
    "invalid start": (" " + tensor(), "does not begin"),
    "empty": ("", "does not begin"),
    "not UTF-8": (b'{"\xff":1}', "not UTF-8 at byte 2"),
    "not JSON": ("{abc", "not JSON"),
    "cut off": (tensor()[:-1], "not JSON"),
    "something after the object": (tensor() + "{}", "not JSON"),
    "NUL padding": (tensor() + "\0", "not JSON"),
    "control character in a name": ('{"\n":1}', "not JSON"),
    "duplicate tensor": (f'{{"a":{TENSOR},"a":{TENSOR}}}', "'a' twice"),
    "duplicate dtype": ('{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', "'dtype' twice"),
    "duplicate metadata key": ('{"__metadata__":{"k":"1","k":"2"}}', "'k' twice"),
    "duplicate metadata": ('{"__metadata__":{},"__metadata__":{}}', "'__metadata__' twice"),
    "NaN": (tensor(shape="[NaN]"), "NaN"),
    "infinity": (tensor(shape="[-Infinity]"), "-Infinity"),
    "float beyond float64": (tensor(shape="[1e999]"), "1e999"),
    "integer of 10,000 digits": (tensor(shape=f"[{'9' * 10_000}]"), "not JSON"),
    "depth 10,000": ("{" + '"a":[' * 1 + "[" * 10_000, "deeper than 64"),
    "depth 10,000 of objects": ('{"a":' * 10_000, "deeper than 64"),
    "depth 10,000 after an open string": ('{"a":"' + "[" * 10_000, "not JSON"),
    "metadata not an object": ('{"__metadata__":[]}', "__metadata__"),
    "metadata value not a text": ('{"__metadata__":{"k":1}}', "__metadata__"),
    "tensor not an object": ('{"a":3}', "other fields"),
    "missing dtype": ('{"a":{"shape":[2],"data_offsets":[0,8]}}', "other fields"),
    "missing shape": ('{"a":{"dtype":"F32","data_offsets":[0,8]}}', "other fields"),
    "missing data_offsets": ('{"a":{"dtype":"F32","shape":[2]}}', "other fields"),
    "additional field": ('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":0}}', "other fields"),
    "unknown dtype": (tensor(dtype='"F99"'), "dtype 'F99'; known are BOOL"),
    "dtype not a text": (tensor(dtype="[1]"), "dtype"),
    "shape not a list": (tensor(shape="2"), "unusable shape"),
    "negative size": (tensor(shape="[-2]"), "unusable shape"),
    "fractional size": (tensor(shape="[2.0]"), "unusable shape"),
    "boolean size": (tensor(shape="[true,2]"), "unusable shape"),
    "size 2**63": (tensor(shape=f"[{2**63}]"), "unusable shape"),
    "65 dimensions": (tensor(shape=f"[{','.join(['1'] * 64)},2]"), "unusable shape"),
    "product overflows": (tensor(shape="[4294967296,4294967296]"), "overflow"),
    "product overflows to the right size": (tensor(shape="[9223372036854775807,2,2]"), "overflow"),
    "product overflows beside a 0": (tensor(shape="[0,4611686018427387904]", offsets="[0,0]"), "overflow"),
    "dtype too wide for the bytes": (tensor(dtype='"F64"'), "does not take 8 bytes"),
    "shape too small for the bytes": (tensor(shape="[1]"), "does not take 8 bytes"),
    "scalar shape for 8 bytes": (tensor(shape="[]"), "does not take 8 bytes"),
    "offsets not a list": (tensor(offsets='"0,8"'), "data_offsets"),
    "one offset": (tensor(offsets="[8]"), "data_offsets"),
    "negative offset": (tensor(offsets="[-8,0]"), "data_offsets"),
    "fractional offset": (tensor(offsets="[0,8.0]"), "data_offsets"),
    "offsets descend": (tensor(offsets="[8,0]"), "data_offsets"),
    "offset 2**63": (tensor(offsets=f"[{2**63},{2**63 + 8}]"), "data_offsets"),
    "hole at the start": (tensor(offsets="[8,16]"), "hole"),
    "hole between": (f'{{"a":{TENSOR},"b":{{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}}}', "hole"),
    "overlap": (f'{{"a":{TENSOR},"b":{{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}}}', "overlaps"),
    "the same bytes twice": (f'{{"a":{TENSOR},"b":{TENSOR}}}', "overlaps"),
    "outside of the file": (tensor(shape="[4]", offsets="[0,16]"), "take 16 bytes and the file has 8"),
    "bytes of no tensor": (tensor(shape="[1]", offsets="[0,4]"), "take 4 bytes and the file has 8"),
    "no tensor at all": ("{}", "take 0 bytes and the file has 8"),
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_bad_header(case):
    header, reason = BAD_HEADERS[case]
    with pytest.raises(FormatError, match=reason.replace("[", r"\[")):
        fmt.parse_entries(fmt.parse_fields(header.encode() if isinstance(header, str) else header)[1], 8)


def test_the_plain_header_of_these_cases_is_accepted():
    metadata, fields = fmt.parse_fields(tensor().encode())
    assert (metadata, fmt.parse_entries(fields, 8)) == ({}, [fmt.Entry("a", "F32", (2,), 0, 8)])


def test_escaped_quotes_and_brackets_in_names_do_not_count_as_depth():
    name = '[{"\\' * 100
    _, found = decode(encode({name: np.ones(2)}))
    assert list(found) == [name]


@pytest.mark.parametrize("text", ['{"a":"' + '\\"' * 500_000, '{"' * 500_000, "{" + "[]," * 500_000])
def test_hostile_headers_are_refused_in_one_pass(text):
    with pytest.raises(FormatError):
        fmt.strict_json(text, "the header")


def test_booleans_are_0_or_1():
    entry = fmt.Entry("mask", "BOOL", (2,), 0, 2)
    with pytest.raises(FormatError, match="'mask' is BOOL"):
        fmt.to_array(entry, np.array([1, 2], np.uint8))


def test_bfloat16_without_ml_dtypes(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(FormatError, match="needs the package ml_dtypes"):
        fmt.to_array(fmt.Entry("w", "BF16", (1,), 0, 2), np.zeros(2, np.uint8))


# What must not be written


@pytest.mark.parametrize("value", [np.zeros(2, complex), np.array(["a"]), np.array([None]), np.zeros(1, "M8[s]")])
def test_dtypes_without_a_code(value):
    with pytest.raises(FormatError, match="tensor 'w' has dtype"):
        encode({"w": value})


@pytest.mark.parametrize("name", ["__metadata__", "\ud800"])
def test_unusable_names(name):
    with pytest.raises(FormatError, match="name"):
        encode({name: np.zeros(2)})


def test_a_name_used_twice():
    with pytest.raises(FormatError, match="'w' is used"):
        fmt.encode_header(fmt.layout([("w", np.zeros(2)), ("w", np.zeros(2))]), {})


def test_the_header_limit(monkeypatch):
    monkeypatch.setattr(fmt, "HEADER_LIMIT", 100)
    with pytest.raises(FormatError, match=r"3 tensors need a header of .* limit is 100"):
        encode({name: np.zeros(1) for name in "abc"})
