"""Hot reload: a change to a settings file takes effect within a second, a mistake in it leaves what was in force."""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import anyio
import anyio.to_thread

from vibedom.errors import SettingsError
from vibedom.settings import Policy

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


async def follow(
    paths: Sequence[Path], load: Callable[[], Policy], *, say: Callable[[str], None], poll_seconds: float = POLL_SECONDS
) -> AsyncIterator[Policy]:
    """Yields the new policy after each change that can be loaded; for one that cannot, `say` gets one line and the old
    policy stays. What was allowed for the session is the caller's to carry over: `policy.hosts.allowing(...)`."""
    async for _ in watch(paths, poll_seconds=poll_seconds):
        try:
            policy = await anyio.to_thread.run_sync(load)
        except SettingsError as error:
            say(f"policy not reloaded, the one before stays in force: {error}")
            continue
        say("policy reloaded")
        yield policy


def _stamps(paths: Sequence[Path]) -> list[Stamp]:
    return [_stamp(path) for path in paths]


def _stamp(path: Path) -> Stamp:
    """Changes with content (size, time of change), with replacement (inode) and with the mode."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
