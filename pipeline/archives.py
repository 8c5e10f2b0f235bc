"""What is compressed inside of binary content: unpacked as far as that is cheap, so that a key in a zip is seen.

Found by how its members begin and not by a directory, which is its sender's word: a zip member that no directory names
is read by some programs all the same. What is encrypted, damaged or beyond the limits is left out; whoever asks says so
anyway, because no binary content counts as scanned.
"""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from pipeline.coding_readers import GZIP, RAW, zstd

MAX_WORK_BYTES = 16 * 1024 * 1024
"""Read and unpacked together, of one body."""
MAX_MEMBERS = 1000
"""Beginnings that are tried, of one body."""
MAX_DEPTH = 2
"""Archives in archives."""
_STEP_BYTES = 4096
"""So much at the most is lost in front of a damage: a reader that comes to it gives nothing of its step."""
_LZMA_MEMORY = 64 * 1024 * 1024
_ZIP_HEAD = 30
_DEFLATED = 8
_BEGINNING = re.compile(rb"PK\x03\x04|\x1f\x8b\x08[\0-\x1f]|BZh[1-9]1AY&SY|\xfd7zXZ\0|\x28\xb5\x2f\xfd", re.DOTALL)


class _Inflate:
    """zlib with the manners of the other readers: what it did not read yet is its own matter."""

    def __init__(self, window_bits: int) -> None:
        self._inflater = zlib.decompressobj(window_bits)

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflater.unconsumed_tail

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length)


_READERS: dict[bytes, Callable[[], Any]] = {
    b"PK": lambda: _Inflate(RAW),
    b"\x1f\x8b": lambda: _Inflate(GZIP),
    b"BZ": bz2.BZ2Decompressor,
    b"\xfd7": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _LZMA_MEMORY),
    b"\x28\xb5": zstd.ZstdDecompressor,
}


def is_archive(data: bytes) -> bool:
    """Whether anything in `data` begins like something that can be unpacked."""
    return _BEGINNING.search(data) is not None


def begins_packed(data: bytes, start: int = 0) -> bool:
    """Whether `data` from `start` on is something that can be unpacked."""
    return _BEGINNING.match(data, start) is not None


def unpacked(data: bytes, max_work_bytes: int = MAX_WORK_BYTES) -> Iterator[bytes]:
    """The members of zips, gzip, bzip2, xz and zstd streams anywhere in `data`, in turn, and theirs. Never raises for
    any bytes; the cost has a limit."""
    return _Unpacker(max_work_bytes).members(data, MAX_DEPTH)


class _Unpacker:
    def __init__(self, max_work_bytes: int) -> None:
        self._work = max_work_bytes
        self._members = MAX_MEMBERS

    def members(self, data: bytes, depth: int) -> Iterator[bytes]:
        for beginning in _BEGINNING.finditer(data):
            if self._work <= 0 or self._members <= 0:
                return
            start = _content(data, beginning)
            if start is None:
                continue
            self._members -= 1
            member = self._read(_READERS[beginning[0][:2]](), data, start)
            if member:
                yield member
                if depth > 1:
                    yield from self.members(member, depth - 1)

    def _read(self, reader: Any, data: bytes, start: int) -> bytes:
        """What comes out until the end, a mistake or the limit."""
        out = bytearray()
        try:
            while self._work > 0 and not reader.eof:
                chunk = data[start : start + _STEP_BYTES] if reader.needs_input else b""
                piece = reader.decompress(chunk, _STEP_BYTES)
                out += piece
                start += len(chunk)
                self._work -= len(chunk) + len(piece)
                if not chunk and not piece:
                    break
        except (zlib.error, OSError, lzma.LZMAError, zstd.ZstdError, EOFError, MemoryError):
            pass  # damaged from here on
        return bytes(out)


def _content(data: bytes, beginning: re.Match[bytes]) -> int | None:
    """Where the compressed bytes begin; None for zip members that are encrypted or, readable as they are, stored."""
    start = beginning.start()
    if not beginning[0].startswith(b"PK"):
        return start
    head = data[start : start + _ZIP_HEAD]
    if len(head) < _ZIP_HEAD or head[6] & 1 or int.from_bytes(head[8:10], "little") != _DEFLATED:
        return None
    return start + _ZIP_HEAD + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
