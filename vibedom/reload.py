"""Hot reload: a change to a settings file is noticed within a second."""

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio

POLL_SECONDS = 0.3
"""Polled and not watched: it sees every way an editor saves, on every file system, for three `stat` calls a second."""

Stamp = tuple[int, int, int, int] | None


async def watch(paths: Sequence[Path], *, poll_seconds: float = POLL_SECONDS) -> AsyncIterator[None]:
    """Yields after each change of any of the files: edited, replaced, removed, or made. Never ends by itself."""
    before = _stamps(paths)
    while True:
        await anyio.sleep(poll_seconds)
        now = _stamps(paths)
        if now != before:
            before = now
            yield


def _stamps(paths: Sequence[Path]) -> list[Stamp]:
    return [_stamp(path) for path in paths]


def _stamp(path: Path) -> Stamp:
    """Changes with content (size, time of change), with replacement (inode) and with the mode."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
