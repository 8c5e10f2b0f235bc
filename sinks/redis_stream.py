"""Messages to a Redis stream: a batch whole or not at all, doubles dropped by the readers."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.events import Severity
from sinks.address import is_address, is_socket
from sinks.delivery_error import DeliveryError, cause
from sinks.stream import Message, decode, lost_message

if TYPE_CHECKING:
    from redis.asyncio import Redis

_TIMEOUT_SECONDS = 10.0


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="redis"):
    """`[[sinks]] type = "redis"`."""

    url: str
    """`redis://HOST:6379/0`, `rediss://...` (TLS) or `unix:///PATH`."""
    password_file: str | None = None
    """With its whole path."""
    ca: str | None = None
    """PEM file for `rediss`; without it this machine's own roots."""
    stream: str = "vibedom"
    """Key of the stream."""
    max_entries: int = 1_000_000
    """The server drops the oldest entries of a stream that has about that many."""
    records: bool = True
    """Send the records, too, and not only alerts."""
    min_severity: Severity = "low"

    def __post_init__(self) -> None:
        if not is_socket(self.url) and not is_address(self.url, ("redis", "rediss")):
            raise ValueError("url must be redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH")
        if not self.stream or self.max_entries < 1:
            raise ValueError("stream must not be empty and max_entries must be at least 1")


class RedisCarrier:
    """One transaction for each batch. Each entry has the fields `id` and `message`."""

    def __init__(self, settings: RedisSettings, *, session: str) -> None:
        self._settings = settings
        self._session = session
        self._client: Redis | None = None
        self._opened = time.time_ns()
        self._reports = 0

    async def carry(self, entries: Sequence[bytes], /) -> None:
        """Raises `DeliveryError`; where only the answer was lost the batch is there, and comes again."""
        await self._add([(message, entry) for entry in entries if (message := decode(entry))])

    async def report_lost(self, count: int, /) -> None:
        message = lost_message(self._session, count, f"{self._opened}.{self._reports}")
        await self._add([(message, msgspec.json.encode(message))])
        self._reports += 1

    async def aclose(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _add(self, messages: Sequence[tuple[Message, bytes]]) -> None:
        from redis.exceptions import RedisError

        try:
            if self._client is None:
                self._client = connect(self._settings)
            async with self._client.pipeline(transaction=True) as batch:
                for message, entry in messages:
                    fields: Any = {"id": message.id, "message": entry}
                    batch.xadd(self._settings.stream, fields, maxlen=self._settings.max_entries, approximate=True)
                await batch.execute()
        except (RedisError, OSError) as error:
            raise DeliveryError(f"redis: not accepted ({cause(error)})") from None


def connect(settings: RedisSettings) -> "Redis":
    """A client; nothing is connected yet. Raises `OSError` for the password's file."""
    from redis.asyncio import Redis

    options: dict[str, Any] = {"socket_timeout": _TIMEOUT_SECONDS, "socket_connect_timeout": _TIMEOUT_SECONDS}
    if settings.password_file is not None:
        options["password"] = Path(settings.password_file).read_text(encoding="utf-8", errors="replace").strip()
    if settings.ca is not None:
        options["ssl_ca_certs"] = settings.ca
    return Redis.from_url(settings.url, **options)
