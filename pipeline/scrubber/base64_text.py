"""Base64 that holds text: found by its shape, so that images and other blobs are not even decoded.

The bytes of text leave a quarter to a half of the alphabet for the first three characters of each quad. Six such quads
in a row come about by chance once in a million places, and are decoded for nothing then.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Any

import re2

from pipeline.scrubber.run_view import Run, RunView

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
BREAK = rb"(?:(?:\r?\n|(?:\\{1,4}r)?\\{1,4}n)(?:[ \t]|\\{1,4}t){0,32})"
"""Between two lines, which may be indented, as YAML has them; in JSON too."""
_PATTERN = _TEXT + b"{6,}(?:(?:" + _QUAD + b"{1,2}|" + BREAK + b")" + _TEXT + b"{2,})*"
BREAKS = re.compile(BREAK)
_TAIL = re.compile(
    rb"(?:[A-Za-z0-9+/_-]{4})?(?:[A-Za-z0-9+/_-]{3}=|[A-Za-z0-9+/_-]{2}==)"  # padded: over, whatever follows
    rb"|(?:[A-Za-z0-9+/_-]{4})?(?:[A-Za-z0-9+/_-]{2,3})?(?![A-Za-z0-9+/_=-])"
)
_NAME = re.compile(rb"[A-Za-z0-9+/_-]{0,64}[\"']?:")
_SHORTEST = 24
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL = bytes.maketrans(b"+/", b"-_")


def _compiled() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(_PATTERN, options=options)


_RUNS = _compiled()


def base64_view(raw: bytes) -> RunView:
    """A view of `raw` with the base64 of text decoded; what is edited in it is encoded again."""
    return RunView(raw, _runs(raw))


def _runs(raw: bytes) -> Iterator[tuple[int, Run]]:
    for match in _RUNS.finditer(raw):
        start, end = match.span()
        end = _without_key(raw, start, end)
        tail = _TAIL.match(raw, end)
        yield start, _Base64Run(raw[start : tail.end() if tail else end], is_open=tail is None)


def _without_key(raw: bytes, start: int, end: int) -> int:
    """Where a run ends that was taken to go on with the name before a colon on the next line: `a: QUJD...\n  name:`."""
    name = _NAME.match(raw, end)
    if name is None or name[0][-1:] != b":":
        return end
    breaks = [match.start() for match in BREAKS.finditer(raw, start, end)]
    return breaks[-1] if breaks and breaks[-1] - start >= _SHORTEST else end


class _Base64Run:
    def __init__(self, raw: bytes, *, is_open: bool) -> None:
        """`is_open`: more base64 follows, so that this stretch has to stay whole quads."""
        self.length = len(raw)
        line_break = BREAKS.search(raw)
        self._break = line_break[0] if line_break else b""
        self._width = line_break.start() if line_break else 0
        self._is_open = is_open
        self._is_url = b"-" in raw or b"_" in raw
        plain = BREAKS.sub(b"", raw) if line_break else raw
        self._is_padded = len(plain) % 4 == 0
        plain = plain.translate(_TO_STANDARD, b"=")
        self.text = binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))

    def encode(self, text: bytes, /) -> bytes:
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
