"""Makes written files durable: one by one where they are few, the whole file system at once where they are many.

A journaling file system needs some milliseconds for each `fsync`; a hundred thousand of them take minutes.
"""

import ctypes
import os
import sys
from collections.abc import Iterable

from vibedom.workspace.tree import Tree

FEW = 16
"""Up to so many files are synced one by one, which leaves other programs' writes alone."""


def sync_filesystem(fd: int) -> None:
    """Write out everything on the file system that `fd` is on. Raises `OSError` where that failed."""
    if sys.platform != "linux":
        os.sync()
        return
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
