"""The alert sink: records -> alerts -> a delivery (a file, a webhook, a command, syslog)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import anyio.to_thread

from pipeline.events import Record
from pipeline.ports import Beside
from sinks.alert import Alert
from sinks.alert_engine import AlertEngine
from sinks.alert_rules import SEVERITIES
from sinks.append_file import AppendFile
from sinks.line import printable_json

MAX_PENDING = 1000


class Delivery(Protocol):
    """Takes alerts somewhere. `deliver` raises where that fails and is called again with the same alerts."""

    async def deliver(self, alerts: Sequence[Alert], /) -> None: ...

    async def aclose(self) -> None: ...


class AlertSink:
    """A sink over any delivery. At least once: what could not be delivered is kept, in order, and goes first next time.

    At most `MAX_PENDING` are kept; the least severe are dropped then, and an alert says how many.
    """

    def __init__(self, name: str, engine: AlertEngine, delivery: Delivery) -> None:
        self.name = name
        self._engine = engine
        self.delivery = delivery
        self._pending: list[Alert] = []
        self._dropped = 0
        self._unseen = 0
        self._failed: Sequence[Record] | None = None

    async def write(self, records: Sequence[Record], /) -> None:
        """Raises what the delivery raises. The records of a failed call are not counted again when they come again."""
        if self._failed is None or list(self._failed) != list(records):
            self._pending += self._engine.feed(records)
            self._drop_excess()
        self._failed = records
        await self._deliver()
        self._failed = None

    async def aclose(self) -> None:
        """Deliver the summaries, then close the delivery whether or not that worked."""
        self._pending += self._engine.flush()
        try:
            await self._deliver()
        finally:
            await self.delivery.aclose()

    async def run_beside(self) -> None:
        """What the delivery does between batches; nothing for one that delivers at once."""
        if isinstance(self.delivery, Beside):
            await self.delivery.run_beside()

    def lost(self, count: int, /) -> None:
        """`count` records were never looked at; the next delivery says so."""
        self._unseen += count

    def _drop_excess(self) -> None:
        """The least severe first, among them the oldest."""
        excess = len(self._pending) - MAX_PENDING
        if excess > 0:
            order = sorted(range(len(self._pending)), key=lambda n: SEVERITIES.index(self._pending[n].severity))
            dropped = set(order[:excess])
            self._pending = [alert for n, alert in enumerate(self._pending) if n not in dropped]
            self._dropped += excess

    async def _deliver(self) -> None:
        batch = list(self._pending)
        if self._dropped:
            batch.append(self._engine.held_back(self._dropped, "could not be delivered"))
        unseen = self._unseen
        if unseen:
            batch.append(self._engine.held_back(unseen, "records came faster than they could be looked at"))
        if batch:
            await self.delivery.deliver(batch)
            self._pending.clear()
            self._dropped = 0
            self._unseen -= unseen


class AlertFile:
    """Delivery to `alerts.jsonl`: one alert a line, 0600."""

    def __init__(self, path: Path) -> None:
        """Raises `OSError`."""
        self._file = AppendFile(path)
        self._file.cut_unfinished_line()

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        data = b"".join(printable_json(alert) + b"\n" for alert in alerts)
        await anyio.to_thread.run_sync(self._file.append, data)

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._file.close)
