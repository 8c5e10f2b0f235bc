"""What puts one content coding on, chunk by chunk; a flush lets the receiver read all that was fed."""

import sys
import zlib

import brotli  # type: ignore[import-untyped]

if sys.version_info >= (3, 14):  # pragma: no cover
    from compression import zstd
else:
    from backports import zstd


class Deflate:
    def __init__(self, wbits: int) -> None:
        self._deflater = zlib.compressobj(6, zlib.DEFLATED, wbits)

    def feed(self, chunk: bytes) -> bytes:
        return self._deflater.compress(chunk)

    def flush(self) -> bytes:
        return self._deflater.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._deflater.flush()


class BrotliWriter:
    def __init__(self) -> None:
        self._encoder = brotli.Compressor(quality=4)  # as fast as gzip 6; the default of 11 takes seconds a megabyte

    def feed(self, chunk: bytes) -> bytes:
        return bytes(self._encoder.process(chunk))

    def flush(self) -> bytes:
        return bytes(self._encoder.flush())

    def finish(self) -> bytes:
        return bytes(self._encoder.finish())


class ZstdWriter:
    def __init__(self) -> None:
        self._encoder = zstd.ZstdCompressor()

    def feed(self, chunk: bytes) -> bytes:
        return self._encoder.compress(chunk)

    def flush(self) -> bytes:
        return self._encoder.flush(zstd.ZstdCompressor.FLUSH_BLOCK)

    def finish(self) -> bytes:
        return self._encoder.flush(zstd.ZstdCompressor.FLUSH_FRAME)
