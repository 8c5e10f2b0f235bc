"""A chunk of a body that takes long to read, because it is large or may grow a thousandfold: read in a thread, as a
hook, so that its exchange waits and nothing else does."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from mitmproxy import http
from mitmproxy.proxy import commands

from pipeline.events import Plan

LARGE_BYTES = 16 * 1024
"""Up to here (a frame of HTTP/2, an event of a stream) even the worst text takes less than ten milliseconds."""


class Chunk:
    """A chunk and what reads it; `pieces` is what may go on."""

    def __init__(self, reader: Callable[[bytes], Iterable[bytes]], data: bytes) -> None:
        self._reader = reader
        self._data = data
        self.pieces: Iterable[bytes] = ()

    def read(self) -> None:
        """Blocking. Raises what the reader raises."""
        self.pieces = self._reader(self._data)


@dataclass
class ReadChunkHook(commands.StartHook):  # type: ignore[no-untyped-call]
    """Read the chunk."""

    chunk: Chunk


def slow_reader(message: http.Message | None, plan: Plan, size: int) -> Callable[[bytes], Iterable[bytes]] | None:
    """What reads a chunk of `size` bytes that is compressed, or large and scanned; None for others."""
    if message is None or not callable(message.stream):
        return None
    is_large = size > LARGE_BYTES and plan in ("stream", "watch")
    if not is_large and "content-encoding" not in message.headers:
        return None
    return cast(Callable[[bytes], Iterable[bytes]], message.stream)
