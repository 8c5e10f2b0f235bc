"""Scrubs frame after frame, and the texts whose pieces are spread over frames."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline.scrubber.channel import ChannelText, Template, from_window, to_window
from pipeline.scrubber.delta import ENDS_ALL, LOOSE, PASSING, Channel, Delta, Event, read_event
from pipeline.scrubber.frame import Frame
from pipeline.scrubber.hold import hold_suspects, hold_tokens
from pipeline.scrubber.json_places import Path, string_literal, string_places
from pipeline.scrubber.redactor import Redactor
from pipeline.scrubber.window import Window

MAX_CHANNELS = 64
"""Texts that are matched side by side; of more, the one that began first is given up."""

_PLAIN: Channel = (LOOSE,)
_PLAIN_EVENT = Event((Delta(_PLAIN, (), ""),))
_DONE = b"[DONE]"


class _Place(NamedTuple):
    delta: Delta
    start: int
    end: int


class PieceScrubber:
    """Takes frames, gives their bytes, and adds frames of its own for text that waits when nothing else would follow.

    Order within a text is kept, and text never moves behind the frame that ends it.
    """

    def __init__(self, redactor: Redactor, *, joins_plain: bool) -> None:
        """`joins_plain`: payloads that are no JSON may be pieces of one text."""
        self._redactor = redactor
        self._joins_plain = joins_plain
        self._texts: dict[Channel, ChannelText] = {}
        self._clean_skeleton = b""

    def scrub(self, frame: Frame, *, is_last: bool = False) -> bytes:
        """The bytes of `frame`, and before them what must not come after it. `is_last`: no frame follows."""
        event = self._read(frame.payload)
        ends = ((),) if is_last else event.ends
        own = {delta.channel for delta in event.deltas}
        if any(channel[0] == LOOSE for channel in own):
            ends = (*ends, (LOOSE,))  # texts of unknown events are not known to be independent
        flushed = [text.flush() for channel, text in self._ended(ends) if channel not in own]
        ended = {channel for channel in own if any(channel[: len(end)] == end for end in event.ends) or is_last}
        return b"".join(flushed) + self._frame(frame, event.deltas, ended)

    def finish(self) -> bytes:
        """All text that waits."""
        return b"".join([text.flush() for text in self._texts.values()])

    def _read(self, payload: bytes) -> Event:
        if not payload:
            return PASSING
        if payload.strip() == _DONE:
            return ENDS_ALL
        try:
            document = json.loads(payload.decode("utf-8", "surrogateescape"), strict=False)
        except (ValueError, RecursionError):
            document = None
        if document is None or isinstance(document, float | int):  # `data: 3` may be a piece of text, too
            return _PLAIN_EVENT if self._joins_plain else PASSING
        return read_event(document)

    def _ended(self, ends: Iterable[Channel]) -> Iterator[tuple[Channel, ChannelText]]:
        for channel, text in self._texts.items():
            if any(channel[: len(end)] == end for end in ends):
                yield channel, text

    def _frame(self, frame: Frame, deltas: tuple[Delta, ...], ended: set[Channel]) -> bytes:
        if not frame.payload:
            return frame.raw
        if deltas == _PLAIN_EVENT.deltas:
            text = self._text(deltas[0])
            text.template = Template(frame, b"", None)
            return frame.with_payload(_advance(text.window, frame.payload, is_last=_PLAIN in ended))
        places = _places(frame.payload, deltas)
        if not places:
            return frame.with_payload(self._redactor.document(frame.payload))
        return self._with_pieces(frame, places, ended)

    def _with_pieces(self, frame: Frame, places: list[_Place], ended: set[Channel]) -> bytes:
        payload = frame.payload
        skeleton = self._skeleton(payload, places)
        literals: dict[Path, bytes] = {}
        for delta, start, end in places:
            text, literal = self._text(delta), payload[start:end]
            text.template = Template(frame, skeleton, delta.path)
            piece = to_window(delta.text)
            out = _advance(text.window, piece, is_last=delta.channel in ended)
            literals[delta.path] = literal if out == piece else string_literal(from_window(out), literal)
        return frame.with_payload(_fill(skeleton, literals))

    def _skeleton(self, payload: bytes, places: list[_Place]) -> bytes:
        """The payload with empty pieces, scrubbed. It is the same for most frames of a text: then it is clean."""
        parts, at = [], 0
        for _, start, end in places:
            parts += [payload[at:start], b'""']
            at = end
        skeleton = b"".join([*parts, payload[at:]])
        if skeleton == self._clean_skeleton:
            return skeleton
        scrubbed = self._redactor.document(skeleton)
        if scrubbed == skeleton:
            self._clean_skeleton = skeleton
        return scrubbed

    def _text(self, delta: Delta) -> ChannelText:
        text = self._texts.get(delta.channel)
        if text is None:
            while len(self._texts) >= MAX_CHANNELS:
                del self._texts[next(iter(self._texts))]
            place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in delta.path)
            is_loose = delta.channel[0] == LOOSE
            hold = hold_suspects if is_loose else hold_tokens
            window = Window(self._redactor, hold, is_eager=is_loose, place=f"${place}" if place else "")
            text = self._texts[delta.channel] = ChannelText(window)
        return text


def _advance(window: Window, piece: bytes, *, is_last: bool) -> bytes:
    out = window.feed(piece)
    return out + window.finish() if is_last else out


def _places(payload: bytes, deltas: tuple[Delta, ...]) -> list[_Place]:
    """Where the pieces are, in order."""
    if not deltas:
        return []
    places = string_places(payload)
    return sorted(
        (_Place(delta, *places[delta.path]) for delta in deltas if delta.path in places), key=lambda p: p.start
    )


def _fill(skeleton: bytes, literals: dict[Path, bytes]) -> bytes:
    """`skeleton` with its strings at these paths."""
    places = string_places(skeleton)
    parts, at = [], 0
    for path, (start, end) in sorted(((path, places[path]) for path in literals), key=lambda item: item[1]):
        parts += [skeleton[at:start], literals[path]]
        at = end
    return b"".join([*parts, skeleton[at:]])
