"""The lines of a growing log, as bytes, from now on."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio

from vibedom.control.messages import PIECE_BYTES
from vibedom.web.log_tail import LogTail

POLL_SECONDS = 0.2


async def follow(path: Path) -> AsyncIterator[bytes]:
    """Whole lines with their newlines, at most about `PIECE_BYTES` at a time (or one line that is longer)."""
    tail = LogTail(path, last_bytes=0)
    try:
        while True:
            for piece in _pieces(tail.read()):
                yield piece
            await anyio.sleep(POLL_SECONDS)
    finally:
        tail.close()


def _pieces(lines: list[bytes]) -> list[bytes]:
    pieces, current = [], bytearray()
    for line in lines:
        if current and len(current) + len(line) > PIECE_BYTES:
            pieces.append(bytes(current))
            current.clear()
        current += line + b"\n"
    return [*pieces, bytes(current)] if current else pieces
