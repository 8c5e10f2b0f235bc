"""Keeps a session's counts in `metrics.json`, where `vibedom metrics` and the dashboard find them.

A file and not a socket: nothing listens in the session, a reader that hangs holds up nobody, and what a killed session
had counted is still there.
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from pipeline.events import Record
from sinks.tally import Gauges, Probe, Tally

WRITE_SECONDS = 1.0
"""How often the file is replaced while something changes."""


class MetricsSink:
    """Counts records; `tally.scrubbed` takes the scrubber's times. `probe` answers how full things are."""

    name = "metrics"

    def __init__(self, path: Path, *, session: str) -> None:
        self._path = path
        self._session = session
        self._written = b""
        self.tally = Tally()
        self.probe: Probe = Gauges

    async def write(self, records: Sequence[Record], /) -> None:
        """Never fails: counting is in memory."""
        self.tally.add(records)

    async def run_beside(self) -> None:
        """Replace the file every `WRITE_SECONDS` if it would differ."""
        while True:
            await anyio.sleep(WRITE_SECONDS)
            await anyio.to_thread.run_sync(self._save)

    async def aclose(self) -> None:
        """Write the last state."""
        await anyio.to_thread.run_sync(self._save)

    def _save(self) -> None:
        """A full disk costs the figures of that second, and nothing else: the audit log is what must not be lost."""
        counted = self.tally.snapshot(session=self._session, at=0.0, gauges=self.probe())
        state = msgspec.json.encode(counted)
        if state == self._written:
            return
        temporary = self._path.with_suffix(".tmp")
        with suppress(OSError):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(msgspec.structs.replace(counted, at=time.time())))
            temporary.replace(self._path)
            self._written = state
