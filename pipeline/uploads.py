"""What is sent, looked at in samples: whether it is compressed or encrypted where ordinary agents send neither."""

import base64
import re
from collections import Counter
from collections.abc import Iterator
from math import log2

from pipeline.archives import begins_packed, unpacked
from pipeline.codings import CodingError, open_decoder
from pipeline.events import Context
from pipeline.exfiltration import Thresholds
from pipeline.media import looks_like_text

HEAD_BYTES = 64 * 1024
"""So much of the beginning is looked at in full."""
BLOCK_BYTES = 4096
_SHORTEST_BLOCK = 1024
"""In less, even random bytes have too few values to tell."""
_STRIDE_BYTES = 256 * 1024
"""One block out of so many bytes is looked at after the beginning."""
_MAX_SPOTS = 256
_HIGH_SHARE = 0.25
_MAX_STEP_BYTES = 4 * 1024 * 1024
_GIT_PUSH = re.compile(
    rb"(?:[0-9a-f]{4}shallow [0-9a-f]{40,64}\n?)*[0-9a-f]{4}(?:push-cert\0|[0-9a-f]{40,64} [0-9a-f]{40,64} refs/)"
)
"""What a push begins with: where the repository is shallow, and the first reference or a signature of them all."""
_ENCODED = re.compile(rb"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{60,}(?:\\[rn]|[\r\n])*)+")
_BREAKS = re.compile(rb"\\[rn]|[\r\n]")
_HEX = re.compile(rb"[0-9a-fA-F]+")
_PART_HEAD = re.compile(rb"\r\n\r\n")
_GRPC_HEAD = 5
"""Bytes in front of each gRPC message: whether it is compressed, and its length."""
_UNPACKED_BYTES = 256 * 1024
"""Read and unpacked of one beginning."""
_SHORTEST_RUN = 1024
_ALIKE = bytes(0x41 if chr(b).isascii() and (chr(b).isalnum() or b in b"+/_-\\\r\n") else 0x20 for b in range(256))
"""Every byte of an encoded run, and of its line breaks, as one letter."""
_RUN_ALIKE = b"A" * _SHORTEST_RUN
_ASCII_BITS = 7.0
"""More than this a byte of ASCII cannot have."""
_MEDIA = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"%PDF-", b"OggS", b"ID3", b"wOF2", b"wOFF"),
    *(b"\0\0\0\x18ftyp", b"\0\0\0\x1cftyp", b"\0\0\0\x20ftyp", b"\x1aE\xdf\xa3"),
)
"""How images, sound, film, fonts and PDF begin: compressed by nature. Archives are not among them: they
are judged by what they hold."""
_OWN_COMPANY: tuple[Context, ...] = ("public", "internal")
"""Where images are sent as they are, and where opaque fields of a model's API go back to their maker."""


class Sample:
    """What was kept of one body: its beginning, and a block now and then of the rest."""

    def __init__(self, codings: tuple[str, ...] = ()) -> None:
        self._codings = codings
        self._head = bytearray()
        self._spots: list[bytes] = []
        self._seen = 0

    def add(self, chunk: bytes) -> None:
        """Look at the next bytes of the body, as they are sent."""
        room = HEAD_BYTES - len(self._head)
        if room > 0:
            self._head += chunk[:room]
        start = max(HEAD_BYTES, HEAD_BYTES + _STRIDE_BYTES * len(self._spots)) - self._seen
        while start < len(chunk) and not self._codings and len(self._spots) < _MAX_SPOTS:
            self._spots.append(chunk[max(start, 0) : max(start, 0) + BLOCK_BYTES])
            start += _STRIDE_BYTES
        self._seen += len(chunk)

    def is_suspicious(self, context: Context, thresholds: Thresholds) -> bool:
        """Whether it is an upload as ordinary agents do not make it to hosts of this context. Never raises."""
        if not thresholds.entropy_bits or not thresholds.entropy_bytes or self._seen < thresholds.entropy_bytes:
            return False
        head = self._plain_head()
        packed = _unpacked_head(head)
        if packed:
            # As below a coding: what an archive or a compressed message holds counts, and of that the beginning.
            return _high_bytes(packed, thresholds.entropy_bits) >= max(
                thresholds.entropy_bytes, _HIGH_SHARE * len(packed)
            )
        if _GIT_PUSH.match(head) or (context in _OWN_COMPANY and _is_media(head)):
            return False
        if context not in _OWN_COMPANY and looks_like_text(head) and _is_encoded(head, thresholds):
            return True
        high = _high_bytes(head, thresholds.entropy_bits)
        high += _STRIDE_BYTES * sum(_is_high(spot, thresholds.entropy_bits) for spot in self._spots)
        return high >= max(thresholds.entropy_bytes, _HIGH_SHARE * max(self._seen, len(head)))

    def _plain_head(self) -> bytes:
        """The beginning without its codings; as it is where they cannot be taken off."""
        raw, plain = bytes(self._head), bytearray()
        if not self._codings:
            return raw
        try:
            decoder = open_decoder(self._codings, _MAX_STEP_BYTES)
            for start in range(0, len(raw), BLOCK_BYTES):
                plain += decoder.feed(raw[start : start + BLOCK_BYTES])
                if len(plain) >= HEAD_BYTES:
                    break
        except CodingError:
            return bytes(plain[:HEAD_BYTES]) or raw
        return bytes(plain[:HEAD_BYTES])


def entropy(block: bytes) -> float:
    """Shannon entropy, bits a byte."""
    size = len(block)
    counts = Counter(block).values()
    return log2(size) - sum(count * log2(count) for count in counts) / size if size else 0.0


def _unpacked_head(head: bytes) -> bytes:
    """What is packed in a body, a part of a form or a gRPC message that begins like an archive; "" where nothing is, or
    nothing that can be read."""
    starts = (0, _GRPC_HEAD if head[:1] == b"\1" else 0, *(found.end() for found in _PART_HEAD.finditer(head)))
    if not any(begins_packed(head, start) for start in starts):
        return b""
    return b"".join(unpacked(head, _UNPACKED_BYTES))[:HEAD_BYTES]


def _high_bytes(data: bytes, bits: float) -> int:
    return BLOCK_BYTES * sum(_is_high(block, bits) for block in _blocks(data))


def _blocks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), BLOCK_BYTES):
        block = data[start : start + BLOCK_BYTES]
        if len(block) >= _SHORTEST_BLOCK:
            yield block


def _is_high(block: bytes, bits: float) -> bool:
    if bits > _ASCII_BITS and block.isascii():
        return False
    return len(block) >= _SHORTEST_BLOCK and not looks_like_text(block) and entropy(block) >= bits


def _is_media(head: bytes) -> bool:
    """The body itself, or the part of a multipart one, is an image or the like."""
    starts = [0, *(found.end() for found in _PART_HEAD.finditer(head))]
    return any(head.startswith(_MEDIA, start) for start in starts)


def _is_encoded(head: bytes, thresholds: Thresholds) -> bool:
    """A good part of a text is base64 or hexadecimal of something compressed or encrypted that is no image."""
    hidden = 0
    if _RUN_ALIKE not in head.translate(_ALIKE):  # a fiftieth of what the regex takes
        return False
    for found in _ENCODED.finditer(head):
        run = _BREAKS.sub(b"", found.group())
        if len(run) >= _SHORTEST_RUN:
            raw = _decoded(run)
            raw = _unpacked_head(raw[:HEAD_BYTES]) or raw
            if not raw.startswith(_MEDIA) and _is_high(raw[:BLOCK_BYTES], thresholds.entropy_bits):
                hidden += len(run)
    return hidden >= max(thresholds.entropy_bytes, len(head) * _HIGH_SHARE)


def _decoded(run: bytes) -> bytes:
    if _HEX.fullmatch(run):
        return bytes.fromhex(run[: len(run) // 2 * 2].decode("ascii"))
    return base64.b64decode(run[: len(run) // 4 * 4].translate(bytes.maketrans(b"-_", b"+/")))
