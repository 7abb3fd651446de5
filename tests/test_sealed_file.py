"""Never half-written: whichever system call fails during a save, the path holds the complete old or new file."""

import errno
import hashlib
import itertools
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastgd import _sealed_file
from fastgd.checkpoint import read_file, write_file

CALLS = ["open", "write", "read", "fsync", "close", "chmod", "replace", "link", "stat", "access", "urandom"]


def content(version):
    return {
        "w": np.full(50 + version, version, np.float32),
        "m": np.arange(20.0).reshape(4, 5).T,
        "t": np.array(version),
    }


def version_at(path):
    """Return the version in a file, after checking that the file is all of one version."""
    tensors, config = read_file(path)
    version = config["version"]
    assert sorted(tensors) == sorted(content(version))
    for name, array in content(version).items():
        assert np.array_equal(tensors[name], array), name
    return version


def save(path, version, keep=1):
    write_file(path, content(version), {"version": version}, keep)


def temporaries(folder):
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


# Every system call fails in turn


class Injected(Exception):
    """Stands for whatever else may interrupt a save."""


def fail_nth(monkeypatch, function, n, error):
    """Make the n-th call of os.`function` raise; return a dict that says what happened."""
    real, log = getattr(os, function), {"calls": 0, "failed": False}

    def wrapper(*args, **kwargs):
        log["calls"] += 1
        if log["calls"] != n:
            return real(*args, **kwargs)
        log["failed"] = True
        if function == "close":  # the descriptor is gone even when close reports an error
            real(*args)
        raise error()

    monkeypatch.setattr(os, function, wrapper)
    return log


ERRORS = {
    **{
        name: lambda name=name: OSError(getattr(errno, name), "injected")
        for name in ("EIO", "ENOSPC", "EDQUOT", "EINTR")
    },
    "Ctrl-C": KeyboardInterrupt,
    "any": Injected,
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("function", CALLS)
def test_the_nth_call_fails(path, monkeypatch, function, error):
    save(path, 1, keep=2)
    for n in itertools.count(1):
        old = version_at(path)
        descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        raised = None
        with monkeypatch.context() as patch:
            replaced = []
            real = os.replace
            patch.setattr(os, "replace", lambda a, b, real=real, replaced=replaced: (real(a, b), replaced.append(b))[0])
            log = fail_nth(patch, function, n, ERRORS[error])
            try:
                save(path, old + 1, keep=3)
            except (OSError, KeyboardInterrupt, Injected) as caught:
                raised = caught
        assert version_at(path) == old + (str(path) in replaced)
        assert temporaries(path.parent) == []
        if descriptors:
            assert len(os.listdir("/proc/self/fd")) == descriptors
        if not log["failed"]:
            break
        assert raised is not None, f"call {n} of {function} failed and nothing was raised"
        if str(path) in replaced:  # only what comes after the rename may fail with the new file in place
            assert function in ("fsync", "close")
    assert n > 1
    assert version_at(path) == old + 1
    for kept in (".1", ".2"):
        if os.path.exists(f"{path}{kept}"):
            assert version_at(f"{path}{kept}") <= old


@pytest.mark.parametrize("function", ["open", "stat", "fstat", "pread", "read", "close"])
def test_the_nth_call_of_a_load_fails(path, monkeypatch, function):
    save(path, 1)
    for n in itertools.count(1):
        with monkeypatch.context() as patch:
            log = fail_nth(patch, function, n, ERRORS["EIO"])
            try:
                version_at(path)
            except OSError:
                assert log["failed"]
            else:
                assert not log["failed"]
                break
    assert n > 1
    assert version_at(path) == 1


@pytest.mark.parametrize("most", [1, 7, 1000])
def test_short_writes_and_short_reads(path, monkeypatch, most):
    real_write, real_read = os.write, os.read
    monkeypatch.setattr(os, "write", lambda fd, data: real_write(fd, memoryview(data)[:most]))
    monkeypatch.setattr(os, "read", lambda fd, count: real_read(fd, min(count, most)))
    save(path, 3)
    assert version_at(path) == 3


@pytest.mark.parametrize("result", [0, -1])
def test_a_write_that_takes_nothing_does_not_loop(path, monkeypatch, result):
    save(path, 1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: result)
        with pytest.raises(OSError, match=r"wrote nothing.*run\.safetensors"):
            save(path, 2)
    assert version_at(path) == 1
    assert temporaries(path.parent) == []


def test_bytes_that_changed_on_their_way_are_noticed(path, monkeypatch):
    save(path, 1)
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, bytes(data).replace(b"F32", b"I32")))
        with pytest.raises(OSError, match="other bytes were read back"):
            save(path, 2)
    assert version_at(path) == 1
    assert temporaries(path.parent) == []


def test_the_error_names_the_path(path, monkeypatch):
    fail_nth(monkeypatch, "fsync", 1, ERRORS["ENOSPC"])
    with pytest.raises(OSError, match=r"injected: '.*run\.safetensors'"):
        save(path, 1)


def test_the_note_on_a_failed_fsync_of_the_directory(path, monkeypatch):
    fail_nth(monkeypatch, "fsync", 2, ERRORS["EIO"])
    with pytest.raises(OSError, match=r"run\.safetensors") as caught:
        save(path, 1)
    assert "complete and in place" in caught.value.__notes__[0]
    assert version_at(path) == 1


def test_directories_that_cannot_be_synced(path, monkeypatch):
    fail_nth(monkeypatch, "fsync", 2, lambda: OSError(errno.EINVAL, "no such operation"))
    save(path, 1)
    assert version_at(path) == 1


def test_the_directory_disappears_in_mid_save(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (shutil.rmtree(folder, ignore_errors=True), real(fd))[1])
    with pytest.raises(FileNotFoundError):
        save(folder / "x", 1)
    assert os.listdir(tmp_path) == []


def test_a_directory_that_is_not_writable(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda name, mode: False)
    with pytest.raises(PermissionError, match=f"the directory is not writable: '{path.parent}'"):
        save(path, 1)
    assert os.listdir(path.parent) == []


def test_a_missing_directory(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        save(tmp_path / "nowhere" / "x", 1)


# The order of the system calls


def test_order_of_calls(path, monkeypatch):
    save(path, 1)
    names, events = {}, []

    def record(function):
        real = getattr(os, function)

        def wrapper(*args, **kwargs):
            result = real(*args, **kwargs)
            if function == "open":
                names[result] = "directory" if args[1] & os.O_DIRECTORY else "file"
                events.append(("create", "file") if args[1] & os.O_CREAT else ("open", names[result]))
            else:
                events.append((function, names.get(args[0], "")))
            return result

        monkeypatch.setattr(os, function, wrapper)

    for function in ("open", "write", "fsync", "replace", "close", "read"):
        record(function)
    save(path, 2)
    monkeypatch.undo()
    events = [key for key, _ in itertools.groupby(events)]
    assert events == [
        ("open", "directory"),
        ("create", "file"),
        ("write", "file"),
        ("fsync", "file"),
        ("close", "file"),
        ("open", "file"),
        ("read", "file"),
        ("close", "file"),
        ("replace", ""),
        ("fsync", "directory"),
        ("close", "directory"),
    ]


def test_order_of_calls_seen_by_the_kernel(path, tmp_path):
    trace = tmp_path / "trace"
    source = "import sys; from fastgd.checkpoint import write_file; write_file(sys.argv[1], {}, {})"
    watched = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2"
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "true"], capture_output=True).returncode:
        pytest.skip("strace cannot be used here")
    command = [strace, "-f", "-y", "-e", f"trace={watched}", "-o", trace, sys.executable, "-c", source, path]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    folder, calls = str(path.parent), []
    for line in trace.read_text().splitlines():
        if folder in line:
            call = line.split(None, 1)[1].partition("(")[0]
            calls.append(call + (" of the directory" if f"<{folder}>" in line else ""))
    assert [key for key, _ in itertools.groupby(calls)] == ["write", "fsync", "rename", "fsync of the directory"]


# Permissions, links and names


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_obeys_the_umask(path, mask, mode):
    before = os.umask(mask)
    try:
        save(path, 1)
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o604])
def test_the_permissions_of_a_replaced_file_stay(path, mode):
    save(path, 1)
    path.chmod(mode)
    save(path, 2, keep=2)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE(os.stat(f"{path}.1").st_mode) == mode


def test_the_temporary_file_is_private_until_it_is_complete(path, monkeypatch):
    save(path, 1)
    modes = []
    real = os.write

    def write(fd, data):
        modes.append(stat.S_IMODE(os.fstat(fd).st_mode))
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)
    save(path, 2)
    assert set(modes) == {0o600}


def test_the_name_of_the_temporary_file(path, monkeypatch):
    created = []
    real = os.open
    monkeypatch.setattr(
        os, "open", lambda name, flags, *rest: (created.append((name, flags)), real(name, flags, *rest))[1]
    )
    save(path, 1)
    name, flags = next(entry for entry in created if entry[1] & os.O_CREAT)
    assert flags & os.O_EXCL
    assert Path(name).parent == path.parent
    prefix, _, rest = os.path.basename(name).rpartition(f".{os.getpid()}-")
    assert prefix == ".run.safetensors"
    assert len(rest) == len("0123456789abcdef.tmp")


def test_only_our_own_temporary_files_are_removed(path):
    strangers = [f".run.safetensors.{os.getpid()}-0123456789abcdef.tmp", ".run.safetensors.1-00.tmp", "run.tmp"]
    for name in strangers:
        path.with_name(name).write_bytes(b"theirs")
    save(path, 1, keep=2)
    save(path, 2, keep=2)
    assert sorted(os.listdir(path.parent)) == sorted([*strangers, path.name, f"{path.name}.1"])


def test_a_symlink_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "disk").mkdir()
    real, link = tmp_path / "disk" / "real", tmp_path / "link"
    link.symlink_to(real)
    for version in (1, 2):  # the first creates the target of a dangling link
        save(link, version, keep=2)
        assert link.is_symlink()
        assert version_at(real) == version_at(link) == version
    assert sorted(os.listdir(tmp_path)) == ["disk", "link"]
    assert sorted(os.listdir(tmp_path / "disk")) == ["real", "real.1"]


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("run", 2)
    assert version_at("./run") == 2


def test_names_of_255_bytes(tmp_path):
    for name in ("x" * 255, "é" * 127):
        save(tmp_path / name, 1)
        assert version_at(tmp_path / name) == 1


# The kept files


def test_the_previous_file_is_linked_not_copied(path):
    save(path, 1)
    before = path.stat().st_ino
    save(path, 2, keep=2)
    assert os.stat(f"{path}.1").st_ino == before
    assert (version_at(path), version_at(f"{path}.1")) == (2, 1)


@pytest.mark.parametrize("code", sorted(_sealed_file._NO_LINK))
def test_file_systems_without_hard_links(path, monkeypatch, code):
    save(path, 1)
    path.chmod(0o640)
    fail_nth(monkeypatch, "link", 1, lambda: OSError(code, "no links"))
    save(path, 2, keep=2)
    assert (version_at(path), version_at(f"{path}.1")) == (2, 1)
    assert stat.S_IMODE(os.stat(f"{path}.1").st_mode) == 0o640
    assert temporaries(path.parent) == []


def test_a_failing_copy_leaves_no_temporary(path, monkeypatch):
    save(path, 1)
    with monkeypatch.context() as patch:
        fail_nth(patch, "link", 1, lambda: OSError(errno.EPERM, "no links"))
        fail_nth(patch, "fsync", 2, ERRORS["ENOSPC"])
        with pytest.raises(OSError, match="injected"):
            save(path, 2, keep=2)
    assert os.listdir(path.parent) == [path.name]
    assert version_at(path) == 1


def test_a_save_cut_off_between_link_and_rename_loses_no_kept_file(path):
    for version in (1, 2):
        save(path, version, keep=3)
    os.replace(f"{path}.1", f"{path}.2")
    os.link(path, f"{path}.1")  # what a kill at that point leaves
    save(path, 3, keep=3)
    assert [version_at(f"{path}{end}") for end in ("", ".1", ".2")] == [3, 2, 1]
    assert temporaries(path.parent) == []


def test_the_seal(tmp_path):
    target = str(tmp_path / "x")
    _sealed_file.write(target, iter([memoryview(b"ab"), memoryview(b"c")]), 1)
    assert Path(target).read_bytes() == b"abc" + hashlib.sha256(b"abc").digest()
