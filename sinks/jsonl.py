"""The audit log: one record a line, chained, in files only their owner can read."""

import os
import re
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread

from pipeline.events import Record
from sinks import chain, retention
from sinks.append_file import MAX_TAIL_BYTES, AppendFile
from sinks.append_file import Fsync as Fsync
from sinks.chain import ChainError, Link
from sinks.line import LineFormat
from sinks.parts import BAD_ARCHIVE, compress, is_compressed, number_of, parts, tail
from sinks.retention import Keeping, Removal

MAX_NOW_BYTES = 64 * 1024
_SESSION = re.compile(r"[A-Za-z0-9._-]{1,128}")


class JsonlSink:
    """Appends records to a log, a batch whole or not at all: after a failure nothing of it is in the file, the chain
    has not moved, and the same records can be given again. Continues the log of an earlier run of the session.
    """

    name = "jsonl"

    def __init__(
        self,
        path: Path,
        *,
        session: str,
        fsync: Fsync = "interval",
        rotate_bytes: int | None = None,
        keeping: Keeping = Keeping(),  # noqa: B008  # frozen
    ) -> None:
        """Raises `OSError`, or `ChainError` where what is there cannot be continued: another session's log, or one
        that is damaged or cut short at its end. `rotate_bytes`: a longer file is kept as `NAME.000001.jsonl`, ...
        """
        if not _SESSION.fullmatch(session):
            raise ValueError("a session's name is 1-128 letters, digits, dots, hyphens or underscores")
        self._path = path
        self._fsync = fsync
        self._rotate_bytes = rotate_bytes
        self._keeping = keeping
        self._session = session
        self._parts_lock = threading.Lock()
        self._stop = threading.Event()
        self._rotation = anyio.Event()
        self._format = LineFormat(session)
        self._log = AppendFile(path, fsync=fsync)
        try:
            dropped = self._log.cut_unfinished_line()
            self.link = self._last_link(session)
            self._head = os.open(chain.head_path(path), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except BaseException:
            self._log.close()
            raise
        retention.finish(path, self._parts_lock)
        self._append([_recovered(session, dropped)] if dropped else [], removal=self._due())

    async def write(self, records: Sequence[Record], /) -> None:
        """Raises `OSError` (a full disk, above all); then nothing of the batch is in the file."""
        part = self._log
        await anyio.to_thread.run_sync(self._append, records)
        if self._log is not part:
            self._rotation.set()

    def write_now(self, records: Sequence[Record], /) -> bool:
        """As `write`, without a thread: a few lines into the kernel's memory take less than the way to one. False where
        the disk would have to be waited for, where the file is due for rotation, and for more than a few lines."""
        if self._log.is_sync_due or self._is_rotation_due:
            return False
        link, data = self._sealed(records)
        if len(data) > MAX_NOW_BYTES:
            return False
        self._log.append(data)
        self.link = link
        self._keep_head()
        return True

    async def run_beside(self) -> None:
        """Compress what was rotated away, apart from the writing."""
        while self._keeping.compress and not self._stop.is_set():
            rotation = self._rotation = anyio.Event()
            await anyio.to_thread.run_sync(self._compress_parts)
            await rotation.wait()

    async def aclose(self) -> None:
        """Flush to the disk and close. Safe more than once."""
        self._stop.set()
        self._rotation.set()
        await anyio.to_thread.run_sync(self._close)

    def _append(self, records: Sequence[Record], *, removal: Removal | None = None) -> None:
        if self._is_rotation_due:
            self._rotate()
            removal = self._due()
        if removal is not None:
            records = [retention.removal_record(self._session, removal), *records]
        if not records:
            return
        link, data = self._sealed(records)
        self._log.append(data)
        self.link = link
        self._keep_head()
        if removal is not None:
            retention.carry_out(self._path, removal, self._parts_lock)

    @property
    def _is_rotation_due(self) -> bool:
        return self._rotate_bytes is not None and self._log.size >= self._rotate_bytes

    def _sealed(self, records: Sequence[Record]) -> tuple[Link, bytes]:
        """The lines of `records`, and the link that follows when they are in the file."""
        link, lines = self.link, []
        for record in records:
            digest, line = chain.seal(link.hash, self._format.body(link.seq + 1, record))
            link = Link(link.seq + 1, digest)
            lines.append(line)
        return link, b"".join(lines)

    def _due(self) -> Removal | None:
        with self._parts_lock:
            return retention.due(self._path, self._keeping)

    def _compress_parts(self) -> None:
        """What cannot be compressed stays as it is until the next rotation or run."""
        for part in parts(self._path):
            if number_of(part) and not is_compressed(part):
                with suppress(OSError):
                    compress(part, lock=self._parts_lock, stop=self._stop)

    def _keep_head(self) -> None:
        """In place and of fixed width. Where this fails the lines stand all the same, and giving them again would
        double them: a head that is behind its log proves less, but is not wrong."""
        with suppress(OSError):
            os.pwrite(self._head, chain.link_text(self.link), 0)

    def _rotate(self) -> None:
        """Between batches, so that a failure leaves nothing half-written. A crash between the renames leaves no file of
        the log's own name: the next run makes it."""
        number = max(map(number_of, parts(self._path)), default=0) + 1
        following = self._path.with_name(self._path.name + ".next")
        fresh = AppendFile(following, fsync=self._fsync)
        os.rename(self._path, self._path.with_name(f"{self._path.stem}.{number:06d}{self._path.suffix}"))
        os.rename(following, self._path)
        self._log.close()
        self._log = fresh

    def _close(self) -> None:
        if self._head >= 0:
            os.close(self._head)
            self._head = -1
        self._log.close()

    def _last_link(self, session: str) -> Link:
        link = self._read_last_link(session)
        head = chain.read_head(self._path)
        if head is not None and head.seq > link.seq:
            raise ChainError(f"{self._path}: lines {link.seq + 1} to {head.seq} are missing at its end; move it away")
        return link

    def _read_last_link(self, session: str) -> Link:
        end, source = self._log.tail(MAX_TAIL_BYTES), self._path
        rotated = [part for part in parts(self._path) if part != self._path]
        if not end and rotated:
            source = rotated[-1]
            end = _end_of(source)
        if not end:
            return chain.start(session)
        found = chain.read_link(end.removesuffix(b"\n").rpartition(b"\n")[2])
        if found is None:
            raise ChainError(f"{source}: its last line is not one of an audit log; move the file away")
        if found[0] != session:
            raise ChainError(f"{source}: belongs to session {found[0]!r}, not to {session!r}")
        return found[1]


def _end_of(part: Path) -> bytes:
    try:
        return tail(part, MAX_TAIL_BYTES)
    except BAD_ARCHIVE:
        raise ChainError(f"{part}: the compressed file is damaged; move it away") from None


def _recovered(session: str, dropped: int) -> Record:
    note = f"the log ended in an unfinished line; {dropped} bytes of it were dropped"
    return Record(kind="session", flow=session, at=time.time(), verdict="allow", reason="recovered", note=note)
