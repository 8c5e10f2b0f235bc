"""One text that comes in pieces, each in a frame of its own: matched as a whole, given back piece by piece."""

from typing import NamedTuple

from pipeline.scrubber.frame import Frame
from pipeline.scrubber.json_places import Path, string_literal, string_places
from pipeline.scrubber.window import Window


class Template(NamedTuple):
    """A frame that can carry another piece. `skeleton` is its scrubbed payload with all pieces empty; `path` is the
    place of the piece, None where the payload itself is the piece."""

    frame: Frame
    skeleton: bytes
    path: Path | None

    def fill(self, text: bytes) -> bytes:
        """The frame's bytes with `text` as its piece."""
        if self.path is None:
            return self.frame.with_payload(text)
        start, end = string_places(self.skeleton)[self.path]
        literal = string_literal(from_window(text), self.frame.payload)
        return self.frame.with_payload(self.skeleton[:start] + literal + self.skeleton[end:])


class ChannelText:
    """What of a text has left and what waits, and how to send what waits when no piece follows."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.template: Template | None = None

    def flush(self) -> bytes:
        """A frame with what waits, or nothing where nothing does."""
        rest = self.window.finish()
        return self.template.fill(rest) if rest and self.template is not None else b""


def to_window(text: str) -> bytes:
    """The bytes to match. Half a surrogate pair is kept: the other half may come in the next piece."""
    return text.encode("utf-8", "surrogatepass")


def from_window(data: bytes) -> str:
    """The text of what a window let go."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # a match ended within a character
        return data.decode("utf-8", "replace")
