"""The real curl, as an agent would use it."""

from pathlib import Path

import anyio


class Answer:
    """What curl printed, and how it ended."""

    def __init__(self, code: int, body: bytes, errors: bytes) -> None:
        self.code = code
        self.body = body
        self.errors = errors.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"Answer({self.code}, {self.body[:300]!r}, {self.errors!r})"


async def curl(*arguments: str | Path, seconds: int = 20) -> Answer:
    """Run curl without the user's configuration; never longer than `seconds`."""
    command = ["curl", "-q", "-sS", "--max-time", str(seconds), *map(str, arguments)]
    done = await anyio.run_process(command, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)
