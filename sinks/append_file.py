"""A file that only grows, by whole pieces: private, locked, never through a link."""

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Literal

Fsync = Literal["always", "interval", "never"]
"""When a piece is on the disk and not only in the kernel: at once, within about a second, or when the kernel likes."""

FSYNC_SECONDS = 1.0
MAX_TAIL_BYTES = 1024 * 1024
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class BusyFileError(OSError):
    """Another process has the file open for writing."""


class AppendFile:
    """Pieces are appended whole or not at all: after a failure the file is cut back to where it was."""

    def __init__(self, path: Path, *, fsync: Fsync = "interval") -> None:
        """Opens with mode 0600 and locks. Raises `OSError`, `BusyFileError` where another process writes it."""
        self.path = path
        self._fsync = fsync
        self._synced_at = time.monotonic()
        self._is_torn = False
        self._descriptor = _open_locked(path)
        self.size = os.fstat(self._descriptor).st_size

    @property
    def is_sync_due(self) -> bool:
        """Whether the next `append` waits for the disk."""
        if self._fsync == "interval":
            return time.monotonic() - self._synced_at >= FSYNC_SECONDS
        return self._fsync == "always"

    def append(self, data: bytes) -> None:
        """Raises `OSError`; then the file is as it was before."""
        if self._is_torn:
            self.cut(self.size)
        try:
            self._write(data)
            self._sync()
        except OSError:
            self._is_torn = True
            self.cut(self.size)
            raise
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Drop everything behind the first `size` bytes."""
        os.ftruncate(self._descriptor, size)
        self.size, self._is_torn = size, False

    def cut_unfinished_line(self) -> int:
        """Drop what follows the last newline (a crash while writing) and return how many bytes that was. Raises
        `OSError` where the last megabyte has no newline at all."""
        tail = self.tail(MAX_TAIL_BYTES)
        dropped = len(tail) - (tail.rfind(b"\n") + 1)
        if dropped == len(tail) and self.size > dropped:
            raise OSError(errno.EBADMSG, "the last line is damaged; move the file away", str(self.path))
        if dropped:
            self.cut(self.size - dropped)
        return dropped

    def tail(self, length: int) -> bytes:
        """The last `length` bytes, or all of a shorter file."""
        return os.pread(self._descriptor, length, max(0, self.size - length))

    def close(self) -> None:
        """To the disk, then closed. Safe more than once."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        try:
            if self._fsync != "never":
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _sync(self) -> None:
        if self.is_sync_due:
            os.fdatasync(self._descriptor)
            self._synced_at = time.monotonic()


def _open_locked(path: Path) -> int:
    descriptor = os.open(path, _FLAGS, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise BusyFileError(error.errno, "another process writes this file", str(path)) from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
