"""session.log: what vibedom did and why, for people. No line comes from the agent."""

import os
import time
from contextlib import suppress
from pathlib import Path

import aiofiles


class SessionLog:
    """Appends lines with their time. A full disk costs a line, not the session."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def write(self, text: str) -> None:
        """One line; control characters in `text` are made visible."""
        clean = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime())
        with suppress(OSError):
            async with aiofiles.open(self._path, "a", encoding="utf-8", opener=_private) as file:
                await file.write(f"{stamp} {clean}\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
