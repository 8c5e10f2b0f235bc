"""Reads what is appended to a log, across rotations, a bounded piece at a time."""

import os
from collections.abc import Iterator
from pathlib import Path

PIECE_BYTES = 512 << 10
"""Read in one call at the most: a flood is read over many calls, and nothing else waits for it."""


class LogTail:
    """Follows `path`, which may not exist yet. Lines are given once, whole, in order; one that is not finished waits.

    It keeps the file open, so that what is written just before a rotation is read after it.
    """

    def __init__(self, path: Path, *, last_bytes: int) -> None:
        """`last_bytes`: how much of what is there already is read."""
        self._path = path
        self._fd = -1
        self._rest = b""
        self._start(path, last_bytes)

    def read(self) -> list[bytes]:
        """The lines that were finished since the last call; at most `PIECE_BYTES` of them."""
        data = self._more()
        if not data:
            return []
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[:PIECE_BYTES]
        return lines

    def close(self) -> None:
        """Safe more than once."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _more(self) -> bytes:
        if self._fd < 0:
            self._start(self._path, None)
        data = os.read(self._fd, PIECE_BYTES) if self._fd >= 0 else b""
        if data or self._fd < 0 or not self._was_replaced():
            return data
        if data := os.read(self._fd, PIECE_BYTES):  # written between the last read and the rotation
            return data
        following = next(self._after_this(), self._path)
        self.close()
        self._rest = b""
        self._start(following, None)
        return os.read(self._fd, PIECE_BYTES) if self._fd >= 0 else b""

    def _was_replaced(self) -> bool:
        try:
            return not os.path.samestat(os.stat(self._path), os.fstat(self._fd))
        except FileNotFoundError:  # between the two renames of a rotation
            return False

    def _after_this(self) -> Iterator[Path]:
        """Parts that were rotated after the one that is open: more than one between two calls."""
        is_after = False
        for part in sorted(self._path.parent.glob(f"{self._path.stem}.[0-9]*{self._path.suffix}")):
            if is_after:
                yield part
            elif os.path.samestat(part.stat(), os.fstat(self._fd)):
                is_after = True

    def _start(self, path: Path, last_bytes: int | None) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return
        if last_bytes is not None:
            at = max(0, os.fstat(self._fd).st_size - last_bytes)
            os.lseek(self._fd, at, os.SEEK_SET)
            if at:
                self._skip_cut_line()

    def _skip_cut_line(self) -> None:
        start = os.lseek(self._fd, 0, os.SEEK_CUR)
        end = os.read(self._fd, PIECE_BYTES).find(b"\n")
        os.lseek(self._fd, start + end + 1 if end >= 0 else 0, os.SEEK_SET if end >= 0 else os.SEEK_END)
