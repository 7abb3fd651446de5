"""Sealed files: replaced atomically, and ending in the SHA-256 of all bytes before it.

`write` follows the one order that survives kills, full disks and power cuts: a new file beside the target, every byte
written, fsync, read back and compared with its seal, renamed over the target, fsync of the directory.
"""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterable

SEAL_SIZE = 32
_CHUNK = 1 << 20  # bytes per read: still in the second-level cache when they are hashed
# What link says where a copy must do. ENOENT: another process replaced the file between link's look-up and its linking.
_NO_LINK = {
    errno.EPERM,
    errno.EACCES,
    errno.EMLINK,
    errno.ENOSYS,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EXDEV,
    errno.ENOENT,
}


def write(target: str, pieces: Iterable[memoryview], keep: int) -> None:
    """Replace `target` by the pieces and their seal, or raise and leave it as it was.

    Parameters
    ----------
    target : str
        The file's real path: a symbolic link would itself be replaced.
    pieces : iterable of memoryview
        The content, each piece valid until the next one is asked for.
    keep : int
        With 2 or more the replaced file gets the name ``target.1``, the one before it ``target.2``, up to ``keep - 1``.
    """
    mode = _mode_for(target)
    directory, name = os.path.split(target)
    directory_fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "the directory is not writable", directory)
        # Cut, so that no legal target makes an illegal temporary; the PID and 64 random bits make the name ours alone.
        temporary = os.path.join(directory, f".{name[:40]}.{os.getpid()}-{os.urandom(8).hex()}.tmp")
        scratch = temporary.removesuffix(".tmp") + ".kept.tmp"
        try:
            seal = _write_temporary(temporary, pieces, mode)
            _verify(temporary, seal, target)
            if keep > 1:
                _keep_previous(target, keep, scratch)
            os.replace(temporary, target)
        except OSError as error:
            if error.filename is None:  # calls on a descriptor do not know the name
                error.filename = target
            raise
        finally:
            for leftover in (temporary, scratch):
                with contextlib.suppress(OSError):  # after a success there is none
                    os.unlink(leftover)
        _sync_directory(directory_fd, target)
    finally:
        os.close(directory_fd)


def require_regular(status: os.stat_result, name: str) -> None:
    """Raise OSError unless `name` is a regular file: nothing here waits for a FIFO or replaces a device."""
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", name)


def _mode_for(target: str) -> int:
    """Return the permissions for the new file: those of the regular file it replaces, or what the umask leaves."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        mask = os.umask(
            0o077
        )  # only setting it tells it; a strict value meanwhile opens no other thread's file to strangers
        os.umask(mask)
        return 0o666 & ~mask
    require_regular(status, target)
    return stat.S_IMODE(status.st_mode) & 0o777


def _write_temporary(temporary: str, pieces: Iterable[memoryview], mode: int) -> bytes:
    """Create `temporary`, write and sync it; return the seal."""
    digest = hashlib.sha256()
    fd = _create(temporary)
    try:
        for piece in pieces:
            _write_all(fd, piece)
            digest.update(piece)
        _write_all(fd, memoryview(digest.digest()))
        os.chmod(temporary, mode)
        os.fsync(fd)
    finally:
        os.close(fd)
    return digest.digest()


def _create(temporary: str) -> int:
    return os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)


def _write_all(fd: int, piece: memoryview) -> None:
    """Write every byte: `os.write` may take fewer than it was given, on a full disk above all."""
    while piece:
        written = os.write(fd, piece)
        if written <= 0:
            raise OSError(errno.EIO, "the system wrote nothing and reported no error")
        piece = piece[written:]


def _verify(temporary: str, seal: bytes, target: str) -> None:
    """Read the new file back and compare it with what was meant to be in it."""
    found = hashlib.sha256()
    tail = b""
    fd = os.open(temporary, os.O_RDONLY)
    try:
        while chunk := os.read(fd, _CHUNK):
            tail += chunk
            found.update(memoryview(tail)[:-SEAL_SIZE])
            tail = tail[-SEAL_SIZE:]
    finally:
        os.close(fd)
    if found.digest() != seal or tail != seal:
        reason = "other bytes were read back than written: the disk failed, or an array changed meanwhile"
        raise OSError(errno.EIO, reason, target)


def _keep_previous(target: str, keep: int, scratch: str) -> None:
    """Give the file at `target` the second name `target.1`, after moving `target.1` to `target.2`, and so on."""
    kept = f"{target}.1"
    try:
        current = os.stat(target)
    except FileNotFoundError:
        return
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(current, os.stat(kept)):  # a save was cut off after this step: it is kept already
            return
    for number in range(keep - 2, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{target}.{number}", f"{target}.{number + 1}")
    try:
        os.link(target, scratch)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        _copy(target, scratch)
    os.replace(scratch, kept)


def _copy(source: str, scratch: str) -> None:
    """Copy a file, bytes and permissions, and sync it: for file systems without hard links."""
    source_fd = os.open(source, os.O_RDONLY)
    try:
        fd = _create(scratch)
        try:
            while chunk := os.read(source_fd, _CHUNK):
                _write_all(fd, memoryview(chunk))
            os.chmod(scratch, stat.S_IMODE(os.fstat(source_fd).st_mode) & 0o777)
            os.fsync(fd)
        finally:
            os.close(fd)
    finally:
        os.close(source_fd)


def _sync_directory(directory_fd: int, target: str) -> None:
    """Make the rename survive a power cut."""
    try:
        os.fsync(directory_fd)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOTSUP):  # a file system that has no such operation
            return
        error.filename = target
        error.add_note("The new file is complete and in place; whether its name survives a power cut is unknown.")
        raise
