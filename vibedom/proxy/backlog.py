"""What a connection may send while nobody can take it: mitmproxy's layers queue it in memory without end."""

import asyncio

MAX_WAITING_BYTES = 1024 * 1024
"""Read of one connection while its exchanges wait for a decision or for their upstream; then it waits, too."""


class Backlog:
    """Counts what arrives while something is awaited, and says when to stop reading."""

    def __init__(self) -> None:
        self._awaited: set[object] = set()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._bytes = 0

    def begin(self, key: object) -> None:
        """Something is awaited that the layers cannot go on without."""
        self._awaited.add(key)
        self._is_idle.clear()

    def end(self, key: object) -> None:
        """It is there, or will never be."""
        self._awaited.discard(key)
        if not self._awaited:
            self._bytes = 0
            self._is_idle.set()

    def arrived(self, count: int) -> None:
        """`count` bytes were read."""
        if self._awaited:
            self._bytes += count

    async def wait_for_room(self) -> None:
        """Returns where reading may go on."""
        if self._bytes > MAX_WAITING_BYTES:
            await self._is_idle.wait()
