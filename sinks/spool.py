"""What is still to be delivered, on disk: a queue that survives outages and restarts and stays within a limit."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

SEGMENTS = 8
"""Files the limit is divided into: where it is reached, the oldest file goes."""
SPOOL_BYTES = 64 * 1024 * 1024


class Batch(msgspec.Struct, frozen=True):
    """The oldest entries, and what `done` needs to take them out."""

    entries: tuple[bytes, ...]
    segment: int
    end: int
    """Offset behind them in that segment."""


class _Cursor(msgspec.Struct):
    """`NAME.at`: how far delivery has come. A crash before it is written repeats entries, never skips one."""

    segment: int = 1
    offset: int = 0
    lost: int = 0
    """Entries given up since that was last reported."""


class Spool:
    """A queue of lines in `PATH.000001`, `PATH.000002`, ..., readable by their owner only.

    Appended whole or not at all; a line cut short by a crash is dropped. Not synced to the disk: the audit log has what
    a power cut could take from here. One process at a time; its threads may share it.
    """

    def __init__(self, path: Path, *, limit_bytes: int = SPOOL_BYTES) -> None:
        """Continues what an earlier run left. Raises `OSError`."""
        self.path = path
        self._segment_bytes = max(1, limit_bytes // SEGMENTS)
        self._lock = threading.Lock()
        self._cursor = _read_cursor(self._cursor_path)
        segments = self._segments()
        self._first = max(self._cursor.segment, min(segments, default=1))
        self._last = max([self._first, *segments])
        if self._first != self._cursor.segment:
            self._cursor.segment, self._cursor.offset = self._first, 0
        self._cursor.offset = min(self._cursor.offset, self._size(self._first))
        for number in segments:
            if number < self._first:
                self._file(number).unlink()
        self._counts = {n: self._repaired_count(n) for n in segments if n >= self._first}

    @property
    def pending(self) -> int:
        """Entries that are not delivered yet."""
        return sum(self._counts.values())

    @property
    def lost(self) -> int:
        """Entries given up for want of room since `forget_lost`."""
        return self._cursor.lost

    def append(self, entries: Sequence[bytes]) -> None:
        """Add entries, each one line without its newline. Where the limit is reached the oldest go and are counted.
        Raises `OSError`; then nothing was added."""
        if not entries:
            return
        with self._lock:
            if self._size(self._last) >= self._segment_bytes:
                self._last += 1
            _append(self._file(self._last), b"".join(entry + b"\n" for entry in entries))
            self._counts[self._last] = self._counts.get(self._last, 0) + len(entries)
            while self._last - self._first >= SEGMENTS:
                self._cursor.lost += self._counts.get(self._first, 0)
                self._next_segment()

    def peek(self, limit: int) -> Batch | None:
        """Up to `limit` of the oldest entries, or None where nothing waits. They stay until `done`.
        Raises `OSError`."""
        with self._lock:
            while self._first < self._last and not self._counts.get(self._first):
                self._next_segment()
            if not self._counts.get(self._first):
                return None
            with self._file(self._first).open("rb") as file:
                file.seek(self._cursor.offset)
                entries = [file.readline() for _ in range(min(limit, self._counts[self._first]))]
                return Batch(tuple(entry[:-1] for entry in entries), self._first, file.tell())

    def done(self, batch: Batch) -> None:
        """The entries of `batch` are delivered. Nothing happens where they were given up meanwhile."""
        with self._lock:
            if batch.segment != self._first:
                return
            self._cursor.offset = batch.end
            self._counts[self._first] -= len(batch.entries)
            if self.pending == 0:
                self._last += 1  # a file that is read to its end goes; the next entry begins a new one
                self._next_segment()
            else:
                self._keep_cursor()

    def forget_lost(self, count: int) -> None:
        """`count` of the lost entries were reported."""
        with self._lock:
            self._cursor.lost -= count
            self._keep_cursor()

    def give_up(self, count: int) -> None:
        """Count entries that never came in as lost. On the disk with the next delivery: this happens in floods."""
        with self._lock:
            self._cursor.lost += count

    def _next_segment(self) -> None:
        """The cursor first: a crash between the two leaves a file that the next start removes."""
        old = self._first
        self._first += 1
        self._last = max(self._last, self._first)
        self._cursor.segment, self._cursor.offset = self._first, 0
        self._counts.pop(old, None)
        self._keep_cursor()
        self._file(old).unlink(missing_ok=True)

    def _keep_cursor(self) -> None:
        temporary = self._cursor_path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(self._cursor))
        temporary.replace(self._cursor_path)

    @property
    def _cursor_path(self) -> Path:
        return self.path.with_name(self.path.name + ".at")

    def _file(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number:06d}")

    def _size(self, number: int) -> int:
        try:
            return self._file(number).stat().st_size
        except FileNotFoundError:
            return 0

    def _segments(self) -> list[int]:
        found = self.path.parent.glob(f"{self.path.name}.*")
        return sorted(int(file.suffix[1:]) for file in found if file.suffix[1:].isdigit())

    def _repaired_count(self, number: int) -> int:
        """Entries of a segment behind the cursor, after cutting off a line that has no end."""
        file = self._file(number)
        start = self._cursor.offset if number == self._first else 0
        size = lines = 0
        with file.open("rb+") as stream:
            stream.seek(start)
            for line in stream:
                if line.endswith(b"\n"):
                    size, lines = size + len(line), lines + 1
            stream.truncate(start + size)
        return lines


def waiting(path: Path) -> tuple[int, int]:
    """Entries that wait in the spool at `path`, and those lost and not reported yet; looks only, and changes nothing.
    Raises `OSError`."""
    cursor, pending = _read_cursor(path.with_name(path.name + ".at")), 0
    for file in path.parent.glob(f"{path.name}.*"):
        if file.suffix[1:].isdigit() and int(file.suffix[1:]) >= cursor.segment:
            with file.open("rb") as stream:
                stream.seek(cursor.offset if int(file.suffix[1:]) == cursor.segment else 0)
                pending += sum(line.endswith(b"\n") for line in stream)
    return pending, cursor.lost


def undelivered(directory: Path) -> int:
    """Entries that wait in any spool of a directory, and those that had no room. Raises `OSError`."""
    bases = {file.with_suffix("") for file in directory.glob("*.spool.*")}
    return sum(sum(waiting(base)) for base in bases)


def _append(file: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(file, flags, 0o600)
    try:
        before = os.fstat(descriptor).st_size
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)


def _read_cursor(path: Path) -> _Cursor:
    """A cursor that cannot be read is one at the start: entries come again rather than not at all."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Cursor)
    except (FileNotFoundError, msgspec.MsgspecError):
        return _Cursor()
