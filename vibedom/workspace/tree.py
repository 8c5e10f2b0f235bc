"""Access to the files below one directory that no symbolic link can lead out of.

Every path is walked component by component with `O_NOFOLLOW` from the root's descriptor, so neither a link that is in
the tree nor one that is put there in between redirects a read or a write.
"""

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from vibedom.errors import WorkspaceError
from vibedom.workspace.entry import Entry, entry_of
from vibedom.workspace.spelling import visible

CHUNK_BYTES = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Tree:
    """The files below `root`. Paths are relative, `/`-separated, without `.` and `..`; `""` is the root.

    A `lingers` tree keeps the directory that it looked into last open, as many files of one are looked at after each
    other. Where somebody moves that directory meanwhile, it shows what has been moved: for those who only read.
    """

    def __init__(self, root: Path, *, lingers: bool = False) -> None:
        self.root = root
        self._lingers = lingers
        self._last: tuple[str, int] | None = None
        try:
            self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise WorkspaceError(f"{visible(str(root))} cannot be opened: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leave_last()
        os.close(self._fd)

    def open_directory(self, path: str) -> int:
        """A descriptor of the directory, to be closed by the caller. Raises `OSError`, `ENOTDIR` for a link."""
        if not self._lingers:
            return self._walk(path)
        if self._last is None or self._last[0] != path:
            fd = self._walk(path)
            self._leave_last()
            self._last = (path, fd)
        return os.dup(self._last[1])

    def _leave_last(self) -> None:
        if self._last is not None:
            os.close(self._last[1])
        self._last = None

    def _walk(self, path: str) -> int:
        fd = os.dup(self._fd)
        for name in path.split("/") if path else ():
            if name in ("", ".", ".."):
                os.close(fd)
                raise WorkspaceError(f"{visible(path)} is no path below {visible(str(self.root))}")
            try:
                inner = os.open(name, _DIRECTORY, dir_fd=fd)
            finally:
                os.close(fd)
            fd = inner
        return fd

    @contextmanager
    def parent(self, path: str) -> Iterator[tuple[int, str]]:
        """Descriptor of the directory that holds `path`, and its name there."""
        fd, name = self._open_parent(path)
        try:
            yield fd, name
        finally:
            os.close(fd)

    def _open_parent(self, path: str) -> tuple[int, str]:
        above, _, name = path.rpartition("/")
        if name in ("", ".", ".."):
            raise WorkspaceError(f"{visible(path)} is no path below {visible(str(self.root))}")
        return self.open_directory(above), name

    def lstat(self, path: str) -> Entry | None:
        """The entry at `path`, or None where there is none, also because a parent is missing or is no directory."""
        if not path:
            return entry_of(os.fstat(self._fd))
        try:
            fd, name = self._open_parent(path)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise
        try:
            return lstat_at(fd, name)
        finally:
            os.close(fd)

    def has_other_names(self, path: str) -> bool:
        """Whether the file at `path` is another path's as well: a hard link. Raises `OSError`."""
        with self.parent(path) as (fd, name):
            return os.stat(name, dir_fd=fd, follow_symlinks=False).st_nlink > 1

    def names(self, path: str) -> list[str]:
        """Names in the directory, sorted."""
        fd = self.open_directory(path)
        try:
            return sorted(os.listdir(fd))
        finally:
            os.close(fd)

    @contextmanager
    def reading(self, path: str) -> Iterator[int]:
        """A descriptor to read the regular file at `path` from. Raises `OSError` for anything that is none."""
        directory, name = self._open_parent(path)
        try:
            fd = open_file_at(directory, name)
        finally:
            os.close(directory)
        try:
            yield fd
        finally:
            os.close(fd)

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Content of the file, at most `limit` bytes of it."""
        with self.reading(path) as fd:
            return b"".join(_chunks(fd, sys.maxsize if limit is None else limit))

    def digest(self, path: str) -> str:
        """SHA-256 of the file's content, hexadecimal."""
        with self.reading(path) as fd:
            return digest_of(fd)


def lstat_at(directory: int, name: str) -> Entry | None:
    """The entry `name` of the directory, or None."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        target = os.readlink(name, dir_fd=directory) if stat.S_ISLNK(status.st_mode) else ""
    except FileNotFoundError:
        return None
    return entry_of(status, target)


def open_file_at(directory: int, name: str) -> int:
    """A descriptor of the regular file `name`; never follows a link, never waits for a FIFO's other end."""
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", name)
    return fd


def digest_of(fd: int) -> str:
    """SHA-256 of what is left to read of `fd`, hexadecimal."""
    digest = hashlib.sha256()
    for chunk in _chunks(fd):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(fd: int, limit: int = sys.maxsize) -> Iterator[bytes]:
    """What is left to read of `fd`, at most `limit` bytes."""
    while limit > 0 and (chunk := os.read(fd, min(limit, CHUNK_BYTES))):
        yield chunk
        limit -= len(chunk)
