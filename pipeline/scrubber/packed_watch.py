"""Looks for keys in what is packed in a request that streams: what holds one must not leave as a whole."""

from pipeline.scrubber.binary import keys, read, squeezed
from pipeline.scrubber.edit import Search
from pipeline.scrubber.hints import hint_finder
from pipeline.scrubber.model import Hit
from pipeline.unpacking import Unpacking

_OVERLAP_BYTES = 1024


class PackedWatch:
    """Reads a body as it leaves. `hits` have the action `block` where the policy would scrub them."""

    def __init__(self, search: Search, *, is_called_text: bool = False) -> None:
        """`is_called_text`: letters of two or four bytes may begin behind others, and nobody else reads them."""
        self.hits: tuple[Hit, ...] = ()
        self._search = search
        self._unpacking = Unpacking(hint_finder().archived)
        self._is_called_text = is_called_text
        self._last = b""

    def feed(self, data: bytes) -> None:
        """`data` is about to leave."""
        texts = self._unpacking.feed(data)
        if self._is_called_text and b"\0" in data:
            texts.append(squeezed(self._last + data))
        self._last = (self._last + data[-_OVERLAP_BYTES:])[-_OVERLAP_BYTES:]
        if texts:
            known = frozenset(hit.fingerprint for hit in self.hits)
            self.hits += keys(read(self._search, b"\n".join(texts), "body (unpacked)"), known)
