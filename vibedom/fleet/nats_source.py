"""Reads a fleet's messages from NATS JetStream, through a consumer that leaves no trace."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sinks.delivery_error import cause
from sinks.nats_stream import NatsSettings, connect, disconnect
from sinks.stream import Message, decode
from vibedom.errors import VibedomError

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

_BATCH = 500
_WAIT_SECONDS = 1.0
_API_SECONDS = 3.0
_ATTEMPTS = 6
_SETTLED_ROUNDS = 3
"""So often nothing must come where nothing is pending: the server that reads may be behind the one that stored."""
_QUIET_ROUNDS = 20
"""So often nothing may come although something is pending: a cluster that elects a leader takes its time."""


class NatsSource:
    """One connection, opened at the first read."""

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self.is_reached = False

    async def messages(self, *, since: float, follow: bool) -> AsyncIterator[Message]:
        from nats.errors import Error
        from nats.errors import TimeoutError as NothingCame

        try:
            reader, last = await self._reader(since)
            self.is_reached = True
            reached = quiet = 0
            while follow or reached < last:
                try:
                    batch = await reader.fetch(_BATCH, timeout=_WAIT_SECONDS)
                except NothingCame:
                    quiet += 1
                    is_over = (await reader.consumer_info()).num_pending == 0 and quiet >= _SETTLED_ROUNDS
                    if not follow and is_over:
                        return
                    if not follow and quiet == _QUIET_ROUNDS:
                        raise
                    continue
                quiet = 0
                for each in batch:
                    reached = each.metadata.sequence.stream
                    if (message := decode(each.data)) is not None:
                        yield message
        except (Error, OSError) as error:
            raise VibedomError(
                f"nats: stream {self._settings.stream} cannot be read ({cause(error)}); check --from"
            ) from None

    async def _reader(self, since: float) -> "tuple[JetStreamContext.PullSubscription, int]":
        """A reader and the last number that is stored now. A cluster that has just lost a server elects another, or has
        put the reader on the one that is gone: after a timeout it is asked again."""
        from nats.errors import TimeoutError as NoAnswer

        for attempt in range(_ATTEMPTS):
            stream = await self._stream()
            try:
                last = (await stream.stream_info(self._settings.stream)).state.last_seq
                return await self._subscribe(stream, since), last
            except NoAnswer:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _subscribe(self, stream: "JetStreamContext", since: float) -> "JetStreamContext.PullSubscription":
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.BY_START_TIME,
            opt_start_time=datetime.fromtimestamp(max(since, 1.0), UTC),
            inactive_threshold=60,
            num_replicas=1,
            mem_storage=True,
        )
        return await stream.pull_subscribe(f"{self._settings.subject}.>", stream=self._settings.stream, config=config)

    async def aclose(self) -> None:
        if self._client is not None:
            await disconnect(self._client)

    async def _stream(self) -> "JetStreamContext":
        if self._client is None:
            self._client = await connect(self._settings)
        return self._client.jetstream(timeout=_API_SECONDS)
