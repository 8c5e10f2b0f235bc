"""Content codings of bodies (RFC 9110 section 8.4): gzip, deflate, br, zstd and stacks, whole or chunk by chunk.

Output is bounded: a body that would grow over the limit is an error, not a way to fill the memory.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from pipeline.coding_readers import GZIP, ZLIB, Brotli, CodingError, Inflate, Zstd
from pipeline.coding_writers import BrotliWriter, Deflate, ZstdWriter

__all__ = [
    "CODINGS",
    "CodingError",
    "Decoder",
    "Encoder",
    "decode",
    "encode",
    "is_mislabelled",
    "open_decoder",
    "open_encoder",
]

MAX_STEP_BYTES = 64 * 1024 * 1024
"""What one fed chunk may grow to in an incremental decoder."""


class Decoder(Protocol):
    """Takes a body off its codings, chunk by chunk. Raises `CodingError`."""

    def feed(self, chunk: bytes, /) -> bytes: ...

    def finish(self) -> bytes:
        """What is left. Raises `CodingError` where the body was cut."""
        ...


class Encoder(Protocol):
    """Puts a body into its codings. Whatever goes into `feed` can be read by the receiver from what comes out of it."""

    def feed(self, chunk: bytes, /) -> bytes: ...

    def finish(self) -> bytes: ...


def decode(data: bytes, codings: Sequence[str], max_bytes: int = MAX_STEP_BYTES) -> bytes:
    """`data` without `codings` (in the order they were applied), at most `max_bytes`. Raises `CodingError`."""
    decoder = open_decoder(codings, max_bytes)
    decoded = decoder.feed(data)
    return decoded + decoder.finish()


def encode(data: bytes, codings: Sequence[str]) -> bytes:
    """`data` in `codings`, applied in their order. Raises `CodingError` for an unknown one."""
    encoder = open_encoder(codings)
    return encoder.feed(data, is_last=True) + encoder.finish()


def open_decoder(codings: Sequence[str], max_step_bytes: int = MAX_STEP_BYTES) -> "DecoderStack":
    """Raises `CodingError` for an unknown coding."""
    return DecoderStack([_named(_DECODERS, coding)(max_step_bytes) for coding in reversed(codings)])


def open_encoder(codings: Sequence[str]) -> "EncoderStack":
    """Raises `CodingError` for an unknown coding."""
    return EncoderStack([_named(_ENCODERS, coding)() for coding in codings])


def _named[T](table: dict[str, T], coding: str) -> T:
    found = table.get(coding.strip().lower())
    if found is None:
        raise CodingError("unknown content coding")
    return found


class DecoderStack:
    """Decoders one after another, outermost first."""

    def __init__(self, layers: "list[Inflate | Brotli | Zstd | _Identity]") -> None:
        self._layers = layers

    def feed(self, chunk: bytes, /) -> bytes:
        for layer in self._layers:
            chunk = layer.feed(chunk)
        return chunk

    def finish(self) -> bytes:
        rest = b""
        for layer in self._layers:
            rest = layer.feed(rest) + layer.finish()
        return rest


class EncoderStack:
    """Encoders one after another, in the order the codings are applied."""

    def __init__(self, layers: "list[Deflate | BrotliWriter | ZstdWriter | _Identity]") -> None:
        self._layers = layers

    def feed(self, chunk: bytes, /, *, is_last: bool = False) -> bytes:
        """`is_last` saves the flush that lets the receiver read the chunk before the next comes."""
        for layer in self._layers:
            chunk = layer.feed(chunk) if is_last or not chunk else layer.feed(chunk) + layer.flush()
        return chunk

    def finish(self) -> bytes:
        rest = b""
        for layer in self._layers:
            rest = layer.feed(rest) + layer.finish()
        return rest


class _Identity:
    def __init__(self, max_bytes: int = 0) -> None:
        pass

    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def flush(self) -> bytes:
        return b""

    def finish(self) -> bytes:
        return b""


_DECODERS: "dict[str, Callable[[int], Inflate | Brotli | Zstd | _Identity]]" = {
    "gzip": lambda limit: Inflate(limit, is_gzip=True),
    "x-gzip": lambda limit: Inflate(limit, is_gzip=True),
    "deflate": lambda limit: Inflate(limit, is_gzip=False),
    "br": Brotli,
    "zstd": Zstd,
    "identity": _Identity,
}
_ENCODERS: "dict[str, Callable[[], Deflate | BrotliWriter | ZstdWriter | _Identity]]" = {
    "gzip": lambda: Deflate(GZIP),
    "x-gzip": lambda: Deflate(GZIP),
    "deflate": lambda: Deflate(ZLIB),
    "br": BrotliWriter,
    "zstd": ZstdWriter,
    "identity": _Identity,
}
CODINGS = frozenset(_DECODERS)
"""Every coding that can be taken off and put on again."""

_GZIP_MAGIC = (b"\x1f\x8b",)
_ZSTD_MAGIC = (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16)))
_MAGIC = {"gzip": _GZIP_MAGIC, "x-gzip": _GZIP_MAGIC, "zstd": _ZSTD_MAGIC}


def is_mislabelled(head: bytes, codings: Sequence[str]) -> bool:
    """Whether the first bytes of a body cannot be of the codings that its label names. br and raw deflate have no
    mark, so only what is printable throughout is taken for plain text there; and not what can be decoded all the same,
    because a compressed body may be made to begin with printable bytes."""
    return _looks_mislabelled(head, codings) and not _is_decodable(head, codings)


def _is_decodable(head: bytes, codings: Sequence[str]) -> bool:
    try:
        open_decoder(codings).feed(head)
    except CodingError:
        return False
    return True


def _looks_mislabelled(head: bytes, codings: Sequence[str]) -> bool:
    if not codings or not head:
        return False
    outer = codings[-1].strip().lower()
    if outer in _MAGIC:
        return not any(head.startswith(magic) or magic.startswith(head) for magic in _MAGIC[outer])
    return outer != "identity" and len(head) >= 16 and not head.translate(None, bytes([9, 10, 13, *range(0x20, 0x7F)]))
