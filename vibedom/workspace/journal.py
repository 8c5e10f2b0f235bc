"""What an apply is about to do, written down before it does anything: `NNNN/` below the session's `apply/`.

    NNNN/steps.jsonl   header, then one line per step, durable before the first step
    NNNN/backup/N      content of the file that step N replaces or removes
    NNNN/content/N     what step N writes, where that is not the agent's file: some of its hunks, or a merge
    NNNN/state         applying | applied | undoing | undone; absent while backups are still made

So a crash leaves one of: no `state` (nothing was touched), `applying` (run the steps again), `undoing` (run them
backwards again).
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from vibedom.errors import WorkspaceError
from vibedom.workspace.durable import FEW, sync_at, sync_filesystem
from vibedom.workspace.entry import Entry
from vibedom.workspace.spelling import spell, unspell
from vibedom.workspace.step import Step

State = Literal["preparing", "applying", "applied", "undoing", "undone"]

_ENCODER = msgspec.json.Encoder()


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """First line of `steps.jsonl`. Paths are spelled."""

    version: int = 1
    token: str
    workspace: str
    upper: str
    base_file: str
    parents: tuple[tuple[str, Entry], ...] = ()
    """Directories that stay and are written into, as they were."""
    twins: tuple[tuple[str, Entry], ...] = ()
    """Other names of replaced files (`twins.py`), as they were."""


class Journal:
    """One apply's directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def state(self) -> State:
        try:
            state: State = msgspec.convert((self.directory / "state").read_text(), State)
        except FileNotFoundError:
            return "preparing"
        except msgspec.ValidationError as error:
            raise WorkspaceError(f"{self.directory / 'state'} is damaged; nothing was applied or undone") from error
        return state

    def enter(self, state: State) -> None:
        """Move to `state`, durably."""
        _write_durably(self.directory / "state", state.encode())

    def backup(self, step: Step) -> Path:
        return self.directory / "backup" / str(step.number)

    @property
    def contents(self) -> Path:
        """Where `content` is, made where an older version left a journal without it."""
        directory = self.directory / "content"
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory

    def content(self, step: Step) -> Path:
        return self.directory / "content" / str(step.number)

    def write(self, header: Header, steps: Sequence[Step]) -> None:
        """Write everything down, durably."""
        spelled = (msgspec.structs.replace(step, path=spell(step.path)) for step in steps)
        lines = [_ENCODER.encode(header), *(_ENCODER.encode(step) for step in spelled)]
        for name in ("backup", "content"):
            self._sync_files(name)
        _write_durably(self.directory / "steps.jsonl", b"\n".join(lines) + b"\n")

    def _sync_files(self, name: str) -> None:
        fd = os.open(self.directory / name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            names = os.listdir(fd)
            if len(names) > FEW:
                sync_filesystem(fd)
            for each in names if len(names) <= FEW else ():
                sync_at(fd, each)
            os.fsync(fd)
        finally:
            os.close(fd)

    def read(self) -> tuple[Header, list[Step]]:
        """Raises `WorkspaceError` where the journal is damaged."""
        try:
            first, *lines = (self.directory / "steps.jsonl").read_bytes().splitlines()
            steps = [msgspec.json.decode(line, type=Step) for line in lines]
            header = msgspec.json.decode(first, type=Header)
        except (OSError, ValueError) as error:
            raise WorkspaceError(f"{self.directory} is damaged; nothing was applied or undone") from error
        return header, [msgspec.structs.replace(step, path=unspell(step.path)) for step in steps]

    def discard(self) -> None:
        """Forget an apply that never touched anything."""
        shutil.rmtree(self.directory)


@contextmanager
def locked(directory: Path) -> Iterator[list[Journal]]:
    """All journals below `directory`, oldest first, while no other process applies or undoes there.

    Raises `WorkspaceError` where another one does.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkspaceError(f"another vibedom is applying this session ({directory}); wait for it") from error
        names = sorted(name for name in os.listdir(directory) if name.isdecimal())
        yield [Journal(directory / name) for name in names]
    finally:
        os.close(fd)


def new_journal(directory: Path, journals: Sequence[Journal]) -> Journal:
    """Make the next journal below `directory`."""
    number = int(journals[-1].directory.name) + 1 if journals else 1
    journal = Journal(directory / f"{number:04d}")
    for name in ("backup", "content"):
        (journal.directory / name).mkdir(mode=0o700, parents=True)
    return journal


def fsync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_durably(file: Path, data: bytes) -> None:
    temporary = file.with_name(file.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    temporary.replace(file)
    fsync_directory(file.parent)
