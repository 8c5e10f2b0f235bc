"""Decodes escapes without keeping track of places, at the speed of C.

Most bodies with escapes in them hold no secret. To know that, what they decode to has to be searched, but not to be
mapped back; lexeme.py does that, a hundred times slower, where something shows.
"""

import binascii
import re
from collections.abc import Collection

from pipeline.scrubber.lexeme import Kind

_MARKED = bytes.maketrans(b"%=", b"=\1")
_UNMARKED = bytes.maketrans(b"\1", b"=")
BACKSLASHED: frozenset[Kind] = frozenset(("unicode", "control", "hex"))
"""Kinds whose backslash may be doubled more often than is seen through: what is left of them needs a closer look."""
_DOUBLED = ((b"\\\\", b"\\"),)
_HEX = re.compile(rb"\\x([0-9a-fA-F]{2})")
_NUMERIC = re.compile(rb"&#(?:([0-9]{1,7})|[xX]([0-9a-fA-F]{1,6}));")
_NAMED = ((b"&quot;", b'"'), (b"&apos;", b"'"), (b"&lt;", b"<"), (b"&gt;", b">"), (b"&amp;", b"&"))
_CONTROLS = ((b"\\/", b"/"), (b"\\_", b"_"), (b"\\b", b"\b"), (b"\\f", b"\f"))


def flatten(data: bytes, kinds: Collection[Kind]) -> bytes | None:
    """`data` with the escapes of these kinds decoded, as far as ASCII goes; None where this cannot be done right."""
    if not BACKSLASHED.isdisjoint(kinds):
        # Doubled once for each string that is in another one.
        data = _replaced(data, _DOUBLED * 2)
    if "hex" in kinds:
        data = _HEX.sub(_byte, data)
    if "numeric" in kinds:
        data = _NUMERIC.sub(_code_point, data)
    if "unicode" in kinds:
        decoded = _without_unicode(data)
        if decoded is None:
            return None
        data = decoded
    if "control" in kinds:
        data = _replaced(data, _CONTROLS)
    if "percent" in kinds:
        return _without_percent(_replaced(data, _NAMED) if "named" in kinds else data)
    return _replaced(data, _NAMED) if "named" in kinds else data


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode())


def _code_point(match: re.Match[bytes]) -> bytes:
    number = int(match[1]) if match[1] else int(match[2], 16)
    return bytes((number,)) if number < 0x80 else b"\xff"


def _replaced(data: bytes, pairs: tuple[tuple[bytes, bytes], ...]) -> bytes:
    for old, new in pairs:
        data = data.replace(old, new)
    return data


def _without_unicode(data: bytes) -> bytes | None:
    try:
        return data.decode("raw_unicode_escape").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        # A `\\u` that no four digits follow.
        return None


def _without_percent(data: bytes) -> bytes | None:
    """Quoted-printable with another mark is percent-encoding, but for soft line breaks and a doubled mark. A `%` that
    begins no escape comes out as `=`. `\\1` stands for a `=` on the way, and must not be there."""
    if b"%%" in data or b"%\n" in data or b"%\r" in data or b"\1" in data:
        return None
    return binascii.a2b_qp(data.translate(_MARKED)).translate(_UNMARKED)
