"""Reads a fleet's messages from NATS JetStream, through a consumer that leaves no trace."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sinks.nats_stream import NatsSettings, connect
from sinks.stream import Message, decode
from vibedom.errors import VibedomError

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

_BATCH = 500
_WAIT_SECONDS = 1.0


class NatsSource:
    """One connection, opened at the first read."""

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._client: Client | None = None

    async def messages(self, *, since: float, follow: bool) -> AsyncIterator[Message]:
        from nats.errors import Error
        from nats.errors import TimeoutError as NothingCame
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        try:
            stream = await self._stream()
            last = (await stream.stream_info(self._settings.stream)).state.last_seq
            config = ConsumerConfig(
                ack_policy=AckPolicy.NONE,
                deliver_policy=DeliverPolicy.BY_START_TIME,
                opt_start_time=datetime.fromtimestamp(max(since, 1.0), UTC),
                inactive_threshold=60,
                num_replicas=1,
                mem_storage=True,
            )
            subject = f"{self._settings.subject}.>"
            reader = await stream.pull_subscribe(subject, stream=self._settings.stream, config=config)
            reached = 0
            while follow or reached < last:
                try:
                    batch = await reader.fetch(_BATCH, timeout=_WAIT_SECONDS)
                except NothingCame:
                    if not follow:
                        return
                    continue
                for each in batch:
                    reached = each.metadata.sequence.stream
                    if (message := decode(each.data)) is not None:
                        yield message
        except (Error, OSError) as error:
            raise VibedomError(
                f"nats: stream {self._settings.stream} cannot be read ({type(error).__name__}); check --from"
            ) from None

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _stream(self) -> "JetStreamContext":
        if self._client is None:
            self._client = await connect(self._settings)
        return self._client.jetstream(timeout=10)
