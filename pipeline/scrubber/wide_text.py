"""Text in UTF-16 and UTF-32: scrubbed as UTF-8, written back as it came."""

import codecs
from collections.abc import Callable
from typing import Protocol

from pipeline.scrubber.charset import SNIFF_BYTES, is_really_wide
from pipeline.scrubber.model import Hit

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ZEROS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}
"""Where the zero bytes of two ASCII characters are (as RFC 4627 section 3 tells JSON's encodings apart)."""
_HEAD_BYTES = 4


def wide_codec(head: bytes, label: str | None, *, is_all: bool = False) -> str | None:
    """The codec of a text that begins with `head`: UTF-16 or UTF-32, or "" where it is neither. None: more bytes are
    needed (never where `is_all`). The byte order mark decides, then the label, then the zero bytes."""
    named = (label or "").lower().replace("_", "-").replace("-", "")
    is_named = named.startswith(("utf16", "utf32", "ucs2", "iso10646"))
    if not is_named and len(head) >= 2 and b"\0" not in head[:2] and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return ""
    if len(head) < _HEAD_BYTES and not is_all:
        return None
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return codec
    if named.endswith(("le", "be")) and is_named:
        return f"utf-{named[3:5]}-{named[-2:]}"
    zeros = tuple(byte == 0 for byte in head[:_HEAD_BYTES])
    sniffed = _ZEROS.get(zeros) if len(zeros) == _HEAD_BYTES else None
    width = "utf-32" if named.startswith("utf32") else "utf-16"
    return sniffed or (f"{width}-le" if is_named else "")


class _Inner(Protocol):
    hits: list[Hit]

    def feed(self, chunk: bytes, /) -> bytes: ...

    def finish(self) -> bytes: ...


class WideText:
    """A stream around a stream of UTF-8. What comes out goes through `bytewise` as well: plain text may follow behind a
    byte order mark and a few wide letters."""

    def __init__(self, inner: _Inner, codec: str, bytewise: _Inner) -> None:
        self.hits = inner.hits
        self._inner = inner
        self._bytewise = bytewise
        self._codec = codec
        self._width = 4 if "32" in codec else 2
        self._rest = b""
        # Half a surrogate pair is kept as it is. What cannot be UTF-32 at all becomes the replacement character.
        errors = "surrogatepass" if self._width == 2 else "replace"
        self._decode = codecs.getincrementaldecoder(codec)(errors)
        self._decode_utf8 = codecs.getincrementaldecoder("utf-8")("surrogatepass")

    def feed(self, chunk: bytes, /) -> bytes:
        """What may leave after `chunk` came."""
        data = self._rest + chunk
        whole = len(data) - len(data) % self._width
        self._rest = data[whole:]
        text = self._decode.decode(data[:whole])
        written = self._written(self._inner.feed(text.encode("utf-8", "surrogatepass")), is_last=False)
        return self._bytewise.feed(written)

    def finish(self) -> bytes:
        """The rest; bytes that are no whole unit come last, as they came."""
        text = self._decode.decode(b"", final=True)
        out = self._inner.feed(text.encode("utf-8", "surrogatepass")) + self._inner.finish()
        return self._bytewise.feed(self._written(out, is_last=True) + self._rest) + self._bytewise.finish()

    def _written(self, utf8: bytes, *, is_last: bool) -> bytes:
        try:
            text = self._decode_utf8.decode(utf8, final=is_last)
        except UnicodeDecodeError:  # a match ended within a character
            self._decode_utf8.reset()
            text = utf8.decode("utf-8", "replace")
        return text.encode(self._codec, "surrogatepass")


class SniffedText:
    """A stream that looks at its first bytes before it knows whether they are wide."""

    def __init__(self, inner: _Inner, label: str | None, bytewise: Callable[[], _Inner]) -> None:
        """`bytewise` makes a stream of plain text that tells its hits where `inner` does."""
        self.hits = inner.hits
        self._inner = inner
        self._bytewise = bytewise
        self._label = label
        self._head = b""
        self.feed: Callable[[bytes], bytes] = self._feed_first
        self.finish: Callable[[], bytes] = self._finish_first

    def _feed_first(self, chunk: bytes, /) -> bytes:
        self._head += chunk
        if not self._choose(is_all=False):
            return b""
        return self.feed(self._head)

    def _finish_first(self) -> bytes:
        self._choose(is_all=True)
        return self.feed(self._head) + self.finish()

    def _choose(self, *, is_all: bool) -> bool:
        codec = wide_codec(self._head, self._label, is_all=is_all)
        head = self._head[:SNIFF_BYTES]
        is_enough = is_all or b"\0" in head or len(head) == SNIFF_BYTES
        if codec is None or (codec and not is_enough):
            return False
        if codec and not is_really_wide(head, is_all=is_all and len(self._head) <= SNIFF_BYTES):
            codec = ""
        chosen = WideText(self._inner, codec, self._bytewise()) if codec else self._inner
        self.feed, self.finish = chosen.feed, chosen.finish
        return True
