"""What a fleet's messages add up to: doubles dropped, sessions with their counts, alerts."""

from collections.abc import AsyncIterator

import msgspec

from pipeline.events import Record
from sinks.alert import Alert, rfc3339
from sinks.alert_rules import SEVERITIES
from sinks.stream import Message

REMEMBERED = 1_000_000
"""Ids that doubles are recognised by; the oldest are forgotten first."""


class FleetSession(msgspec.Struct, kw_only=True):
    """One session as its messages show it."""

    session: str
    first: str = ""
    last: str = ""
    """RFC 3339, of its records."""
    state: str = ""
    """What it last said of itself: `started`, `stopped`, ..."""
    requests: int = 0
    blocked: int = 0
    findings: int = 0
    alerts: int = 0
    worst: str = ""
    """Severity of its gravest alert."""
    lost: int = 0
    """Messages that never came."""


async def once(messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
    """Each message the first time only."""
    seen: dict[str, None] = {}
    async for message in messages:
        if message.id in seen:
            continue
        seen[message.id] = None
        if len(seen) > REMEMBERED:
            del seen[next(iter(seen))]
        yield message


class Fleet:
    """Sessions by name."""

    def __init__(self) -> None:
        self.sessions: dict[str, FleetSession] = {}

    def add(self, message: Message) -> None:
        """Count a message. One whose data cannot be read is left out."""
        session = self.sessions.setdefault(message.session, FleetSession(session=message.session))
        try:
            if message.kind == "record":
                _add_record(session, msgspec.json.decode(message.data, type=Record))
            elif message.kind == "alert":
                _add_alert(session, msgspec.json.decode(message.data, type=Alert))
            else:
                session.lost += msgspec.json.decode(message.data, type=dict[str, int]).get("count", 0)
        except msgspec.MsgspecError:
            return


def alert_of(message: Message) -> Alert | None:
    """The alert of a message, or None where it holds none."""
    if message.kind != "alert":
        return None
    try:
        return msgspec.json.decode(message.data, type=Alert)
    except msgspec.MsgspecError:
        return None


def _add_record(session: FleetSession, record: Record) -> None:
    moment = rfc3339(record.at)
    session.first = min(session.first or moment, moment)
    session.last = max(session.last, moment)
    if record.kind == "session" and record.note:
        session.state = record.note if record.reason == "listed" else str(record.reason)
    session.requests += record.kind == "request"
    session.blocked += record.verdict == "deny"
    session.findings += len(record.findings)


def _add_alert(session: FleetSession, alert: Alert) -> None:
    session.first = min(session.first or alert.time, alert.time)
    session.last = max(session.last, alert.time)
    session.alerts += alert.count
    ranks = ["", *SEVERITIES]
    session.worst = max(session.worst, alert.severity, key=ranks.index)
