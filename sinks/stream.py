"""Records and alerts for a stream that many machines write to: what a message is, and the sink that makes them."""

import secrets
from collections.abc import Sequence
from typing import Literal

import msgspec

from pipeline.events import Record
from sinks.alert import Alert
from sinks.alert_engine import AlertEngine
from sinks.courier import Carrier, Courier
from sinks.line import printable_json
from sinks.spool import Spool

MESSAGE_SCHEMA_VERSION = 1
STREAM_SPOOL_BYTES = 256 * 1024 * 1024

Kind = Literal["record", "alert", "lost"]
"""`lost`: so many records never came, because there was no room for them anywhere."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message. The same one may come more than once, always with the same `id`: readers drop doubles by it."""

    schema_version: int = MESSAGE_SCHEMA_VERSION
    id: str
    kind: Kind
    session: str
    number: int
    """Rising within one run of a session: the order of what may arrive out of it after an outage."""
    data: msgspec.Raw
    """`Record` or `Alert` as in its log, or `{"count": N}`."""


class StreamSink:
    """Sends every record, and the alerts about them. `write` only puts them into the spool."""

    def __init__(
        self,
        name: str,
        carrier: Carrier,
        spool: Spool,
        *,
        session: str,
        engine: AlertEngine,
        with_records: bool = True,
    ) -> None:
        self.name = name
        self.courier = Courier(carrier, spool)
        self._session = session
        self._engine = engine
        self._with_records = with_records
        self._run = secrets.token_hex(4)
        self._number = 0
        self._alerts: list[Alert] = []
        self._written: Sequence[Record] | None = None

    async def write(self, records: Sequence[Record], /) -> None:
        """Raises `OSError` where the spool cannot be written; the same records can then be given again."""
        if self._written is None or list(self._written) != list(records):
            self._alerts += self._engine.feed(records)
        self._written = records
        messages = [self._message("record", printable_json(record)) for record in records if self._with_records]
        messages += [self._message("alert", printable_json(alert), alert.id) for alert in self._alerts]
        await self.courier.post(messages)
        self._alerts.clear()
        self._written = None

    async def run_beside(self) -> None:
        await self.courier.run_beside()

    def lost(self, count: int, /) -> None:
        """`count` records never came: they are reported like those the spool had no room for."""
        self.courier.spool.give_up(count)

    async def aclose(self) -> None:
        alerts = self._alerts + self._engine.flush()
        self._alerts = []
        try:
            await self.courier.post([self._message("alert", printable_json(alert), alert.id) for alert in alerts])
        finally:
            await self.courier.aclose()

    def _message(self, kind: Kind, data: bytes, identity: str | None = None) -> bytes:
        self._number += 1
        message = Message(
            id=identity or f"{self._session}.{self._run}.{self._number}",
            kind=kind,
            session=self._session,
            number=self._number,
            data=msgspec.Raw(data),
        )
        return msgspec.json.encode(message)


def decode(entry: bytes) -> Message | None:
    """None for what is no message: a damaged line of a spool, or somebody else's entry in the stream."""
    try:
        return msgspec.json.decode(entry, type=Message)
    except msgspec.MsgspecError:
        return None


def lost_message(session: str, count: int, serial: str) -> Message:
    """What readers get in the place of `count` messages."""
    data = msgspec.Raw(msgspec.json.encode({"count": count}))
    return Message(id=f"{session}.lost.{serial}", kind="lost", session=session, number=0, data=data)
