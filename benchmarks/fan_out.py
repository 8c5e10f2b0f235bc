"""A load on the whole fan-out: the audit log, alerts, a stream, and a sink that hangs for ever."""

import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

import anyio
import msgspec

from pipeline.events import Record
from pipeline.feed import Feed
from pipeline.ports import Sink
from sinks.alert import Alert
from sinks.alert_engine import AlertEngine
from sinks.alerts import AlertFile, AlertSink
from sinks.jsonl import JsonlSink
from sinks.outbox import Outbox
from sinks.spool import Spool
from sinks.stream import StreamSink
from sinks.verification import verify

FLOWS = 64
"""Exchanges under way at a time: each puts a record and goes on once the audit log has it, as a flow does."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What one run showed."""

    records: int
    seconds: float
    p50_us: float
    p99_us: float
    """From handing a record over until the flow may go on."""
    grown_bytes: int
    """Resident memory at its highest, against after the first tenth."""
    audit_lines: int
    is_verified: bool
    dropped: dict[str, int]
    """Records that a sink had no room for; it says so in an alert or message of its own."""
    waiting: int
    """Alerts on disk for the sink that hangs."""


class Hanging:
    """A receiver that accepts and never answers."""

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        await anyio.sleep_forever()

    async def aclose(self) -> None:
        """Nothing is open."""


class Answering:
    """A receiver that takes everything at once: the same sink as it should be."""

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        """Taken."""

    async def aclose(self) -> None:
        """Nothing is open."""


class FileCarrier:
    """A stream's far side: a file that takes everything."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    async def carry(self, entries: Sequence[bytes], /) -> None:
        self._file.write(b"".join(entry + b"\n" for entry in entries))

    async def report_lost(self, count: int, /) -> None:
        await self.carry([b'{"lost":%d}' % count])

    async def aclose(self) -> None:
        self._file.close()


Outside = Literal["none", "answers", "hangs"]
"""The sink beside those every session has."""


def sinks(directory: Path, *, outside: Outside) -> list[Sink]:
    """Those of a session, the audit log first, and last the one outside, if there is one."""

    def engine() -> AlertEngine:
        return AlertEngine(session="load")

    outbox = Outbox(
        Hanging() if outside == "hangs" else Answering(), Spool(directory / "hanging.spool"), session="load"
    )
    every: list[Sink] = [
        JsonlSink(directory / "network.jsonl", session="load", rotate_bytes=100 * 1024 * 1024),
        AlertSink("alerts", engine(), AlertFile(directory / "alerts.jsonl")),
        StreamSink(
            "stream", FileCarrier(directory / "out"), Spool(directory / "stream.spool"), session="load", engine=engine()
        ),
    ]
    return every if outside == "none" else [*every, AlertSink("outside", engine(), outbox)]


async def run_load(directory: Path, records: Sequence[Record], count: int, *, outside: Outside) -> Load:
    """`count` records, those of `records` over and over, through feeds as the topology has them."""
    feeds = [Feed(sink, is_required=number == 0) for number, sink in enumerate(sinks(directory, outside=outside))]
    source = islice(cycle(records), count)
    waits: list[float] = []
    memory: list[int] = []
    began = time.perf_counter()
    async with anyio.create_task_group() as running:
        for feed in feeds:
            await running.start(feed.run)
        async with anyio.create_task_group() as flows:
            for _ in range(FLOWS):
                flows.start_soon(_flow, feeds, source, waits, memory)
        seconds = time.perf_counter() - began
        for feed in feeds:
            feed.close()
    result = verify(directory / "network.jsonl")
    waits.sort()
    return Load(
        records=count,
        seconds=round(seconds, 3),
        p50_us=round(statistics.median(waits) * 1e6, 1),
        p99_us=round(waits[int(len(waits) * 0.99)] * 1e6, 1),
        grown_bytes=max(memory[len(memory) // 10 :]) - memory[len(memory) // 10],
        audit_lines=result.lines,
        is_verified=result.is_intact,
        dropped={feed.sink.name: feed.dropped for feed in feeds},
        waiting=Spool(directory / "hanging.spool").pending,
    )


async def _flow(feeds: Sequence[Feed], source: Iterator[Record], waits: list[float], memory: list[int]) -> None:
    required, *others = feeds
    for record in source:
        began = time.perf_counter()
        recorded = anyio.Event()
        await required.put(record, lambda is_written, event=recorded: event.set())  # type: ignore[misc]
        for feed in others:
            await feed.put(record)
        await recorded.wait()
        if len(waits) % 1000 == 0:
            memory.append(_resident())
        waits.append(time.perf_counter() - began)


def _resident() -> int:
    """Bytes, of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
