"""The session a command is about: named, by a unique prefix, or the only one that fits."""

from pathlib import Path

import anyio.to_thread

from vibedom import sessions
from vibedom.control.client import Client
from vibedom.paths import Home
from vibedom.sessions import SessionRecord


async def running(home: Home, name: str | None) -> tuple[SessionRecord, Client]:
    """A running session and the way to its supervisor. Raises `NoSuchSessionError`."""
    record = await anyio.to_thread.run_sync(lambda: sessions.find_running(home, name, workspace=Path.cwd()))
    return record, Client(home, record.id)
