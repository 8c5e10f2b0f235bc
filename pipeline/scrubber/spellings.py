"""How a known secret may be written: raw, escaped, percent-encoded, in base64, base32 or hex."""

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote_from_bytes

_MIN_SPELLING_BYTES = 6
"""What is left of a short value in base64 between its edges must still be worth a match."""
_JSON_LETTERS = {0x08: b"b", 0x09: b"t", 0x0A: b"n", 0x0C: b"f", 0x0D: b"r", 0x22: b'"', 0x2F: b"/", 0x5C: b"\\"}


def spellings(value: bytes) -> frozenset[bytes]:
    """Every fixed spelling of `value`. Mixtures (one byte escaped, the next not) are found by `any_spelling`."""
    found = {value, *_texts(value), value.hex().encode(), value.hex().upper().encode()}
    found |= set(_base32(value))
    for encoded in _base64(value):
        found.add(encoded)
        if b"+" in encoded or b"/" in encoded:
            found |= {encoded.replace(b"/", b"\\/"), *_percent(encoded)}
    return frozenset(spelling for spelling in found if spelling == value or len(spelling) >= _MIN_SPELLING_BYTES)


def _texts(value: bytes) -> Iterator[bytes]:
    """In JSON (once and twice, as ASCII and as UTF-8, with `\\/`), in HTML, in a URL or form."""
    text = value.decode("utf-8", "surrogateescape")
    for is_ascii in (True, False):
        once = json.dumps(text, ensure_ascii=is_ascii)[1:-1]
        twice = json.dumps(once, ensure_ascii=is_ascii)[1:-1]
        for spelling in (once, twice, once.replace("/", "\\/"), twice.replace("/", "\\\\/")):
            yield spelling.encode("utf-8", "surrogateescape")
    for is_quote in (True, False):
        yield html.escape(text, quote=is_quote).encode("utf-8", "surrogateescape")
    yield from _percent(value)


def _percent(value: bytes) -> Iterator[bytes]:
    for safe in ("", "/", "/:@!$&'()*+,;="):
        encoded = quote_from_bytes(value, safe).encode()
        for spelling in (encoded, encoded.replace(b"%20", b"+")):
            yield spelling
            yield _LOWER_HEX.sub(lambda found: found[0].lower(), spelling)


_LOWER_HEX = re.compile(rb"%[0-9A-F]{2}")


def _base64(value: bytes) -> Iterator[bytes]:
    """The characters that do not depend on what stands before or after `value`, for all three alignments."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + value)
        first, last = -(-8 * shift // 6), 8 * (shift + len(value)) // 6
        core = encoded[first:last]
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))


def _base32(value: bytes) -> Iterator[bytes]:
    for shift in range(5):
        encoded = base64.b32encode(b"\0" * shift + value)
        first, last = -(-8 * shift // 5), 8 * (shift + len(value)) // 5
        yield encoded[first:last]
        yield encoded[first:last].lower()


def any_spelling(value: bytes) -> re.Pattern[bytes]:
    """Matches `value` with each byte raw, percent-encoded (once or twice), or escaped as JSON and most languages do."""
    return re.compile(b"".join(_byte(byte) for byte in value), re.DOTALL)


def _byte(byte: int) -> bytes:
    code = b"".join(b"[%c%c]" % (digit, ord(chr(digit).upper())) for digit in b"%02x" % byte)
    forms = [re.escape(bytes([byte])), b"%(?:25)*" + code]
    if byte < 0x80:
        forms.append(rb"\\{1,4}(?:u00|x)" + code)
    if byte in _JSON_LETTERS:
        forms.append(rb"\\{1,4}" + re.escape(_JSON_LETTERS[byte]))
    if byte == 0x20:
        forms.append(rb"\+")
    return b"(?:" + b"|".join(forms) + b")"
