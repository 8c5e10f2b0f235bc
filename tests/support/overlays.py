"""Overlays for tests: a real mount where the tests run as root, and a writer of upper directories for everybody."""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vibedom.workspace.base import Base, record_base
from vibedom.workspace.changes import Change
from vibedom.workspace.overlay import read_changes


def fast_directory() -> str | None:
    """Where many short-lived projects are made: memory, if an overlay can be kept there, because every apply is made
    durable and a disk takes its time for that. None is the usual place."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as probe:
        try:
            os.setxattr(probe, "user.overlay.probe", b"y")
        except OSError:
            return None
        return os.path.dirname(probe)


class Project:
    """A workspace, its overlay's upper directory, its recorded base and its journal, below one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = root / "workspace"
        self.upper = root / "upper"
        self.work = root / "work"
        self.merged = root / "merged"
        self.base_file = root / "base.jsonl"
        self.journal = root / "apply"
        for directory in (self.workspace, self.upper, self.work, self.merged):
            directory.mkdir(exist_ok=True)

    def start(self) -> None:
        """What a session's start does."""
        record_base(self.workspace, self.base_file)

    def changes(self, **options: object) -> list[Change]:
        with Base(self.base_file) as base:
            return read_changes(self.upper, self.workspace, base, **options)  # type: ignore[arg-type]

    @contextmanager
    def mounted(self, *, options: str = "") -> Iterator[Path]:
        """The agent's view, as the kernel makes it. Needs root."""
        layers = f"lowerdir={self.workspace},upperdir={self.upper},workdir={self.work}{options}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(self.merged)], check=True)
        try:
            yield self.merged
        finally:
            subprocess.run(["umount", str(self.merged)], check=True)


def snapshot(root: Path, *, times: bool = False) -> dict[bytes, tuple[object, ...]]:
    """Everything below `root`: type, permission bits, content or target, and the mtime on request."""
    found: dict[bytes, tuple[object, ...]] = {}
    start = os.fsencode(root)
    for directory, directories, files in os.walk(start):
        for name in directories + files:
            path = os.path.join(directory, name)
            found[os.path.relpath(path, start)] = _state(path, times=times)
    return found


def _state(path: bytes, *, times: bool) -> tuple[object, ...]:
    status = os.lstat(path)
    mtime = (status.st_mtime_ns,) if times else ()
    if stat.S_ISLNK(status.st_mode):
        return ("symlink", os.readlink(path), *mtime)
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            return ("file", stat.S_IMODE(status.st_mode), file.read(), *mtime)
    kind = "directory" if stat.S_ISDIR(status.st_mode) else "other"
    return (kind, stat.S_IMODE(status.st_mode), *mtime)
