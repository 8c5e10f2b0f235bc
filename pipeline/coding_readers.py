"""What takes one content coding off, chunk by chunk, with a bounded output."""

import sys
import zlib

import brotli  # type: ignore[import-untyped]

if sys.version_info >= (3, 14):  # pragma: no cover
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

GZIP, ZLIB, RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
"""zlib's window bits for the three wrappings."""
_STEP_BYTES = 1024 * 1024


class CodingError(ValueError):
    """The bytes are not what their coding says, end too early, grow over the limit, or the coding is unknown."""


class Inflate:
    """gzip (any number of members) and deflate (zlib's wrapping, or none as some servers send it)."""

    def __init__(self, max_bytes: int, *, is_gzip: bool) -> None:
        self._max_bytes = max_bytes
        self._is_gzip = is_gzip
        self._head = b""
        self._inflater: zlib._Decompress | None = None
        self._has_member = False

    def feed(self, chunk: bytes) -> bytes:
        out = bytearray()
        data = self._head + chunk
        self._head = b""
        while data:
            if self._inflater is None and not self._open(data):
                break
            data = self._inflate(data, out)
        return bytes(out)

    def _open(self, data: bytes) -> bool:
        """Choose how the next member is wrapped. False: more bytes are needed, or only padding is left."""
        if self._is_gzip:
            if self._has_member and not data.strip(b"\0"):  # tar-like padding after the last member
                return False
            self._inflater = zlib.decompressobj(GZIP)
            return True
        if self._has_member:
            raise CodingError("bytes after the end of a deflate body")
        if len(data) < 2:
            self._head = data
            return False
        is_zlib = data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0
        self._inflater = zlib.decompressobj(ZLIB if is_zlib else RAW)
        return True

    def _inflate(self, data: bytes, out: bytearray) -> bytes:
        """Append what `data` gives and return what belongs to the next member."""
        inflater = self._inflater
        assert inflater is not None  # noqa: S101 - opened by the caller
        try:
            while data and not inflater.eof:
                out += inflater.decompress(data, _STEP_BYTES)
                data = inflater.unconsumed_tail
                _check_size(out, self._max_bytes)
        except zlib.error as exc:
            raise CodingError("not a valid gzip or deflate body") from exc
        if not inflater.eof:
            return b""
        self._inflater, self._has_member = None, True
        return inflater.unused_data

    def finish(self) -> bytes:
        if self._inflater is not None or self._head:
            raise CodingError("a gzip or deflate body ends too early")
        return b""


class Brotli:
    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._decoder = brotli.Decompressor()
        self._is_begun = False

    def feed(self, chunk: bytes) -> bytes:
        out = bytearray()
        try:
            while chunk or not self._decoder.can_accept_more_data():
                self._is_begun = True
                out += self._decoder.process(chunk, output_buffer_limit=_STEP_BYTES)
                chunk = b""
                _check_size(out, self._max_bytes)
                if self._decoder.is_finished():
                    break
        except brotli.error as exc:
            raise CodingError("not a valid br body") from exc
        return bytes(out)

    def finish(self) -> bytes:
        if self._is_begun and not self._decoder.is_finished():
            raise CodingError("a br body ends too early")
        return b""


class Zstd:
    """zstd, any number of frames."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._frame: zstd.ZstdDecompressor | None = None

    def feed(self, chunk: bytes) -> bytes:
        out = bytearray()
        try:
            while chunk or (self._frame is not None and not self._frame.needs_input):
                self._frame = self._frame or zstd.ZstdDecompressor()
                out += self._frame.decompress(chunk, _STEP_BYTES)
                chunk = b""
                _check_size(out, self._max_bytes)
                if self._frame.eof:
                    chunk, self._frame = self._frame.unused_data, None
        except zstd.ZstdError as exc:
            raise CodingError("not a valid zstd body") from exc
        return bytes(out)

    def finish(self) -> bytes:
        if self._frame is not None:
            raise CodingError("a zstd body ends too early")
        return b""


def _check_size(out: bytearray, max_bytes: int) -> None:
    if len(out) > max_bytes:
        raise CodingError("a compressed body grows over the limit")
