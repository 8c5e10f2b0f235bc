"""A chunk of a body that takes long to read, because it may grow a thousandfold: read in a thread, as a hook, so that
its exchange waits and nothing else does."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from mitmproxy import http
from mitmproxy.proxy import commands


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


def slow_reader(message: http.Message | None) -> Callable[[bytes], Iterable[bytes]] | None:
    """What reads the chunks of a compressed body; None for other bodies."""
    if message is None or "content-encoding" not in message.headers or not callable(message.stream):
        return None
    return cast(Callable[[bytes], Iterable[bytes]], message.stream)
