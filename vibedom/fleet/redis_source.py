"""Reads a fleet's messages from a Redis stream."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from sinks.delivery_error import cause
from sinks.redis_stream import RedisSettings, connect
from sinks.stream import Message, decode
from vibedom.errors import VibedomError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_BATCH = 500
_BLOCK_MS = 1000


class RedisSource:
    """One connection, opened at the first read."""

    def __init__(self, settings: RedisSettings) -> None:
        self._settings = settings
        self._client: Redis | None = None
        self.is_reached = False

    async def messages(self, *, since: float, follow: bool) -> AsyncIterator[Message]:
        from redis.exceptions import RedisError

        try:
            if self._client is None:
                self._client = connect(self._settings)
            at: Any = f"{max(0, int(since * 1000) - 1)}-0"
            while True:
                streams: Any = {self._settings.stream: at}
                found: Any = await self._client.xread(streams, count=_BATCH, block=_BLOCK_MS if follow else None)
                self.is_reached = True
                entries = _entries(found)
                if not entries and not follow:
                    return
                for identity, fields in entries:
                    at = identity
                    if (message := decode(fields.get(b"message", b""))) is not None:
                        yield message
        except (RedisError, OSError) as error:
            raise VibedomError(
                f"redis: stream {self._settings.stream} cannot be read ({cause(error)}); check --from"
            ) from None

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()


def _entries(found: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Of the one stream that was asked for; the client gives a list or a mapping, by the protocol it speaks."""
    if not found:
        return []
    pages = next(iter(found.values())) if isinstance(found, dict) else found[0][1]
    if pages and isinstance(pages[0], list):
        pages = [entry for page in pages for entry in page]
    return list(pages)
