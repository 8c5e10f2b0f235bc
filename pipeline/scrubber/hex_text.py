"""Hexadecimal that holds text (`xxd -p`, a database's `\\\\x6768...`): found by its shape, as base64 is.

A digest has sixteen bytes of text in a row once in some million places, and is decoded for nothing then.
"""

from collections.abc import Iterator
from typing import Any

import re2

from pipeline.scrubber.base64_text import BREAK, BREAKS
from pipeline.scrubber.run_view import Run, RunView

_TEXT = rb"(?:[2-7][0-9a-fA-F]|0[9aAdD])"
SHAPE = _TEXT + rb"{16}"
"""What hexadecimal of sixteen bytes of text has."""
_PATTERN = rb"(?:0[xX])?" + _TEXT + rb"{16,}(?:" + BREAK + _TEXT + rb"+)*"
_CAPITALS = b"ABCDEF"


def _compiled() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(_PATTERN, options=options)


_RUNS = _compiled()


def hex_view(raw: bytes) -> RunView:
    """A view of `raw` with the hexadecimal of text decoded; what is edited in it is encoded again."""
    return RunView(raw, _runs(raw))


def _runs(raw: bytes) -> Iterator[tuple[int, Run]]:
    for match in _RUNS.finditer(raw):
        yield match.start(), _HexRun(match[0])


class _HexRun:
    def __init__(self, raw: bytes) -> None:
        self.length = len(raw)
        self._mark = raw[:2] if raw[1:2] in b"xX" else b""
        raw = raw[len(self._mark) :]
        line_break = BREAKS.search(raw)
        self._break = line_break[0] if line_break else b""
        self._width = line_break.start() if line_break else 0
        self._has_capitals = raw.translate(None, _CAPITALS) != raw
        # What follows the mark of a number begins a word of its own.
        self._front = self._mark + b" " if self._mark else b""
        self.text = self._front + bytes.fromhex((BREAKS.sub(b"", raw) if line_break else raw).decode())

    def encode(self, text: bytes, /) -> bytes:
        encoded = text.removeprefix(self._front).hex().encode()
        if self._has_capitals:
            encoded = encoded.upper()
        if not self._width:
            return self._mark + encoded
        return self._mark + self._break.join(encoded[i : i + self._width] for i in range(0, len(encoded), self._width))
