"""Messages to NATS JetStream: acknowledged one by one, doubles dropped by the server."""

import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import msgspec

from pipeline.events import Severity
from sinks.address import is_address
from sinks.delivery_error import DeliveryError, cause
from sinks.nats_login import login
from sinks.stream import Message, decode, lost_message

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

ACK_SECONDS = 5.0
CONNECT_SECONDS = 15.0
"""For all servers and attempts together."""
CLOSE_SECONDS = 0.2
DUPLICATE_SECONDS = 600.0
"""How long the server remembers message ids. Readers drop what comes again after a longer outage."""


class NatsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="nats"):
    """`[[sinks]] type = "nats"`."""

    servers: tuple[str, ...]
    """`nats://HOST:4222` or `tls://HOST:4222`; any of a cluster."""
    stream: str = "VIBEDOM"
    """Made where it is missing, with the subjects `vibedom.>`."""
    subject: str = "vibedom"
    """First part of `SUBJECT.SESSION.record|alert|lost`."""
    replicas: int = 1
    """Of a stream that is made: 3 survives the loss of a server."""
    max_age_days: float = 30.0
    """Of a stream that is made."""
    credentials_file: str | None = None
    """`.creds` file of the server's operator, with its whole path."""
    nkey_file: str | None = None
    """File with the seed of a user's nkey, with its whole path."""
    password_file: str | None = None
    """With its whole path: the password of the user in `servers`, and without one there a token."""
    ca: str | None = None
    """PEM file for `tls`; without it this machine's own roots."""
    records: bool = True
    """Send the records, too, and not only alerts."""
    min_severity: Severity = "low"

    def __post_init__(self) -> None:
        if not self.servers or not all(is_address(server, ("nats", "tls")) for server in self.servers):
            raise ValueError("servers must be nats://HOST:PORT or tls://HOST:PORT")
        if not self.stream.isidentifier() or not self.subject.replace(".", "").isidentifier():
            raise ValueError("stream and subject must be letters, digits and underscores")
        if not 1 <= self.replicas <= 5 or self.max_age_days <= 0:
            raise ValueError("replicas must be from 1 to 5 and max_age_days greater than 0")


class NatsCarrier:
    """Publishes batches; connects at the first and again after a failure, to whichever server answers."""

    def __init__(self, settings: NatsSettings, *, session: str) -> None:
        self._settings = settings
        self._session = session
        self._client: Client | None = None
        self._opened = time.time_ns()
        self._reports = 0

    async def carry(self, entries: Sequence[bytes], /) -> None:
        """Raises `DeliveryError`; some of the batch may have been stored then, and the server drops them next time."""
        messages = [(message, entry) for entry in entries if (message := decode(entry))]
        await self._publish(messages)

    async def report_lost(self, count: int, /) -> None:
        message = lost_message(self._session, count, f"{self._opened}.{self._reports}")
        await self._publish([(message, msgspec.json.encode(message))])
        self._reports += 1

    async def aclose(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await disconnect(client)

    async def _publish(self, messages: Sequence[tuple[Message, bytes]]) -> None:
        from nats.errors import Error

        try:
            stream = await self._stream()
            async with anyio.create_task_group() as group:
                for message, entry in messages:
                    group.start_soon(self._publish_one, stream, message, entry)
        except* (Error, OSError, TimeoutError) as errors:
            causes = sorted({cause(error) for error in errors.exceptions})
            await self.aclose()
            raise DeliveryError(f"nats: not accepted ({', '.join(causes)})") from None

    async def _publish_one(self, stream: "JetStreamContext", message: Message, entry: bytes) -> None:
        subject = f"{self._settings.subject}.{message.session.replace('.', '_')}.{message.kind}"
        await stream.publish(
            subject, entry, timeout=ACK_SECONDS, stream=self._settings.stream, headers={"Nats-Msg-Id": message.id}
        )

    async def _stream(self) -> "JetStreamContext":
        if self._client is None:
            self._client = await connect(self._settings)
            await _ensure_stream(self._client.jetstream(timeout=ACK_SECONDS), self._settings)
        return self._client.jetstream(timeout=ACK_SECONDS)


async def connect(settings: NatsSettings) -> "Client":
    """A client of the servers. Raises what nats-py raises, `OSError`, `ssl.SSLError` and `TimeoutError`."""
    from nats.aio.client import Client
    from nats.errors import AuthorizationError, NoServersError

    failures: list[Exception] = []
    is_open = False

    async def hear(error: Exception) -> None:
        """nats-py logs what goes wrong in the background, and Python would print that to the agent's terminal. What
        goes wrong later also fails the publication that it concerns."""
        if is_open:
            return
        failures.append(AuthorizationError() if "Authorization" in str(error) else error)
        refusals = [failure for failure in failures if isinstance(failure, AuthorizationError | ssl.SSLError)]
        if len(refusals) >= len(settings.servers):
            raise refusals[0]  # nats-py would go on asking, because of a wrong certificate for ever

    options = _options(settings)
    client = Client()
    try:
        with anyio.fail_after(CONNECT_SECONDS):
            await client.connect(list(settings.servers), error_cb=hear, **options)
    except BaseException as error:
        await _abort(client)
        if isinstance(error, TimeoutError | NoServersError) and failures:
            # The reason, and not only that there was one: a server that refuses tells more than one that is not there.
            raise min(failures, key=lambda failure: isinstance(failure, ConnectionError)) from None
        raise
    is_open = True
    return client


async def disconnect(client: "Client") -> None:
    """Close a client whose server may be gone. nats-py writes what is left to a connection that is closed already, and
    asyncio before Python 3.12.3 has no answer to that; everything has been cancelled by then."""
    with suppress(TypeError):
        await client.close()


async def _abort(client: "Client") -> None:
    """Close a connection that never was one. nats-py would wait for ever for the end of a TLS handshake that failed."""
    writer = getattr(client._transport, "_bare_io_writer", None)
    if writer is not None:
        writer.transport.abort()
    with anyio.CancelScope(shield=True):
        with anyio.move_on_after(CLOSE_SECONDS):
            await disconnect(client)
        await anyio.lowlevel.checkpoint()  # the loop closes an aborted socket in its next turn


def _options(settings: NatsSettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "name": "vibedom",
        "connect_timeout": 5,
        "reconnect_time_wait": 1,
        "max_reconnect_attempts": 3,
        **login(
            settings.servers,
            credentials_file=settings.credentials_file,
            nkey_file=settings.nkey_file,
            password_file=settings.password_file,
        ),
    }
    if any(server.startswith("tls://") for server in settings.servers):
        options["tls"] = ssl.create_default_context(cafile=settings.ca)
    return options


async def _ensure_stream(stream: "JetStreamContext", settings: NatsSettings) -> None:
    from nats.js.api import StreamConfig
    from nats.js.errors import NotFoundError

    try:
        await stream.stream_info(settings.stream)
    except NotFoundError:
        await stream.add_stream(
            StreamConfig(
                name=settings.stream,
                subjects=[f"{settings.subject}.>"],
                num_replicas=settings.replicas,
                max_age=settings.max_age_days * 86400,
                duplicate_window=DUPLICATE_SECONDS,
            )
        )
