"""Makes written files durable: one by one where they are few, the whole file system at once where they are many.

A journaling file system needs some milliseconds for each `fsync`; a hundred thousand of them take minutes.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from vibedom.workspace.tree import Tree

BLOCK_BYTES = 1 << 16
FEW = 16
"""Up to so many files are synced one by one, which leaves other programs' writes alone."""


def sync_filesystem(fd: int) -> None:
    """Write out everything on the file system that `fd` is on. Raises `OSError` where that failed."""
    if sys.platform != "linux":
        os.sync()
        return
    import ctypes  # a look at a diff writes nothing, and starts sooner without it

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syncfs(fd) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def sync_directories(tree: Tree, directories: Iterable[str]) -> None:
    """Write out the file systems that these directories are on: one, where nothing is mounted inside the tree."""
    devices: set[int] = set()
    for path in directories:
        fd = tree.open_directory(path)
        try:
            device = os.fstat(fd).st_dev
            if device not in devices:
                devices.add(device)
                sync_filesystem(fd)
        finally:
            os.close(fd)


def sync_at(directory: int, name: str) -> None:
    """Write out the file `name` of the directory."""
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def append_lines(file: Path, lines: Iterable[bytes]) -> None:
    """Add whole lines to a file of lines (0600, made where it is missing), durably. What an earlier call that was cut
    off, by a crash or a full disk, has left of a line goes first. Raises `OSError`."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as opened:
        size = opened.seek(0, os.SEEK_END)
        whole = _whole_lines(opened, size)
        if whole != size:
            opened.truncate(whole)
        opened.seek(whole)
        opened.writelines(line + b"\n" for line in lines)
        opened.flush()
        os.fsync(opened.fileno())


def _whole_lines(opened: BinaryIO, size: int) -> int:
    """Bytes up to the end of the last line that has one."""
    while size > 0:
        start = max(0, size - BLOCK_BYTES)
        opened.seek(start)
        end = opened.read(size - start).rfind(b"\n")
        if end >= 0:
            return start + end + 1
        size = start
    return 0
