"""session.log: what vibedom did and why, for people. No line comes from the agent."""

import os
import time
from pathlib import Path


class SessionLog:
    """Appends lines with their time. A full disk costs a line, not the session."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, text: str) -> None:
        """One line; control characters in `text` are made visible."""
        clean = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime())
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8") as file:
                file.write(f"{stamp} {clean}\n")
        except OSError:
            return
