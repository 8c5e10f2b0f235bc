"""Carries out steps on the host's tree. Killed at any point, running the same steps again ends in the same state.

Order: what is removed, deepest first; new directories; files and links, in batches that are written, made durable and
then renamed; last the modes of directories, so that a read-only one can be filled first.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import msgspec

from vibedom.errors import ConflictError
from vibedom.workspace.base import sort_key
from vibedom.workspace.durable import FEW, sync_at, sync_directories
from vibedom.workspace.entry import Entry
from vibedom.workspace.spelling import visible
from vibedom.workspace.staging import chmod_at, give_at, stage_file, stage_link
from vibedom.workspace.step import Step, is_at
from vibedom.workspace.tree import Tree

BATCH = 1024
Source = Callable[[Step], AbstractContextManager[int]]
"""Opens what a step writes."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Steps and all that is needed to carry them out."""

    steps: Sequence[Step]
    source: Source
    token: str
    """Part of the temporary names; the same in every run of the same job."""
    parents: Sequence[tuple[str, Entry]] = ()
    """Directories that are there before and after, and are written into: they get their mode back."""
    restores_times: bool = False
    """Files and directories also get their old mtime: undo."""
    is_lenient: bool = False
    """Paths that somebody else has changed are left alone instead of ending the run: rollback."""
    is_rerun: bool = False
    """An earlier run of the same job may have left temporary files."""
    notify: Callable[[str], None] = lambda event: None
    """Called after everything that touched the host's tree."""


def execute(job: Job, tree: Tree) -> Mapping[str, Entry | None]:
    """Do what is not done yet, and return what is at each path now, seen at the moment its step was complete.

    Raises `ConflictError` for a path that is neither before nor after its step; a lenient job leaves it out instead.
    """
    execution = _Execution(job, tree)
    execution.run()
    return execution.states


class _Execution:
    def __init__(self, job: Job, tree: Tree) -> None:
        self._job, self._tree = job, tree
        self._steps = sorted(job.steps, key=lambda step: sort_key(step.path))
        self._dirty: set[str] = set()
        self._own = {step.path for step in self._steps}
        self.states: dict[str, Entry | None] = {}

    def run(self) -> None:
        self._open_directories()
        if self._job.is_rerun:
            self._drop_temporaries()
        for step in reversed(self._steps):
            if step.removes:
                with _named(step):
                    self._remove(step)
        for step in self._steps:
            if step.makes_directory:
                with _named(step):
                    self._make_directory(step)
        puts = [step for step in self._steps if step.puts]
        for at in range(0, len(puts), BATCH):
            self._put(puts[at : at + BATCH])
        for step in self._steps:
            if step.is_mode_only:
                with _named(step):
                    self._change_mode(step)
        self._finish_directories()

    def _temporary(self, step: Step) -> str:
        return f".vibedom-{self._job.token}-{step.number}.tmp"

    def _open_directories(self) -> None:
        """Let this user write into directories whose own mode forbids it; they get their mode back at the end."""
        if os.geteuid() == 0:
            return
        own = [(each.path, each.before) for each in self._steps if each.before and each.before.type == "directory"]
        for path, entry in sorted([*self._job.parents, *own], key=lambda item: sort_key(item[0])):
            if not path or entry.mode & 0o300 == 0o300:
                continue
            now = self._tree.lstat(path)
            if now is not None and now.type == "directory":
                with self._tree.parent(path) as (directory, name):
                    chmod_at(directory, name, entry.mode | 0o700)

    def _drop_temporaries(self) -> None:
        """What an earlier run that was killed has left."""
        for step in self._steps:
            above, _, _ = step.path.rpartition("/")
            left = self._tree.lstat(f"{above}/{self._temporary(step)}" if above else self._temporary(step))
            if left is not None and left.type in ("file", "symlink"):
                with self._tree.parent(step.path) as (directory, _):
                    os.unlink(self._temporary(step), dir_fd=directory)

    def _is_to_do(self, step: Step) -> bool:
        """False where it is done already. What is between two types passes through absence itself."""
        if is_at(self._tree, step.path, step.after):
            self.states[step.path] = self._tree.lstat(step.path)
            return False
        if is_at(self._tree, step.path, step.before) or (step.removes and is_at(self._tree, step.path, None)):
            return True
        if self._job.is_lenient:
            return False
        raise ConflictError(f"{visible(step.path)} was changed by somebody else meanwhile; nothing was overwritten")

    def _remove(self, step: Step) -> None:
        now = self._tree.lstat(step.path)
        if not self._is_to_do(step) or now is None:
            return
        with self._tree.parent(step.path) as (directory, name):
            if now.type != "directory":
                os.unlink(name, dir_fd=directory)
            else:
                self._remove_directory(directory, name, step.path)
        self._touched(step, "removed")

    def _remove_directory(self, directory: int, name: str, path: str) -> None:
        try:
            os.rmdir(name, dir_fd=directory)
        except OSError as error:
            if not self._job.is_lenient:
                raise ConflictError(f"{visible(path)} is not empty: it holds something new of the host's") from error

    def _make_directory(self, step: Step) -> None:
        if step.after is None or not self._is_to_do(step):
            return
        with self._tree.parent(step.path) as (directory, name):
            os.mkdir(name, 0o700, dir_fd=directory)
            give_at(directory, name, step.after)
        self._touched(step, "made")

    def _put(self, batch: Sequence[Step]) -> None:
        todo = [step for step in batch if self._is_to_do(step)]
        for step in todo:
            with _named(step):
                self._stage(step)
        self._sync([step for step in todo if step.after is not None and step.after.type == "file"])
        for step in todo:
            with _named(step):
                self._rename(step)

    def _sync(self, staged: Sequence[Step]) -> None:
        """Nothing is renamed before its content is durable."""
        if len(staged) > FEW:
            sync_directories(self._tree, {step.path.rpartition("/")[0] for step in staged})
            return
        for step in staged:
            with self._tree.parent(step.path) as (directory, _):
                sync_at(directory, self._temporary(step))

    def _stage(self, step: Step) -> None:
        if step.after is None:
            return
        with self._tree.parent(step.path) as (directory, _):
            temporary = self._temporary(step)
            if step.after.type == "symlink":
                stage_link(directory, temporary, step.after)
            else:
                with self._job.source(step) as source:
                    if not stage_file(source, directory, temporary, step.after):
                        raise ConflictError(f"{visible(step.path)} has changed since the diff was read; read it again")
            if self._job.restores_times:
                os.utime(temporary, ns=_times(step.after), dir_fd=directory, follow_symlinks=False)
        self._job.notify("staged")

    def _rename(self, step: Step) -> None:
        with self._tree.parent(step.path) as (directory, name):
            if self._is_to_do(step):
                os.rename(self._temporary(step), name, src_dir_fd=directory, dst_dir_fd=directory)
                self._touched(step, "put")
            else:  # somebody else has just made the same
                os.unlink(self._temporary(step), dir_fd=directory)

    def _change_mode(self, step: Step) -> None:
        if step.after is not None and self._is_to_do(step):
            with self._tree.parent(step.path) as (directory, name):
                chmod_at(directory, name, step.after.mode)
                if self._job.restores_times:
                    os.utime(name, ns=_times(step.after), dir_fd=directory, follow_symlinks=False)
            self._touched(step, "mode")

    def _finish_directories(self) -> None:
        """Make every directory that was written into durable, and give it its final mode (and mtime)."""
        final = dict(self._job.parents)
        final |= {step.path: step.after for step in self._steps if step.after and step.after.type == "directory"}
        states = {path: self._tree.lstat(path) for path in final.keys() | self._dirty}
        directories = [path for path, now in states.items() if now is not None and now.type == "directory"]
        if len(directories) > FEW:
            sync_directories(self._tree, directories)
        for path in sorted(directories, key=sort_key, reverse=True):
            self._finish(path, final.get(path), is_durable=len(directories) > FEW)

    def _finish(self, path: str, entry: Entry | None, *, is_durable: bool) -> None:
        fd = self._tree.open_directory(path)
        try:
            if not is_durable:
                os.fsync(fd)
            now = os.fstat(fd)
            if entry is not None and stat.S_IMODE(now.st_mode) != entry.mode:
                os.fchmod(fd, entry.mode)
            # Only where it differs: a rollback on a disk that takes no writes has nothing to write.
            if entry is not None and self._job.restores_times and now.st_mtime_ns != entry.mtime_ns:
                os.utime(fd, ns=_times(entry))
        finally:
            os.close(fd)
        if path in self.states or (entry is not None and path in self._own):
            self.states[path] = self._tree.lstat(path)

    def _touched(self, step: Step, event: str) -> None:
        self._dirty.add(step.path.rpartition("/")[0])
        self.states[step.path] = self._tree.lstat(step.path)
        self._job.notify(event)


@contextmanager
def _named(step: Step) -> Iterator[None]:
    """Errors are of the step's path: not of a temporary file's, and not of none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, step.path) from error


def _times(entry: Entry) -> tuple[int, int]:
    return (entry.mtime_ns, entry.mtime_ns)
