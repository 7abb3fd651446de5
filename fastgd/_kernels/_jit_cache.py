"""The folder of compiled rules: machine code by content, never unpickled, never trusted unless it is ours alone.

One file holds one rule for one dtype and one processor: a JSON header line, the SHA-256 of header and code, and an ELF
object. Its name is the hash of all that the code depends on, so a file is never out of date, only unused. The folder is
``$FASTGD_CACHE``, else ``$XDG_CACHE_HOME/fastgd``, else ``~/.cache/fastgd``. Machine code runs when it is loaded: a
folder or file that another user owns or may write to is refused. Whatever goes wrong here, the rule is compiled in
memory, and one warning says so.
"""

import contextlib
import functools
import hashlib
import json
import os
import stat
import sys
import warnings

import numpy as np

MAGIC = "fastgd kernel 1"
LARGEST = 1 << 24  # bytes; a kernel has a few thousand
_DIGEST = 65  # length of the line with a SHA-256

_problem = ""  # what to warn of, once it is safe to
_warned = False


class CacheError(Exception):
    """A folder or file of the cache that cannot be used."""


def folder() -> str:
    """Return the path of the cache folder, which may not exist, or an empty string where there is no home."""
    chosen = os.environ.get("FASTGD_CACHE")
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # the XDG specification: a relative path is ignored
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "fastgd") if os.path.isabs(base) else ""


def key(text: str) -> str:
    """Return the name of the code of `text`: a hash of the text and of everything that turns it into machine code."""
    return hashlib.sha256("\0".join([text, *_environment()]).encode()).hexdigest()


@functools.cache
def _environment() -> tuple[str, ...]:
    """Return what decides the machine code beside the text: our sources, the compilers, the processor."""
    import importlib.metadata

    import llvmlite
    from llvmlite import binding

    sources = hashlib.sha256()
    for name in ("_jit_cache.py", "_jit_machine.py", "_jit_rewrite.py", "_jit_source.py", "jit.py"):
        with open(os.path.join(os.path.dirname(__file__), name), "rb") as file:
            sources.update(file.read())
    return (
        sources.hexdigest(),
        importlib.metadata.version("numba"),  # without importing it
        llvmlite.__version__,
        np.__version__,
        sys.version,
        binding.get_process_triple(),
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
        *sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith("NUMBA_")),
    )


def load(name: str) -> tuple[dict[str, object], bytes] | None:
    """Return the header and the code stored as `name`, None where there is none or none to be trusted."""
    try:
        home = _opened_folder()
        try:
            content = _read(home, name)
        finally:
            os.close(home)
        return _checked(content, name)
    except FileNotFoundError:
        return None
    except (OSError, CacheError, ValueError) as error:
        complain(error)
        return None


def store(name: str, header: dict[str, object], code: bytes) -> None:
    """Store `code` as `name`: readers see all of it or nothing, and the last of several writers wins."""
    first = json.dumps({"format": MAGIC, "key": name, **header}).encode()
    content = first + b"\n" + _digest(first, code) + code
    temporary = f".{name}.{os.getpid()}-{os.urandom(8).hex()}.tmp"
    try:
        home = _opened_folder()
        try:
            _write(home, temporary, content)
            os.rename(temporary, name, src_dir_fd=home, dst_dir_fd=home)
        except OSError:
            _removed(home, temporary)
            raise
        finally:
            os.close(home)
    except (OSError, CacheError) as error:
        complain(error)


def complain(problem: object) -> None:
    """Note why the cache was not used; `report` will say it."""
    global _problem
    _problem = _problem or str(problem)


def report() -> None:
    """Warn of the first problem noted, once in a process."""
    global _warned
    if _problem and not _warned:
        _warned = True
        fix = "Set FASTGD_CACHE to a folder that only you can write to."
        message = f"the cache of compiled rules is not used, so each process compiles them anew: {_problem}. {fix}"
        warnings.warn(message, RuntimeWarning, stacklevel=3)


def usable() -> bool:
    """Tell whether nothing has gone wrong with the cache so far."""
    return not _problem


def _opened_folder() -> int:
    """Return a descriptor of the cache folder, made where it is missing: what is checked is what is used."""
    path = folder()
    if not path:
        raise CacheError("there is no home directory")
    if os.open not in os.supports_dir_fd or not hasattr(os, "geteuid"):
        raise CacheError("this system has no POSIX file permissions")
    os.makedirs(path, mode=0o700, exist_ok=True)
    home = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _require_ours(os.fstat(home), path)
    except CacheError:
        os.close(home)
        raise
    return home


def _require_ours(status: os.stat_result, path: str) -> None:
    if status.st_uid != os.geteuid():
        raise CacheError(f"{path} belongs to user {status.st_uid}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise CacheError(f"others may write to {path} (mode {stat.S_IMODE(status.st_mode):o})")


def _read(home: int, name: str) -> bytes:
    # O_NONBLOCK: opening a named pipe must not wait for a writer.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=home)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            raise CacheError(f"{name} in {folder()} is not a compiled rule")
        _require_ours(status, name)
        return file.read(LARGEST)


def _checked(content: bytes, name: str) -> tuple[dict[str, object], bytes]:
    """Return the header and the code of a file whose digest, format and name are right."""
    first, _, rest = content.partition(b"\n")
    digest, code = rest[:_DIGEST], rest[_DIGEST:]
    if _digest(first, code) != digest:
        raise CacheError(f"{name} in {folder()} is damaged")
    header = json.loads(first)
    if not isinstance(header, dict) or header.get("format") != MAGIC or header.get("key") != name:
        raise CacheError(f"{name} in {folder()} is not what its name says")
    return header, code


def _digest(header: bytes, code: bytes) -> bytes:
    """Return the line between header and code."""
    return hashlib.sha256(header + b"\n" + code).hexdigest().encode() + b"\n"


def _write(home: int, name: str, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(name, flags, 0o600, dir_fd=home), "wb") as file:
        file.write(content)


def _removed(home: int, name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=home)
