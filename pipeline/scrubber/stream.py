"""Scrubs a body while it streams, with the rules and the results of a whole body."""

from collections.abc import Callable
from typing import Protocol

from pipeline.events import Media
from pipeline.scrubber.frame import EventFraming, LineFraming
from pipeline.scrubber.frame_stream import FrameStream
from pipeline.scrubber.model import Choose, Engine, Hit
from pipeline.scrubber.pieces import PieceScrubber
from pipeline.scrubber.redactor import Redactor
from pipeline.scrubber.wide_text import SniffedText
from pipeline.scrubber.window import Window


class Stream(Protocol):
    """Takes a body in chunks of any size and gives it back scrubbed. Never raises for any bytes."""

    hits: list[Hit]
    """What was found so far."""

    def feed(self, chunk: bytes, /) -> bytes:
        """What may leave after `chunk` came: all but what may be the beginning of a secret."""
        ...

    def finish(self) -> bytes:
        """The rest, when no chunk follows."""
        ...


def open_stream(
    engine: Engine,
    *,
    media: Media,
    charset: str | None,
    choose: Choose,
    fingerprint: Callable[[bytes], str],
    location: str,
) -> Stream:
    """A stream for one body. `charset` is what the content type declares; `location` is where hits are said to be."""
    redactor = Redactor(engine, choose, fingerprint, location)
    inner: Stream
    if media in ("sse", "ndjson"):
        framing = EventFraming() if media == "sse" else LineFraming()
        inner = FrameStream(framing, redactor, PieceScrubber(redactor, joins_plain=media == "sse"))
    else:
        inner = TextStream(Window(redactor, is_json=media == "json"), redactor)
    return SniffedText(inner, charset, lambda: TextStream(Window(redactor, is_json=False), redactor))


class TextStream:
    """Any text whose charset has ASCII in single bytes."""

    def __init__(self, window: Window, redactor: Redactor) -> None:
        self.hits = redactor.hits
        self.feed = window.feed
        self.finish = window.finish
