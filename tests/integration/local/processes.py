"""Finds processes of the host by their command line, and waits for their end."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio


def with_argument(text: str) -> list[int]:
    """PIDs of the processes that have `text` in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and text.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def parents(pid: int) -> Iterator[int]:
    """A process's parent, its parent, and so on."""
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        yield pid


@contextlib.contextmanager
def watched(pids: Sequence[int]) -> Iterator[list[int]]:
    """Descriptors that become readable when the processes end."""
    descriptors = [os.pidfd_open(pid) for pid in pids]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


async def all_ended(descriptors: Sequence[int], within_seconds: float = 10.0) -> None:
    with anyio.fail_after(within_seconds):
        for descriptor in descriptors:
            await anyio.wait_readable(descriptor)
