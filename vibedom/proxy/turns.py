"""A long chunk of a stream, read in pieces: whoever else waits for the event loop has his turn in between."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mitmproxy.proxy import commands, events

from pipeline.events import Plan

TURN_SECONDS = 0.003
"""So long one stream reads before others have their turn."""
PIECE_BYTES = 8 * 1024
"""Where there is something to find at every few bytes, this takes several milliseconds; where there is nothing, a sixth
of one. In smaller ones what waits in the stream (up to 32 KiB) would be looked at again and again."""

Read = Callable[[bytes], Iterable[bytes]]
"""Gives what may leave after a piece came."""


class GiveWay(commands.Command):
    """Go on in the event loop's next turn."""

    blocking = True


@dataclass
class GiveWayCompleted(events.CommandCompleted):  # type: ignore[no-untyped-call]
    """It is that turn."""

    command: GiveWay
    reply: None = None


def turns_for(plan: Plan) -> "Turns":
    """For a body that is read by this plan."""
    return Turns(is_scanned=plan != "stream-raw")


class Turns:
    """How the chunks of one body are cut."""

    def __init__(self, *, is_scanned: bool = True, clock: Callable[[], float] = time.perf_counter) -> None:
        """`is_scanned`: else a chunk is read at once, because it is only counted."""
        self._clock = clock
        self._is_scanned = is_scanned

    def read(self, read: Read, chunk: bytes) -> Iterator[bytes]:
        """What may leave of `chunk`, in parts; between two of them others are to have their turn. Raises what `read`
        raises."""
        if not self._is_scanned and chunk:
            yield b"".join(read(chunk))
            return
        ready: list[bytes] = []
        began = now = self._clock()
        at = 0
        while at < len(chunk):
            if now - began > TURN_SECONDS:
                yield b"".join(ready)
                ready = []
                began = now = self._clock()
            piece = chunk[at : at + PIECE_BYTES]
            ready += read(piece)
            at += len(piece)
            now = self._clock()
        yield b"".join(ready)
