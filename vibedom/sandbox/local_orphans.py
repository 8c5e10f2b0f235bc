"""A register of the local sandboxes of one home: one small file each, so that what a crash left behind is found."""

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec

from vibedom.process_identity import start_ticks
from vibedom.sandbox import local_cgroup
from vibedom.sandbox.runtime import Leftover


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What exists for one sandbox, and who answers for it."""

    session: str
    owner_pid: int
    owner_started: int
    """Clock ticks after boot at which the owner started: a PID alone is used again."""
    launcher_pid: int
    launcher_started: int
    work: str
    """The overlay's work directory."""
    groups: list[str]
    freezer: str | None = None
    """The file that thaws a version 1 freezer, if there is one."""


class Register:
    """The files of the register in one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, entry: Entry) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(entry.session)
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(entry))

    def forget(self, session: str) -> None:
        self._path(session).unlink(missing_ok=True)

    def orphans(self) -> Iterator[Entry]:
        """Entries whose owner is gone. A file cut short by a crash has no process: it is written before one starts."""
        for path in sorted(self._directory.glob("*.json")):
            try:
                entry = msgspec.json.decode(path.read_bytes(), type=Entry)
            except (OSError, msgspec.DecodeError):
                continue
            if start_ticks(entry.owner_pid) != entry.owner_started:
                yield entry

    def _path(self, session: str) -> Path:
        return self._directory / f"{session}.json"


def leftovers(entry: Entry) -> list[Leftover]:
    """What is still there of an orphan."""
    found = []
    if _is_launcher_alive(entry):
        found.append(Leftover(session=entry.session, kind="process", name=str(entry.launcher_pid)))
    for group in entry.groups:
        if Path(group).is_dir():
            found.append(Leftover(session=entry.session, kind="cgroup", name=group))
    return found


def end(entry: Entry) -> bool:
    """Kill and remove what is left of an orphan; False if a group still holds a dying process."""
    if entry.freezer is not None:
        with contextlib.suppress(OSError):
            Path(entry.freezer).write_text("THAWED")
    if _is_launcher_alive(entry):
        with contextlib.suppress(ProcessLookupError):
            os.kill(entry.launcher_pid, signal.SIGKILL)
    clear_work(Path(entry.work))
    removed = [local_cgroup.remove(Path(group)) for group in entry.groups]
    return all(removed)


def clear_work(work: Path) -> None:
    """Empty an overlay's work directory. The kernel leaves a directory of mode 0 there, which its owner cannot list."""
    for left in (work / "work", work / "index"):
        if left.is_dir() and not left.is_symlink():
            left.chmod(0o700)
            shutil.rmtree(left)


def _is_launcher_alive(entry: Entry) -> bool:
    return start_ticks(entry.launcher_pid) == entry.launcher_started
