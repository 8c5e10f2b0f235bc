"""Base64 that holds text: found by its shape, so that images and other blobs are not even decoded.

The bytes of text leave a quarter to a half of the alphabet for the first three characters of each quad. Six such quads
in a row come about by chance once in a million places, and are decoded for nothing then.
"""

import binascii
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

import re2

from pipeline.scrubber.edit import Edit, splice
from pipeline.scrubber.view import View

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TEXT_BYTES = (0x09, 0x0A, 0x0D, *range(0x20, 0x7F))


def _class(codes: Iterable[int]) -> bytes:
    return b"[" + b"".join(re.escape(_ALPHABET[code : code + 1]) for code in sorted(set(codes))) + b"]"


_TEXT = b"(?:%b%b%b[A-Za-z0-9+/_-])" % (
    _class(first >> 2 for first in _TEXT_BYTES),
    _class((first & 3) << 4 | second >> 4 for first in _TEXT_BYTES for second in _TEXT_BYTES),
    _class((second & 15) << 2 | third >> 6 for second in _TEXT_BYTES for third in _TEXT_BYTES),
)
RUN = rb"[A-Za-z0-9]{24}"
"""What base64 of 18 bytes of text nearly always has: `+`, `/`, `-` and `_` stand only for `>`, `?` and `~`."""
SHAPE = _TEXT + b"{6}"
"""What it always has, and what takes longer to look for."""
_QUAD = rb"(?:[A-Za-z0-9+/_-]{4})"
_BREAK = rb"(?:\r?\n|(?:\\{1,4}r)?\\{1,4}n)"
_PATTERN = _TEXT + b"{6,}(?:(?:" + _QUAD + b"{1,2}|" + _BREAK + b")" + _TEXT + b"{2,})*"
_BREAKS = re.compile(_BREAK)
_TAIL = re.compile(
    rb"(?:[A-Za-z0-9+/_-]{4})?(?:[A-Za-z0-9+/_-]{3}=|[A-Za-z0-9+/_-]{2}==)"  # padded: over, whatever follows
    rb"|(?:[A-Za-z0-9+/_-]{4})?(?:[A-Za-z0-9+/_-]{2,3})?(?![A-Za-z0-9+/_=-])"
)
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL = bytes.maketrans(b"+/", b"-_")


def _compiled() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(_PATTERN, options=options)


_RUNS = _compiled()


class Base64View(View):
    """A view of `raw` with the base64 of text decoded; what is edited in it is encoded again."""

    def __init__(self, raw: bytes) -> None:
        self._runs: list[_Run] = []
        super().__init__(raw, self._stretches(raw))

    def _stretches(self, raw: bytes) -> Iterator[tuple[int, int, bytes]]:
        for match in _RUNS.finditer(raw):
            start, end = match.span()
            tail = _TAIL.match(raw, end)
            run = _Run(raw[start : tail.end() if tail else end], is_open=tail is None)
            self._runs.append(run)
            yield start, start + run.length, run.text

    def to_raw(self, edits: Iterable[Edit]) -> list[Edit]:
        """Edits of the view as edits of the raw bytes; all that lie in one run become one."""
        raw_edits: list[Edit] = []
        inside: dict[int, list[Edit]] = {}
        for edit in edits:
            i = bisect_right(self.view_starts, edit.start) - 1
            if i >= 0 and edit.end <= self.view_ends[i]:
                inside.setdefault(i, []).append(edit)
            else:
                raw_edits.append(self._outside(edit))
        raw_edits += (self._run_edit(i, run_edits) for i, run_edits in inside.items())
        return raw_edits

    def _outside(self, edit: Edit) -> Edit:
        start, end = self.raw_span(edit.start, edit.end)
        is_plain = end - start == edit.end - edit.start
        return Edit(start, end, edit.new if is_plain else edit.placeholder, edit.found)

    def _run_edit(self, i: int, edits: list[Edit]) -> Edit:
        run, offset = self._runs[i], self.view_starts[i]
        text = splice(run.text, [e._replace(start=e.start - offset, end=e.end - offset) for e in edits])
        new = None if text is run.text else run.encode(text)
        found = tuple(found for edit in edits for found in edit.found)
        return Edit(self.raw_starts[i], self.raw_ends[i], new, found)


class _Run:
    """One stretch of base64: its text, and how to encode other text in the same manner."""

    def __init__(self, raw: bytes, *, is_open: bool) -> None:
        """`is_open`: more base64 follows, so that this stretch has to stay whole quads."""
        self.length = len(raw)
        line_break = _BREAKS.search(raw)
        self._break = line_break[0] if line_break else b""
        self._width = line_break.start() if line_break else 0
        self._is_open = is_open
        self._is_url = b"-" in raw or b"_" in raw
        plain = _BREAKS.sub(b"", raw) if line_break else raw
        self._is_padded = len(plain) % 4 == 0
        plain = plain.translate(_TO_STANDARD, b"=")
        self.text = binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))

    def encode(self, text: bytes) -> bytes:
        if self._is_open:
            text += b" " * (-len(text) % 3)
        encoded = binascii.b2a_base64(text, newline=False)
        if self._is_url:
            encoded = encoded.translate(_TO_URL)
        if not self._is_padded:
            encoded = encoded.rstrip(b"=")
        if not self._width:
            return encoded
        return self._break.join(encoded[i : i + self._width] for i in range(0, len(encoded), self._width))
