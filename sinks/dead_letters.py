"""Alerts that a receiver refused for ever: kept, so that they are not lost, and out of the way of what follows."""

from collections.abc import Sequence
from pathlib import Path

import anyio.to_thread

from sinks.alert import Alert
from sinks.append_file import AppendFile
from sinks.line import printable_json


class DeadLetters:
    """A file of alerts, one a line, made when the first one comes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def bury(self, alerts: Sequence[Alert]) -> None:
        """Raises `OSError`."""
        await anyio.to_thread.run_sync(self._append, b"".join(printable_json(alert) + b"\n" for alert in alerts))

    def _append(self, lines: bytes) -> None:
        file = AppendFile(self.path)
        try:
            file.cut_unfinished_line()
            file.append(lines)
        finally:
            file.close()
