"""Files of text as blocks of whole lines: plain, gzip, bzip2, Zstandard, or any open binary file.

Nothing is mapped: a file that shrinks while it is read would kill the process; here it raises `DataChangedError`.
"""

import errno
import io
import mmap
import os
import stat
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from fastgd._kernels import execute
from fastgd._validation import ArgumentTypeError, ArgumentValueError

BLOCK = 2 << 20  # bytes read at once: worth handing to a thread, and still in the cache when it is parsed
PADDING = execute.text_table().PADDING
SPARE = 1 + PADDING  # behind a block: a newline that the last line may lack, and what the parser may touch
LONGEST_LINE = 1 << 30
MARKS = {b"\xef\xbb\xbf": "a byte order mark", b"\xff\xfe": "the mark of UTF-16", b"\xfe\xff": "the mark of UTF-16"}
MOST_EXPANSION = 200  # libsvm text shrinks by 3 to 20; gzip's limit is 1032, which only a bomb comes near


class DataFileError(ArgumentValueError):
    """A data file holds something unusable; the message gives file, line and column."""


class DataChangedError(DataFileError):
    """A data file was truncated, grown or replaced while it was being read."""


class Identity(NamedTuple):
    """What tells one state of a file from another."""

    size: int
    mtime_ns: int
    inode: int


def identity_of(status: os.stat_result) -> Identity:
    """Return size, time of the last change and inode."""
    return Identity(status.st_size, status.st_mtime_ns, status.st_ino)


class Block(NamedTuple):
    """Whole lines: the first `size` bytes of `text`, the last of them a newline; `PADDING` more bytes are there to be read."""

    text: memoryview
    size: int


class TextFile:
    """A file opened for reading, as blocks of whole lines.

    Parameters
    ----------
    source : str, path or binary file
        A name ending in .gz, .bz2 or .zst is decompressed. A binary file is read from where it stands, and stays open.
    expansion : bool
        Whether text may be more than 200 times as long as its compressed file.
    offset : int
        Bytes of text to skip; then the rest of that line is skipped too, as scikit-learn's reader does.
    length : int
        Reading ends with the line in which byte ``offset + length`` lies; -1 for the end of the file.
    """

    def __init__(self, source: Any, *, expansion: bool = False, offset: int = 0, length: int = -1):
        self.expansion = expansion
        if hasattr(source, "read") and not hasattr(source, "readinto"):
            raise ArgumentTypeError("a file must be open in binary mode; got a text file. Open it with mode 'rb'.")
        self._owned = not hasattr(source, "readinto")
        if self._owned:
            self.name = os.fspath(source) if not isinstance(source, int) else f"<file descriptor {source}>"
            if isinstance(self.name, bytes):
                self.name = os.fsdecode(self.name)
            raw = _opened(source)
            self._raw: BinaryIO | None = raw
            self._identity: Identity | None = identity_of(os.fstat(raw.fileno()))
            self.size = self._identity.size
            try:
                self._file, self.compressed = _decompressed(raw, self.name)
            except BaseException:
                raw.close()
                raise
        else:
            if hasattr(source, "encoding"):
                raise ArgumentTypeError(
                    "the file must be open in binary mode; got a text file. Open it with mode 'rb'."
                )
            self.name = str(getattr(source, "name", "<file>"))
            self._raw, self._identity, self._file, self.compressed = None, None, source, False
            self.size = 0
        self._offset, self._length = offset, length
        self._spare: list[mmap.mmap] = []

    def __enter__(self) -> "TextFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened here."""
        if self._raw is not None:
            self._file.close()
            self._raw.close()

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file itself, compressed or not, have been read: for progress against `size`."""
        return self._raw.tell() if self._raw is not None and not self._raw.closed else 0

    def blocks(self, place: int = 0) -> Iterator[Block]:
        """Yield blocks of whole lines, from the byte on at which an earlier block ended; give each back to `reuse`."""
        buffer = self._buffer()
        begin = self._skip(self._offset)
        if place:
            begin = self._file.seek(place)
        read = begin  # bytes of text so far
        stop = self._offset + self._length if self._length >= 0 else None
        carried = 0
        while True:
            n = self._fill(buffer, carried, stop is not None and read >= stop)
            read += n
            if read == n:
                self._require_no_mark(buffer[:3])
            if read > MOST_EXPANSION * max(self.size, 4096) and self.compressed and not self.expansion:
                raise DataFileError(
                    f"{self.name}: the text is over {MOST_EXPANSION} times as long as the compressed file. "
                    f"If that is right, pass allow=('expansion',)."
                )
            filled = carried + n
            ended = n == 0
            if stop is not None and read >= stop and not ended:
                end = buffer.find(b"\n", max(carried, filled - (read - stop)), filled)
                if end >= 0:
                    filled, ended = end + 1, True
            if ended:
                if filled and buffer[filled - 1] != 10:
                    buffer[filled] = 10  # a last line without its newline
                    filled += 1
                if filled:
                    yield Block(memoryview(buffer), filled)
                self.require_unchanged(read if stop is None else None)
                return
            whole = buffer.rfind(b"\n", carried, filled) + 1
            if whole == 0:
                if filled > LONGEST_LINE:
                    raise DataFileError(f"{self.name}: a line is longer than {LONGEST_LINE} bytes")
                if filled == len(buffer) - SPARE:
                    longer = mmap.mmap(-1, 2 * len(buffer))
                    longer[:filled] = buffer[:filled]
                    buffer = longer
                carried = filled
                continue
            rest = buffer[whole:filled]
            yield Block(memoryview(buffer), whole)
            carried = len(rest)
            buffer = self._buffer(carried)
            buffer[:carried] = rest

    def _buffer(self, taken: int = 0) -> mmap.mmap:
        """Return memory for a block that `taken` bytes do not fill: anonymous, which has rfind and is not filled with zeros first."""
        found = self._spare.pop() if self._spare else None
        if found is None or len(found) - SPARE <= taken:
            found = mmap.mmap(-1, max(BLOCK, 2 * taken) + SPARE)
        return found

    def _require_no_mark(self, beginning: bytes) -> None:
        for mark, meaning in MARKS.items():
            if beginning.startswith(mark):
                raise DataFileError(f"{self.name}:1:1: {meaning}; the file must be plain ASCII or UTF-8 without a mark")

    def reuse(self, block: Block) -> None:
        """Take back the memory of a block that is no longer needed."""
        buffer: Any = block.text.obj
        block.text.release()
        self._spare.append(buffer)

    def _fill(self, buffer: mmap.mmap, begin: int, finished: bool) -> int:
        """Read into `buffer` after `begin`, leaving the spare bytes free; return how many bytes came, 0 at the end."""
        view = memoryview(buffer)[begin:-SPARE]
        filled = 0
        try:
            while filled < len(view):
                n = self._file.readinto(view[filled:])
                if not n:
                    break
                filled += n
        except (EOFError, zlib.error, OSError) as error:
            if not self.compressed or getattr(error, "errno", None) is not None:
                raise
            raise DataFileError(f"{self.name}: the compressed file is damaged or cut: {error}") from None
        except Exception as error:
            if type(error).__name__ != "ZstdError":
                raise
            raise DataFileError(f"{self.name}: the compressed file is damaged: {error}") from None
        finally:
            view.release()
        return filled

    def _skip(self, offset: int) -> int:
        """Move to `offset` and past the line that it lies in; return where."""
        if offset == 0:
            return 0
        self._file.seek(offset)
        skipped = self._file.readline()
        return offset + len(skipped)

    def require_unchanged(self, read: int | None = None) -> None:
        """Raise unless the file is still what was opened and, where `read` is given, that many bytes long."""
        if self._identity is None or self._raw is None:
            return
        now = identity_of(os.fstat(self._raw.fileno()))
        if now != self._identity or (read is not None and not self.compressed and read != now.size):
            raise DataChangedError(
                f"{self.name} changed while it was read: it had {self._identity.size} bytes, now it has {now.size}. Read it again."
            )


def _opened(source: Any) -> BinaryIO:
    """Open a regular file; a directory or a pipe is an OSError that names it, and nothing waits for a pipe's other end."""
    if isinstance(source, int):
        return open(source, "rb", closefd=False, buffering=0)  # type: ignore[return-value]
    descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return open(descriptor, "rb", buffering=0)  # type: ignore[return-value]
    os.close(descriptor)
    code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    text = os.strerror(code) if stat.S_ISDIR(mode) else "not a regular file"
    raise OSError(code, text, os.fspath(source))


def _decompressed(raw: BinaryIO, name: str) -> tuple[Any, bool]:
    """Return a file of plain bytes over `raw`, and whether it decompresses; the name's ending decides, as everywhere."""
    ending = os.path.splitext(name)[1]
    if ending == ".gz":
        import gzip

        return gzip.GzipFile(fileobj=raw, mode="rb"), True
    if ending == ".bz2":
        import bz2

        return bz2.BZ2File(raw), True
    if ending == ".zst":
        try:
            import zstandard
        except ImportError:
            raise ModuleNotFoundError(
                f"reading {name} needs the package zstandard. Run: pip install fastgd[io]", name="zstandard"
            ) from None
        return io.BufferedReader(_Zstandard(raw, zstandard.ZstdDecompressor()), _Zstandard.CHUNK), True
    return raw, False


class _Zstandard(io.RawIOBase):
    """Decompressed bytes; a file cut within a frame is an EOFError, where the package's own reader just ends."""

    CHUNK = 1 << 20

    def __init__(self, raw: BinaryIO, decompressor: Any):
        self._raw, self._decompressor = raw, decompressor
        self._frame: Any = None
        self._packed, self._plain = b"", b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._plain:
            self._packed = self._packed or self._raw.read(self.CHUNK)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("it ends within a frame")
                return 0
            self._frame = self._frame or self._decompressor.decompressobj()
            self._plain, self._packed = self._frame.decompress(self._packed), b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        n = min(len(buffer), len(self._plain))
        buffer[:n], self._plain = self._plain[:n], self._plain[n:]
        return n
