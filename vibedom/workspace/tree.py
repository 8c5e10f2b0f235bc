"""Access to the files below one directory that no symbolic link can lead out of.

Every path is walked component by component with `O_NOFOLLOW` from the root's descriptor, so neither a link that is in
the tree nor one that is put there in between redirects a read or a write.
"""

import errno
import hashlib
import os
import stat
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
    """The files below `root`. Paths are relative, `/`-separated, without `.` and `..`; `""` is the root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise WorkspaceError(f"{visible(str(root))} cannot be opened: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._fd)

    def open_directory(self, path: str) -> int:
        """A descriptor of the directory, to be closed by the caller. Raises `OSError`, `ENOTDIR` for a link."""
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
        above, _, name = path.rpartition("/")
        if name in ("", ".", ".."):
            raise WorkspaceError(f"{visible(path)} is no path below {visible(str(self.root))}")
        fd = self.open_directory(above)
        try:
            yield fd, name
        finally:
            os.close(fd)

    def lstat(self, path: str) -> Entry | None:
        """The entry at `path`, or None where there is none, also because a parent is missing or is no directory."""
        if not path:
            return entry_of(os.fstat(self._fd))
        try:
            with self.parent(path) as (fd, name):
                return lstat_at(fd, name)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise

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
        with self.parent(path) as (directory, name):
            fd = open_file_at(directory, name)
        try:
            yield fd
        finally:
            os.close(fd)

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Content of the file, at most `limit` bytes of it."""
        with self.reading(path) as fd, os.fdopen(os.dup(fd), "rb") as file:
            return file.read(-1 if limit is None else limit)

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
    while chunk := os.read(fd, CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
