"""What is compressed inside of binary content: unpacked as far as that is cheap, so that a key in a zip is seen.

Found by how its members begin and not by a directory, which is its sender's word: a zip member that no directory names
is read by some programs all the same. What is encrypted, damaged or beyond the limits is left out; whoever asks says so
anyway, because no binary content counts as scanned.
"""

import base64
import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from pipeline.coding_readers import GZIP, RAW, ZLIB, zstd
from pipeline.media import looks_like_text

MAX_WORK_BYTES = 16 * 1024 * 1024
"""Read and unpacked together, of one body."""
MAX_MEMBERS = 10_000
"""Beginnings that are tried, of one body. A pack of git's has one for each object."""
MAX_DEPTH = 2
"""Archives in archives."""
STEP_BYTES = 4096
"""So much at the most is lost in front of a damage: a reader that comes to it gives nothing of its step."""
_LZMA_MEMORY = 64 * 1024 * 1024
ZIP_HEAD = 30
SAMPLE_BYTES = 256
_GIT_HEAD = re.compile(rb"(?:blob|commit|tag) [0-9]{1,10}\0")
"""In front of a git object that is in no pack."""
BEGINNINGS = (
    *(rb"PK\x03\x04", rb"\x1f\x8b\x08[\x00-\x1f]", rb"BZh[1-9]1AY&SY", rb"\xfd7zXZ\x00", rb"\x28\xb5\x2f\xfd"),
    *(rb"\x78\x01", rb"\x78\x5e", rb"\x78\x9c", rb"\x78\xda"),
)
"""Regexes of how members begin."""
IN_BASE64 = (rb"H4sI", rb"UEsDB", rb"QlpoO", rb"Td6WF", rb"KLUv")
"""The same, but for zlib, in base64, which is how a file is put into JSON."""
BEGINNING = re.compile(b"|".join(BEGINNINGS))
_ENCODED = re.compile(
    rb"(?<![A-Za-z0-9+/_-])(?:H4sI|UEsDB|QlpoO|[/_]Td6WF|KLUv[/_])(?:[A-Za-z0-9+/_-]|\\{1,4}[rn]|[\r\n]){16,}"
)
_NOT_BASE64 = re.compile(rb"\\+[rn]|[\r\n]")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


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


READERS: dict[bytes, Callable[[], Any]] = {
    b"PK": lambda: _Inflate(RAW),
    b"\x1f\x8b": lambda: _Inflate(GZIP),
    b"BZ": bz2.BZ2Decompressor,
    b"\xfd7": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _LZMA_MEMORY),
    b"\x28\xb5": zstd.ZstdDecompressor,
    **{b"\x78" + level: lambda: _Inflate(ZLIB) for level in (b"\x01", b"\x5e", b"\x9c", b"\xda")},
}

DAMAGED = (zlib.error, OSError, lzma.LZMAError, zstd.ZstdError, EOFError, MemoryError)
"""What readers raise."""


def is_archive(data: bytes) -> bool:
    """Whether anything in `data` begins like something that can be unpacked, in base64 or as it is."""
    return BEGINNING.search(data) is not None or any(mark in data for mark in IN_BASE64)


def begins_packed(data: bytes, start: int = 0) -> bool:
    """Whether `data` from `start` on is something that can be unpacked."""
    return BEGINNING.match(data, start) is not None


def unpacked(data: bytes, max_work_bytes: int = MAX_WORK_BYTES) -> Iterator[bytes]:
    """The members of zips, gzip, bzip2, xz and zstd streams anywhere in `data`, in turn, and theirs; of zlib streams
    (PDF, git) those that hold text. What is in base64 counts as well. Never raises for any bytes; the cost has a limit.
    """
    return _Unpacker(max_work_bytes).members(data, MAX_DEPTH)


class _Unpacker:
    def __init__(self, max_work_bytes: int) -> None:
        self._work = max_work_bytes
        self._members = MAX_MEMBERS

    def members(self, data: bytes, depth: int) -> Iterator[bytes]:
        if not data.isascii():  # every beginning has such a byte close behind it
            yield from self._members_of(data, depth)
        for encoded in _ENCODED.finditer(data) if any(mark in data for mark in IN_BASE64) else ():
            decoded = _decoded(encoded[0])
            self._work -= len(decoded)
            yield from self._members_of(decoded, depth)

    def _members_of(self, data: bytes, depth: int) -> Iterator[bytes]:
        for beginning in BEGINNING.finditer(data):
            if self._work <= 0 or self._members <= 0:
                return
            self._members -= 1
            kind = beginning[0][:2]
            member = self._read(READERS[kind](), data, _content(data, beginning), only_text=kind.startswith(b"x"))
            if member:
                yield member
                if depth > 1:
                    yield from self.members(member, depth - 1)

    def _read(self, reader: Any, data: bytes, start: int, *, only_text: bool) -> bytes:
        """What comes out until the end, a mistake or the limit; b"" where it has to be text and is none."""
        out = bytearray()
        try:
            while self._work > 0 and not reader.eof:
                chunk = data[start : start + STEP_BYTES] if reader.needs_input else b""
                piece = reader.decompress(chunk, STEP_BYTES)
                out += piece
                start += len(chunk)
                self._work -= len(chunk) + len(piece)
                if not chunk and not piece:
                    break
                if only_text and len(out) >= SAMPLE_BYTES:
                    if not is_text_member(out):
                        return b""
                    only_text = False
        except DAMAGED:
            pass  # damaged from here on
        return b"" if only_text and not is_text_member(out) else bytes(out)


def is_text_member(out: bytes | bytearray) -> bool:
    """Whether what came out of a zlib stream begins as a text does, a git object's head aside."""
    return looks_like_text(_GIT_HEAD.sub(b"", bytes(out[: 2 * SAMPLE_BYTES]), count=1))


def _decoded(encoded: bytes) -> bytes:
    plain = _NOT_BASE64.sub(b"", encoded)
    return base64.b64decode(plain[: len(plain) // 4 * 4].translate(_TO_STANDARD))


def _content(data: bytes, beginning: re.Match[bytes]) -> int:
    """Where the compressed bytes begin. What a zip member's head says of its coding is not believed: some readers ask
    the directory, and what is stored or encrypted ends as damaged at once."""
    start = beginning.start()
    if not beginning[0].startswith(b"PK"):
        return start
    head = data[start : start + ZIP_HEAD]
    return start + ZIP_HEAD + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
