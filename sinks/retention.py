"""How long an audit log keeps its rotated parts, and how it says that lines are gone."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from pipeline.events import Record
from sinks import chain
from sinks.append_file import MAX_TAIL_BYTES
from sinks.chain import Link
from sinks.parts import BAD_ARCHIVE, is_compressed, number_of, parts, tail


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to the parts a log has rotated away. The file being written is never touched."""

    compress: bool = False
    max_age_seconds: float | None = None
    """Parts whose last line is older are removed."""
    max_bytes: int | None = None
    """The oldest parts are removed while all files together are larger."""


class Removal(msgspec.Struct, frozen=True):
    """Parts that are due, the oldest first, and the last line of the last of them."""

    files: tuple[Path, ...]
    floor: Link


def due(path: Path, keeping: Keeping) -> Removal | None:
    """What is to be removed now. A part whose end cannot be read stays, and so do all behind it. Raises `OSError`."""
    kept = [part for part in parts(path) if part != path]
    going: list[Path] = []
    now = time.time()
    size = sum(part.stat().st_size for part in kept) + (path.stat().st_size if path.exists() else 0)
    for part in kept:
        about = part.stat()
        is_old = keeping.max_age_seconds is not None and about.st_mtime < now - keeping.max_age_seconds
        is_over = keeping.max_bytes is not None and size > keeping.max_bytes
        if not is_old and not is_over:
            break
        going.append(part)
        size -= about.st_size
    floor = _last_link(going[-1]) if going else None
    return Removal(tuple(going), floor) if floor else None


def removal_record(session: str, removal: Removal) -> Record:
    """The line that has to be in the log before the parts go."""
    note = removal_note(removal.floor)
    return Record(kind="session", flow=session, at=time.time(), verdict="allow", reason="retention", note=note)


def removal_note(floor: Link) -> str:
    return f"lines 1 to {floor.seq} are removed; the last of them had the hash {floor.hash.decode()}"


def is_removal(line: bytes, floor: Link) -> bool:
    """Whether `line` says that everything up to `floor` was removed."""
    return b'"reason":"retention"' in line and removal_note(floor).encode() in line and b'"kind":"session"' in line


def carry_out(path: Path, removal: Removal, lock: threading.Lock) -> None:
    """Remove the parts, the floor first: a crash in between leaves parts that are known to be gone. What cannot be
    removed stays, and is due again."""
    with suppress(OSError), lock:
        _keep_floor(path, removal.floor)
        for part in removal.files:
            for form in {part, part if is_compressed(part) else part.with_name(part.name + ".gz")}:
                form.unlink(missing_ok=True)


def finish(path: Path, lock: threading.Lock) -> None:
    """Remove what an interrupted removal left. Raises `OSError`, `ChainError`."""
    floor = chain.read_floor(path)
    if floor is None:
        return
    for part in parts(path):
        last = _last_link(part) if number_of(part) else None
        if last is None or last.seq > floor.seq:
            return
        carry_out(path, Removal((part,), floor), lock)


def _last_link(part: Path) -> Link | None:
    try:
        end = tail(part, MAX_TAIL_BYTES)
    except BAD_ARCHIVE:
        return None
    found = chain.read_link(end.removesuffix(b"\n").rpartition(b"\n")[2])
    return found[1] if found else None


def _keep_floor(path: Path, floor: Link) -> None:
    fresh = path.with_name(path.name + ".floor.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(chain.link_text(floor))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(chain.floor_path(path))
