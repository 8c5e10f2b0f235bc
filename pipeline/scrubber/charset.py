"""Character sets in which ASCII is not ASCII: read as UTF-8, written back as they came.

UTF-8, Latin-1 and all others that hold ASCII as it is need none of this: they are searched as bytes, so that a byte
that is not valid in them neither hides a secret nor changes.
"""

import codecs
from collections.abc import Callable

import msgspec

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LABELS = {
    "utf16": "utf-16",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "ucs2": "utf-16",
    "unicode": "utf-16",
    "iso10646ucs2": "utf-16",
    "utf32": "utf-32",
    "utf32le": "utf-32-le",
    "utf32be": "utf-32-be",
    "utf7": "utf-7",
    "shiftjis": "shift_jis",
    "sjis": "shift_jis",
    "cp932": "cp932",
    "windows31j": "cp932",
    "big5": "big5",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "hzgb2312": "hz",
    "iso2022jp": "iso2022_jp",
    "iso2022kr": "iso2022_kr",
    "cp037": "cp037",
    "ibm037": "cp037",
    "cp500": "cp500",
    "ibm500": "cp500",
    "cp1140": "cp1140",
}
"""Labels (lower case, without punctuation) of what is not ASCII with more on top; everything else is."""

SNIFF_BYTES = 1024
_WIDTHS = {"utf-16": 2, "utf-32": 4}
_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_ASCII_SHARE = 0.9
"""Of the bytes of UTF-16 in any script but Latin far fewer are ASCII."""


class Transcoded(msgspec.Struct, frozen=True):
    """A body as UTF-8, and the way back."""

    data: bytes
    restore: Callable[[bytes], bytes]


def transcode(data: bytes, label: str | None) -> Transcoded | None:
    """`data` as UTF-8, or None where it is searched as it is. The byte order mark and the label decide, and where there
    is neither, the zero bytes of UTF-16."""
    codec = _codec(data, label)
    width = _WIDTHS.get((codec or "")[:6], 1)
    head = data[:SNIFF_BYTES]
    if codec is None or (width > 1 and (b"\0" not in data or not is_really_wide(head, is_all=len(head) == len(data)))):
        # All ASCII in a wide charset has zero bytes: the label is wrong, or there is no secret.
        return None
    errors = "surrogatepass" if codec.startswith("utf-") and codec != "utf-7" else "surrogateescape"
    whole = len(data) - len(data) % width
    tail = data[whole:]
    try:
        text = data[:whole].decode(codec, errors)
        utf8 = text.encode("utf-8", errors)
    except UnicodeError:
        return None

    def restore(scrubbed: bytes) -> bytes:
        return scrubbed.decode("utf-8", errors).encode(codec, errors) + tail

    return Transcoded(utf8, restore)


def is_really_wide(head: bytes, *, is_all: bool) -> bool:
    """Whether a text whose mark or label says UTF-16 or UTF-32 can be that, by its first `SNIFF_BYTES`.

    ASCII behind a byte order mark is ASCII: read as pairs of bytes it would hide all there is in it."""
    if b"\0" in head or not head:
        return True
    return not is_all and len(head.translate(None, _PRINTABLE)) > len(head) * (1 - _ASCII_SHARE)


def _codec(data: bytes, label: str | None) -> str | None:
    for mark, codec in _BOMS:
        if data.startswith(mark):
            return codec
    named = _LABELS.get("".join(c for c in (label or "").lower() if c.isalnum()))
    if named == "utf-32":
        return "utf-32-le" if data[:1] != b"\0" else "utf-32-be"
    if named == "utf-16" or (named is None and b"\0" in data[:SNIFF_BYTES]):
        return _sniffed_utf16(data) or ("utf-16-be" if named else None)
    return named


def _sniffed_utf16(data: bytes) -> str | None:
    """UTF-16 by where the zero bytes of its ASCII characters are."""
    head = data[: SNIFF_BYTES - SNIFF_BYTES % 2]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 4 < len(head) // 2 or even + odd > len(head) // 2 + 8:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"
