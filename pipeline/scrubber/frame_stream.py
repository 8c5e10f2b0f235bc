"""Scrubs a stream of events or of lines, each as soon as it is there."""

from pipeline.scrubber.frame import Frame, Framing, framed
from pipeline.scrubber.pieces import PieceScrubber
from pipeline.scrubber.redactor import Redactor
from pipeline.scrubber.window import Window

MAX_FRAME_BYTES = 1024 * 1024
"""A frame that is longer is scrubbed as text, without its structure."""
_CUT_END_BYTES = 3
"""The end of a frame is at most one byte longer."""


class FrameStream:
    """Frames with nothing to change leave as they came."""

    def __init__(self, framing: Framing, redactor: Redactor, pieces: PieceScrubber) -> None:
        self.hits = redactor.hits
        self._framing = framing
        self._redactor = redactor
        self._pieces = pieces
        self._data = bytearray()  # grows byte by byte without being copied
        self._searched = 0
        self._is_after_cr = False
        self._giant: Window | None = None
        self._clean_fields: set[bytes] = set()

    def feed(self, chunk: bytes, /) -> bytes:
        """The frames that end in `chunk`."""
        out = []
        if chunk and self._is_after_cr:  # CR LF, cut: the frame has left with the CR
            out.append(b"\n" if chunk[:1] == b"\n" else b"")
            chunk, self._is_after_cr = chunk.removeprefix(b"\n"), False
        self._data += chunk
        while (end := self._framing.cut(self._data, self._searched)) >= 0:
            raw, self._searched = bytes(self._data[:end]), 0
            del self._data[:end]
            out.append(self._frame(raw) if self._giant is None else self._end_giant(raw))
            self._is_after_cr = not self._data and raw[-1:] == b"\r"
        self._searched = len(self._data)
        if self._giant is not None or len(self._data) > MAX_FRAME_BYTES:
            out.append(self._feed_giant())
        return b"".join(out)

    def finish(self) -> bytes:
        """The last frame, where its end is missing, and all text that waits."""
        raw, self._data, self._searched = bytes(self._data), bytearray(), 0
        if self._giant is not None:
            return self._end_giant(raw) + self._pieces.finish()
        return self._frame(raw, is_last=True) if raw else self._pieces.finish()

    def _frame(self, raw: bytes, *, is_last: bool = False) -> bytes:
        return self._pieces.scrub(self._with_clean_fields(self._framing.open(raw)), is_last=is_last)

    def _with_clean_fields(self, frame: Frame) -> Frame:
        """The frame with what is not its payload scrubbed: comments, ids and names of events."""
        before, after = self._field(frame.before), self._field(frame.after)
        if before == frame.before and after == frame.after:
            return frame
        return framed(before, frame.payload, after)

    def _field(self, data: bytes) -> bytes:
        if len(data) <= len(b"data: ") or data in self._clean_fields:
            return data
        scrubbed = self._redactor.whole(data)
        if scrubbed == data and len(self._clean_fields) < 64:
            self._clean_fields.add(data)
        return scrubbed

    def _feed_giant(self) -> bytes:
        if self._giant is None:
            self._giant = Window(self._redactor, is_json=True)
        body = bytes(self._data[:-_CUT_END_BYTES])
        del self._data[:-_CUT_END_BYTES]
        self._searched = 0
        return self._giant.feed(body)

    def _end_giant(self, raw: bytes) -> bytes:
        window, self._giant = self._giant, None
        return window.feed(raw) + window.finish() if window is not None else b""
