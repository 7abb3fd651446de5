"""Checkpoint files: what was written returns bit for bit, what was damaged is refused, and the kept file helps out."""

import errno
import hashlib
import json
import os
import types
import warnings
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgd import checkpoint
from fastgd._validation import ArgumentValueError, CorruptCheckpointError
from fastgd.checkpoint import read_file, read_latest, write_file

CONFIG = {
    "optimizer": {"name": "Adam", "lr": 1e-3, "betas": [0.9, 0.999]},
    "t": 2**53,
    "note": 'ünïcode "quoted"',
    "none": None,
}


def content(value=1.0):
    """Return a small state: several dtypes, a 0-d and an empty array."""
    return {
        "w": np.full((3, 4), value, np.float32),
        "w.exp_avg": np.arange(60.0).reshape(20, 3).T,
        "half": np.array([value, -0.0], np.float16),
        "brain": np.array([value, np.nan], ml_dtypes.bfloat16),
        "count": np.array(7),
        "mask": np.array([True, False, True]),
        "empty": np.zeros((0, 5)),
    }


def assert_same(found, expected):
    assert sorted(found) == sorted(expected)
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        assert found[name].tobytes() == array.tobytes(), name


def header_of(raw):
    length = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8 : 8 + length])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


# Round trips


def test_round_trip(path):
    write_file(path, content(), CONFIG)
    tensors, config = read_file(path)
    assert_same(tensors, content())
    assert config == CONFIG
    assert all(array.flags.aligned and array.flags.writeable for array in tensors.values())
    assert os.listdir(path.parent) == [path.name]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4), st.integers(0, 70), st.sampled_from(["f4", "f8", "i8", "u1", "?"]))
def test_any_configuration_returns(tmp_path_factory, config, size, dtype):
    path = tmp_path_factory.mktemp("any") / "x"
    tensors = {"a": np.arange(size).astype(dtype)}
    write_file(path, tensors, config)
    found = read_file(path)
    assert_same(found[0], tensors)
    assert repr(found[1]) == repr(json.loads(json.dumps(config)))  # repr: 1 is not True, 0.0 is not -0.0


def test_the_safetensors_package_reads_it(path):
    tensors = content()
    tensors.pop("brain")
    write_file(path, tensors, CONFIG)
    found = safetensors.numpy.load_file(path)
    assert found.pop("fastgd.sha256").tobytes() == hashlib.sha256(path.read_bytes()[:-32]).digest()
    assert_same(found, tensors)
    with safetensors.safe_open(path, "numpy") as file:
        metadata = file.metadata()
    assert {key: metadata[key] for key in ("format", "version")} == {"format": "fastgd", "version": "1"}
    assert json.loads(metadata["fastgd"]) == CONFIG


def test_a_file_of_the_package_with_our_seal_is_read(path):
    tensors = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "fastgd.sha256": np.zeros(32, np.uint8)}
    raw = safetensors.numpy.save(tensors, {"format": "fastgd", "version": "1", "fastgd": '{"t": 3}'})[:-32]
    path.write_bytes(raw + hashlib.sha256(raw).digest())
    found, config = read_file(path)
    assert config == {"t": 3}
    assert_same(found, {"w": tensors["w"]})


def test_same_state_same_bytes(path):
    write_file(path, content(), CONFIG)
    first = path.read_bytes()
    write_file(path, dict(reversed(content().items())), CONFIG)
    assert path.read_bytes() == first
    assert list(header_of(first))[-1] == "fastgd.sha256"


def test_10_000_parameters_of_adam(path):
    tensors = {f"layer{i}.weight{kind}": np.ones(2, np.float32) for i in range(10_000) for kind in ("", ".m", ".v")}
    write_file(path, tensors, {})
    assert len(read_file(path)[0]) == 30_000


def test_saving_over_the_file_that_is_mapped(path):
    expected = np.arange(20_000.0)
    for _ in range(2):
        write_file(path, {"w": expected}, {})
        begin = path.stat().st_size - 32 - expected.nbytes
        mapped = np.memmap(path, np.float64, mode="r", offset=begin, shape=expected.shape)
        write_file(path, {"w": mapped}, {})
        assert_same(read_file(path)[0], {"w": expected})
        assert np.array_equal(mapped, expected)


@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
def test_kinds_of_path(path, kind):
    write_file(kind(str(path)), content(), {})
    assert_same(read_file(kind(str(path)))[0], content())


# Damage


def test_every_bit_flip_and_every_truncation(path):
    write_file(path, content(), CONFIG)
    raw = path.read_bytes()
    assert 1000 < len(raw) < 4096
    with open(path, "r+b", buffering=0) as file:
        for place, byte in enumerate(raw):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([byte ^ (1 << bit)]), place)
                with pytest.raises(CorruptCheckpointError):
                    read_file(path)
            os.pwrite(file.fileno(), bytes([byte]), place)
        assert_same(read_file(path)[0], content())
        for size in range(len(raw) - 1, -1, -1):
            file.truncate(size)
            with pytest.raises(CorruptCheckpointError):
                read_file(path)


def test_random_edits(path):
    write_file(path, content(), CONFIG)
    raw = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(2000):
        damaged = bytearray(raw)
        begin, length = int(rng.integers(len(raw))), int(rng.integers(1, 40))
        edit = rng.bytes(int(rng.integers(0, 40)))
        damaged[begin : begin + length] = edit
        if damaged != raw:
            path.write_bytes(damaged)
            with pytest.raises(ArgumentValueError):  # an edit of the first bytes may make it another kind of file
                read_file(path)


@pytest.mark.parametrize("tail", [b"\0", b"x", b"{}", b"\0" * 32, b"\0" * 4096])
def test_a_tail(path, tail):
    write_file(path, content(), CONFIG)
    path.write_bytes(path.read_bytes() + tail)
    with pytest.raises(CorruptCheckpointError, match="digest"):
        read_file(path)


def test_zeros_after_a_crash(path):
    write_file(path, content(), CONFIG)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(CorruptCheckpointError, match="begins with zeros"):
        read_file(path)


def test_a_file_that_shrinks_while_it_is_read(path, monkeypatch):
    write_file(path, content(), CONFIG)
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda fd: (real(fd), os.truncate(path, 800))[0])
    with pytest.raises(CorruptCheckpointError, match="ends at byte 800"):
        read_file(path)


def test_messages_name_the_file_and_are_short(path):
    long = path.with_name("x" * 200)
    write_file(long, content(), CONFIG)
    long.write_bytes(long.read_bytes()[:-1])
    with pytest.raises(CorruptCheckpointError, match=r"damaged: its digest .*load_latest") as caught:
        read_file(long)
    assert len(str(caught.value)) <= 300


# The kept file


def test_load_latest_falls_back_with_a_warning(path):
    for number in range(4):
        write_file(path, content(number), {"t": number}, keep=3)
    assert sorted(os.listdir(path.parent)) == [path.name, f"{path.name}.1", f"{path.name}.2"]
    assert [read_file(f"{path}{end}")[1]["t"] for end in ("", ".1", ".2")] == [3, 2, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_latest(path)[1] == {"t": 3}
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.warns(RuntimeWarning, match=r"loaded the older checkpoint '.*\.1': the checkpoint .*"):
        assert read_latest(path)[1] == {"t": 2}
    path.unlink()
    os.truncate(f"{path}.1", 3)
    with pytest.warns(RuntimeWarning, match=r"loaded the older checkpoint '.*\.2': .*No such file"):
        tensors, config = read_latest(path)
    assert config == {"t": 1}
    assert_same(tensors, content(1))
    os.truncate(f"{path}.2", 3)
    with pytest.raises(FileNotFoundError, match=r"run\.safetensors'"):
        read_latest(path)


def test_load_latest_falls_back_when_the_disk_fails(path, monkeypatch):
    for number in range(2):
        write_file(path, {}, {"t": number}, keep=2)
    inode, real = path.stat().st_ino, os.pread

    def pread(fd, *rest):
        if os.fstat(fd).st_ino == inode:
            raise OSError(errno.EIO, "bad sector")
        return real(fd, *rest)

    monkeypatch.setattr(os, "pread", pread)
    with pytest.warns(RuntimeWarning, match=r"\.1': .*bad sector"):
        assert read_latest(path)[1] == {"t": 0}


def test_load_latest_does_not_hide_other_errors(path, monkeypatch):
    for number in range(2):
        write_file(path, {}, {"t": number}, keep=2)
    monkeypatch.setattr(os, "pread", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EACCES, "closed")))
    with pytest.raises(PermissionError, match="closed"):
        read_latest(path)


def test_load_latest_through_a_symlink(path):
    real = path.with_name("real")
    path.symlink_to("real")
    for number in range(2):
        write_file(path, {}, {"t": number}, keep=2)
    os.truncate(real, 0)
    with pytest.warns(RuntimeWarning, match=r"real\.1"):
        assert read_latest(path)[1] == {"t": 0}


# save and load around these files, with a state that only records


def test_load_passes_what_it_read_to_the_state(path, monkeypatch):
    state = types.SimpleNamespace(_export=lambda: (content(), CONFIG))
    calls = []
    restore = lambda *args, **options: calls.append((args, options)) or state  # noqa: E731
    monkeypatch.setattr(checkpoint, "restore", restore)
    for load in (checkpoint.load, checkpoint.load_latest):
        checkpoint.save(path, state, keep=2)
        assert load(path, "params", optimizer="optimizer", lr=0.5) is state
        (tensors, config, params), options = calls.pop()
        assert_same(tensors, content())
        assert (config, params, options) == (CONFIG, "params", {"optimizer": "optimizer", "lr": 0.5})
    os.truncate(path, 900)
    with pytest.raises(CorruptCheckpointError):
        checkpoint.load(path, "params")
    assert calls == []
    with pytest.warns(RuntimeWarning, match="loaded the older") as caught:
        checkpoint.load_latest(path, "params")
    assert caught[0].filename == __file__
    assert len(calls) == 1
