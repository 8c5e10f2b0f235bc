"""What the agent's files take on disk: blocks, not lengths. A hole costs nothing, and a hard link counts once."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

BLOCK_BYTES = 512
"""The unit of `st_blocks`, whatever the file system's own is."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Files of every kind, directories among them, and the bytes that they take."""

    size: int = 0
    files: int = 0
    is_whole: bool = True
    """False where a directory could not be read or there were more than `most_files`: then it is more than this."""


def measure(roots: Sequence[Path], most_files: int) -> Usage:
    """What lies below `roots`, themselves not counted. Stops after `most_files`. Blocking: about 7 us a file.

    No link is followed, and no other file system entered. What goes away meanwhile is not there.
    """
    size = files = 0
    is_whole = True
    linked: set[tuple[int, int]] = set()
    waiting = [str(root) for root in roots]
    devices = {_device(root) for root in roots}
    while waiting:
        directory = waiting.pop()
        try:
            for path, status in _entries(directory):
                if stat.S_ISDIR(status.st_mode):
                    if status.st_dev in devices:
                        waiting.append(path)
                elif status.st_nlink > 1:
                    identity = (status.st_dev, status.st_ino)
                    if identity in linked:
                        continue
                    linked.add(identity)
                size += status.st_blocks * BLOCK_BYTES
                files += 1
                if files > most_files:
                    return Usage(size=size, files=files, is_whole=False)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:  # a mode of 0, or deeper than a path can say: the agent's way to hide what it wrote
            is_whole = False
    return Usage(size=size, files=files, is_whole=is_whole)


def _entries(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                try:
                    yield f"{directory}/{entry.name}", entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
    finally:
        os.close(descriptor)


def _device(root: Path) -> int:
    try:
        return root.stat().st_dev
    except FileNotFoundError:
        return -1
