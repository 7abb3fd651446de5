"""Files that are no checkpoints, states that fit none: each is refused with its reason, and no file ever runs code."""

import ast
import gzip
import hashlib
import inspect
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from fastgd import _safetensors, _sealed_file, checkpoint
from fastgd._validation import ArgumentTypeError, ArgumentValueError, CorruptCheckpointError
from fastgd.checkpoint import read_file, read_latest, write_file

from .test_checkpoint import CONFIG, assert_same, content


def sealed(fields, body=b"", *, metadata=None, text=None):
    """Return a file with a right digest around any header: what a writer with a bug or bad intentions could make."""
    end = len(body)
    seal = {"dtype": "U8", "shape": [32], "data_offsets": [end, end + 32]}
    known = {"format": "fastgd", "version": "1", "requires": "0.1", "fastgd": "{}"}
    header = text or json.dumps({"__metadata__": known | (metadata or {}), **fields, "fastgd.sha256": seal})
    raw = len(header.encode()).to_bytes(8, "little") + header.encode() + body
    return raw + hashlib.sha256(raw).digest()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


# Other files given by mistake: named, never opened


def zipped(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"x" * 300)
    return buffer.getvalue()


def npy():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(50))
    return buffer.getvalue()


HOSTILE = type("Hostile", (), {"__reduce__": lambda self: (os._exit, (9,))})()
FOREIGN = {
    "torch .pt": (zipped("archive/data.pkl"), "zip archive, such as a torch .pt"),
    "npz": (zipped("w.npy"), "NumPy .npz"),
    "npy": (npy(), "NumPy .npy"),
    **{f"pickle {n}": (pickle.dumps([HOSTILE, "x" * 100], n), "It is a pickle") for n in range(2, 6)},
    "old torch": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + bytes(100), "It is a pickle"),
    "joblib, zlib": (zlib.compress(pickle.dumps([HOSTILE, "x" * 100])), "zlib data, such as a compressed joblib"),
    "gzip": (gzip.compress(b"x" * 100, mtime=1), "gzip data"),
    "large gzip without a time": (gzip.compress(bytes(600_000), 0, mtime=0), "gzip data"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "text": (b"epoch,loss\n" * 20, "begins with b'epoch,lo'"),
    "JSON": (b'{"lr": 0.1, "momentum": 0.9}', "begins with"),
    "plain safetensors": (safetensors.numpy.save({"w": np.zeros(50)}), "a safetensors file of another program"),
    "tiny plain safetensors": (safetensors.numpy.save({"w": np.zeros(1, "u1")}), "a safetensors file of another"),
    "empty plain safetensors": (b"\x02\0\0\0\0\0\0\0{}", "a safetensors file of another program"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_files(path, case):
    raw, what = FOREIGN[case]
    path.write_bytes(raw)
    with pytest.raises(ArgumentValueError, match=what) as caught:
        read_file(path)
    assert not isinstance(caught.value, CorruptCheckpointError)
    assert str(caught.value).startswith("the 'path' argument of load must be a fastgd checkpoint")
    assert len(str(caught.value)) <= 300


def test_load_latest_does_not_hide_a_mistake(path):
    write_file(path, {}, {}, keep=2)
    write_file(path, {}, {}, keep=2)
    path.write_bytes(FOREIGN["torch .pt"][0])
    with pytest.raises(ArgumentValueError, match="zip archive"):
        read_latest(path)


# A right digest around a wrong header


def test_a_sealed_file_is_read(path):
    path.write_bytes(sealed({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)))
    assert_same(read_file(path)[0], {"a": np.zeros(2, np.float32)})


SEALED = {
    "another format": (sealed({}, metadata={"format": "pt"}), "the format as 'pt'"),
    "no metadata": (sealed({}, text='{"a":{"dtype":"U8","shape":[32],"data_offsets":[0,32]}}'), "the format as None"),
    "no version": (sealed({}, metadata={"version": ""}), "the version as ''"),
    "version in words": (sealed({}, metadata={"version": "one"}), "the version as 'one'"),
    "version of many digits": (sealed({}, metadata={"version": "9" * 5000}), "the version as '999"),
    "no configuration": (sealed({}, metadata={"fastgd": ""}), "the configuration is not JSON"),
    "configuration is a list": (sealed({}, metadata={"fastgd": "[]"}), "the configuration is not a JSON object"),
    "configuration with NaN": (sealed({}, metadata={"fastgd": '{"lr": NaN}'}), "NaN, which is not JSON"),
    "configuration with two lr": (sealed({}, metadata={"fastgd": '{"lr": 1, "lr": 2}'}), "the key 'lr' twice"),
    "configuration of depth 10,000": (sealed({}, metadata={"fastgd": '{"a":' + "[" * 10_000}), "deeper than 64 levels"),
    "header of depth 10,000": (sealed({}, text='{"a":' + "[" * 10_000), "deeper than 64 levels"),
    "seal of another type": (
        sealed({}, text=sealed({})[8:-32].decode().replace('"U8"', '"I8"')),
        "the last tensor is not 'fastgd.sha256' with 32 bytes",
    ),
    "seal under another name": (
        sealed({}, text=sealed({})[8:-32].decode().replace('"fastgd.sha256"', '"fastgd.sha255"')),
        "the last tensor is not",
    ),
    "bad tensor": (sealed({"a": {"dtype": "F9", "shape": [], "data_offsets": [0, 0]}}), "tensor 'a' has dtype 'F9'"),
    "bytes of no tensor": (sealed({}, text='{"__metadata__":{"format":"fastgd","version":"1"}}'), "take 0 bytes"),
}


@pytest.mark.parametrize("case", SEALED)
def test_wrong_header_with_a_right_digest(path, case):
    raw, reason = SEALED[case]
    path.write_bytes(raw)
    with pytest.raises(ArgumentValueError, match=reason) as caught:
        read_file(path)
    assert not isinstance(caught.value, CorruptCheckpointError)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 100 * 10**6, _safetensors.HEADER_LIMIT + 1])
def test_header_length_is_refused_before_it_is_allocated(path, length):
    with open(path, "wb") as file:
        file.write(length.to_bytes(8, "little") + b"{")
        file.truncate(120 * 10**6)  # sparse, and longer than the smaller of these headers
    with pytest.raises(ArgumentValueError, match=f"declares a header of {length}"):
        read_file(path)


def test_a_newer_format_asks_for_an_upgrade(path):
    path.write_bytes(sealed({"a": {"coding": "new"}}, metadata={"version": "2.1", "requires": "3.4"}))
    with pytest.raises(ArgumentValueError, match=r"format version 2\.1, written by fastgd >= 3\.4; upgrade") as caught:
        read_file(path)
    assert not isinstance(caught.value, CorruptCheckpointError)


def test_a_newer_minor_version_and_unknown_optional_fields_are_kept(path):
    path.write_bytes(sealed({}, metadata={"version": "1.7", "colour": "red", "fastgd": '{"t": 1, "shape": "round"}'}))
    assert read_file(path) == ({}, {"t": 1, "shape": "round"})


# What cannot be written: refused before any file is touched


@pytest.mark.parametrize(
    ("tensors", "config"),
    [
        ({"w": np.zeros(2, complex)}, {}),
        ({"w": np.array([None])}, {}),
        ({"__metadata__": np.zeros(1)}, {}),
        ({"fastgd.sha256": np.zeros(32, np.uint8)}, {}),
        ({}, {"lr": float("nan")}),
        ({}, {"lr": np.float32(1)}),
        ({}, {1: "a", "1": "b"}),
        ({}, [1]),
        ({}, {"a": json.loads("[" * 70 + "]" * 70)}),
    ],
)
def test_states_that_do_not_fit(path, tensors, config):
    path.write_bytes(b"old")
    with pytest.raises(ArgumentValueError, match="the 'state' argument of save"):
        write_file(path, tensors, config)
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("tensors", [{"w": [1.0]}, {1: np.zeros(2)}])
def test_things_that_are_no_named_arrays(path, tensors):
    with pytest.raises(ArgumentTypeError, match="named arrays"):
        write_file(path, tensors, {})


@pytest.mark.parametrize(
    ("keep", "error"), [(0, ArgumentValueError), (10, ArgumentValueError), (True, ArgumentTypeError)]
)
def test_keep_is_checked(path, keep, error):
    with pytest.raises(error, match="keep"):
        write_file(path, {}, {}, keep)
    assert not path.exists()


@pytest.mark.parametrize("use", [lambda p: write_file(p, {}, {}), read_file, read_latest])
@pytest.mark.parametrize(
    ("bad", "error"), [(3, ArgumentTypeError), ("", ArgumentValueError), ("a\0b", ArgumentValueError)]
)
def test_unusable_paths(use, bad, error):
    with pytest.raises(error, match="path"):
        use(bad)


def test_save_takes_a_state(path):
    with pytest.raises(ArgumentTypeError, match="'state' argument of save must be a State"):
        checkpoint.save(path, {"w": np.zeros(2)})


# Files that cannot be opened: the system's own error, with the path


def test_missing(path):
    for read in (read_file, read_latest):
        with pytest.raises(FileNotFoundError, match=r"run\.safetensors"):
            read(path)


def test_directory(path):
    path.mkdir()
    for use in (read_file, read_latest, lambda p: write_file(p, {}, {})):
        with pytest.raises(IsADirectoryError, match=r"run\.safetensors"):
            use(path)


def test_fifo_and_device_do_not_hang_and_are_not_replaced(path):
    os.mkfifo(path)
    for name in (path, "/dev/null"):
        for use in (read_file, read_latest, lambda p: write_file(p, {}, {})):
            with pytest.raises(OSError, match="not a regular file"):
                use(name)
    assert not os.path.isfile(path)


def test_symlink_loop(path):
    path.symlink_to(path.name)
    for use in (read_file, read_latest, lambda p: write_file(p, {}, {})):
        with pytest.raises(OSError, match="symbolic links"):
            use(path)
    assert path.is_symlink()


# No code from data

AUDIT = """
import os, sys
import numpy as np
from fastgd._validation import ArgumentValueError
from fastgd.checkpoint import read_file, read_latest, write_file

good, *bad = sys.argv[1:]
forbidden = ("pickle.", "exec", "compile", "import", "marshal.", "code.", "function.", "cpython.run", "ctypes.",
             "os.exec", "os.fork", "os.spawn", "os.posix_spawn", "os.system", "subprocess.", "socket.", "urllib.")
armed = False

def hook(event, arguments):
    if armed and event.startswith(forbidden):
        os.write(2, f"forbidden: {event} {arguments}\\n".encode())
        os._exit(7)

sys.addaudithook(hook)
first = read_file(good)  # once, for the imports
for name in bad[:1]:
    try: read_file(name)
    except ArgumentValueError: pass
armed = True
second = read_file(good)
assert first[1] == second[1] == read_latest(good)[1]
for name in bad:
    try:
        read_file(name)
    except ArgumentValueError as error:
        str(error)
    else:
        raise SystemExit(f"{name} was read")
print("quiet")
eval("1 + 1")
"""


def test_loading_runs_no_code(path):
    write_file(path, content(), CONFIG)
    names = [str(path)]
    for number, (raw, _) in enumerate([*FOREIGN.values(), *SEALED.values(), (path.read_bytes()[:-9], "")]):
        names.append(str(path.with_name(f"bad{number}")))
        Path(names[-1]).write_bytes(raw)
    result = subprocess.run([sys.executable, "-c", AUDIT, *names], capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == "quiet", result.stderr
    assert result.returncode == 7, "the hook did not see the eval at the end, so it proves nothing"
    assert "forbidden: compile" in result.stderr


def test_nothing_that_could_run_code_is_mentioned():
    for module in (checkpoint, _safetensors, _sealed_file):
        tree = ast.parse(inspect.getsource(module))
        modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        modules |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not modules & {
            "pickle",
            "marshal",
            "shelve",
            "dill",
            "cloudpickle",
            "joblib",
            "torch",
            "safetensors",
            "mmap",
        }
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not names & {"eval", "exec", "compile", "__import__"}
