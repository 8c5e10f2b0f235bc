"""Cuts a stream into frames: the events of text/event-stream (WHATWG HTML section 9.2.6), or the lines of NDJSON."""

import re
from typing import NamedTuple, Protocol

_EVENT_END = re.compile(rb"(?>\r\n|\n|\r)(?:\r\n|\n|\r)")
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_DATA = re.compile(rb"(?:\xef\xbb\xbf)?data(?::[ ]?|(?=[\r\n])|\Z)")


class Frame(NamedTuple):
    """One frame and where its payload is. A payload that came in several `data:` lines has line breaks in it."""

    raw: bytes
    before: bytes
    payload: bytes
    after: bytes

    def with_payload(self, payload: bytes) -> bytes:
        """The frame's bytes with this payload; as they came where it is the same."""
        if payload == self.payload:
            return self.raw
        return framed(self.before, payload, self.after).raw


def framed(before: bytes, payload: bytes, after: bytes) -> Frame:
    """A frame of these parts; each line of the payload gets a `data:` of its own, as clients join them again."""
    return Frame(before + payload.replace(b"\n", b"\ndata: ") + after, before, payload, after)


class Framing(Protocol):
    """How frames are told apart."""

    def cut(self, data: bytearray, start: int) -> int:
        """The end of the frame that begins at 0, or -1 where it is not all there; none ends before `start`."""
        ...

    def open(self, data: bytes) -> Frame:
        """The frame of these bytes."""
        ...


class EventFraming:
    """text/event-stream: a frame ends with an empty line, its payload is what follows `data:`."""

    def cut(self, data: bytearray, start: int) -> int:
        found = _EVENT_END.search(data, max(0, start - 3))
        return found.end() if found else -1

    def open(self, data: bytes) -> Frame:
        lines = [line for line in _LINE.findall(data) if line]
        marks = [_DATA.match(line) for line in lines]
        numbers = [number for number, mark in enumerate(marks) if mark]
        if not numbers:
            return Frame(data, data, b"", b"")
        first, last = numbers[0], numbers[-1]
        values = [line[mark.end() :].rstrip(b"\r\n") for line, mark in zip(lines, marks, strict=True) if mark]
        between = [line for line, mark in zip(lines[first:last], marks[first:last], strict=True) if not mark]
        mark = marks[first]
        opening = lines[first][: mark.end()] if mark else b""
        line_end = lines[last][len(lines[last].rstrip(b"\r\n")) :]
        before = b"".join([*lines[:first], *between]) + opening
        return Frame(data, before, b"\n".join(values), line_end + b"".join(lines[last + 1 :]))


class LineFraming:
    """NDJSON: a frame is a line."""

    def cut(self, data: bytearray, start: int) -> int:
        return data.find(b"\n", start) + 1 or -1

    def open(self, data: bytes) -> Frame:
        payload = data.rstrip(b"\r\n")
        return Frame(data, b"", payload, data[len(payload) :])
