"""What is packed in a body that streams, unpacked as it passes: in bounded memory, at a cost that has a limit."""

from collections.abc import Callable

from pipeline.archives import (
    BEGINNING,
    DAMAGED,
    MAX_DEPTH,
    READERS,
    SAMPLE_BYTES,
    STEP_BYTES,
    ZIP_HEAD,
    is_archive,
    is_text_member,
)

MAX_WORK_BYTES = 64 * 1024 * 1024
"""Read and unpacked together, of one body."""
MAX_STEP_BYTES = 16 * 1024 * 1024
"""The same, of one chunk: a member that grows more is given up."""
MAX_UNDER_WAY = 16
"""Members that are read at the same time. Most beginnings are none and end at once."""
OVERLAP_BYTES = 4 * 1024
"""So much of a member is given again with what comes next."""
_TAIL_BYTES = 9
"""The longest beginning has one more."""


class _Room:
    """Bytes that may still be read and unpacked."""

    def __init__(self) -> None:
        self.left = 0
        self._all = MAX_WORK_BYTES

    def begin(self) -> None:
        """Another chunk has come."""
        self.left = min(MAX_STEP_BYTES, self._all)

    def spend(self, count: int) -> None:
        self.left -= count
        self._all -= count


class Unpacking:
    """Takes a body in chunks of any size. Never raises for any bytes."""

    def __init__(
        self, may_begin: Callable[[bytes], bool] = is_archive, depth: int = MAX_DEPTH, room: _Room | None = None
    ) -> None:
        """`may_begin`: a quick look whether anything in some bytes begins like a member."""
        self._may_begin = may_begin
        self._depth = depth
        self._room = room or _Room()
        self._is_outermost = room is None
        self._members: list[_Member] = []
        self._tail = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """What came out of members with this chunk, each with the end of what came out of it before."""
        if self._is_outermost:
            self._room.begin()
        data = self._tail + chunk
        self._tail = data[-_TAIL_BYTES:]
        if not self._members and not self._may_begin(data):
            return []
        out = [text for member in self._members for text in member.feed(chunk)]
        before = len(data) - len(chunk)
        for beginning in BEGINNING.finditer(data):
            if beginning.end() > before and len(self._members) < MAX_UNDER_WAY:
                member = _Member(beginning[0][:2], self._below(), self._room)
                out += member.feed(data[beginning.start() :])
                self._members += [] if member.is_over else [member]
        self._members = [member for member in self._members if not member.is_over]
        return out

    def _below(self) -> "Unpacking | None":
        """For what is packed in a member."""
        return Unpacking(self._may_begin, self._depth - 1, self._room) if self._depth > 1 else None


class _Member:
    """One that is under way."""

    def __init__(self, kind: bytes, inner: "Unpacking | None", room: _Room) -> None:
        self.is_over = False
        self._reader = READERS[kind]()
        self._room = room
        self._head = b"" if kind == b"PK" else None
        self._skipped = 0
        self._sample = b"" if kind.startswith(b"x") else None
        self._last = b""
        self._inner = inner

    def feed(self, data: bytes) -> list[bytes]:
        text = self._sampled(self._unpacked(self._content(data)))
        if not text:
            return []
        whole = self._last + text
        self._last = whole[-OVERLAP_BYTES:]
        return [whole, *(self._inner.feed(text) if self._inner else ())]

    def _content(self, data: bytes) -> bytes:
        """`data` without the head of a zip member, and the names behind it."""
        if self._head is not None:
            data = self._head + data
            if len(data) < ZIP_HEAD:
                self._head = data
                return b""
            self._head = None
            self._skipped = int.from_bytes(data[26:28], "little") + int.from_bytes(data[28:30], "little")
            data = data[ZIP_HEAD:]
        rest = data[self._skipped :]
        self._skipped -= len(data) - len(rest)
        return rest

    def _unpacked(self, data: bytes) -> bytes:
        out = bytearray()
        try:
            while self._room.left > 0 and not self._reader.eof:
                chunk, data = (data[:STEP_BYTES], data[STEP_BYTES:]) if self._reader.needs_input else (b"", data)
                piece = self._reader.decompress(chunk, STEP_BYTES)
                out += piece
                self._room.spend(len(chunk) + len(piece))
                if not chunk and not piece:
                    break
        except DAMAGED:
            self.is_over = True
        self.is_over = self.is_over or self._reader.eof or self._room.left <= 0
        return bytes(out)

    def _sampled(self, text: bytes) -> bytes:
        """`text`, or of a zlib stream nothing until there is enough of it to tell whether it is text at all."""
        if self._sample is None:
            return text
        self._sample += text
        if len(self._sample) < SAMPLE_BYTES and not self.is_over:
            return b""
        text, self._sample = self._sample, None
        if is_text_member(text):
            return text
        self.is_over = True
        return b""
