"""Applying and undoing on disks that are full or read-only, and beside others who write: all of it or nothing."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project, snapshot
from vibedom.errors import ConflictError, WorkspaceError
from vibedom.workspace.apply import apply, resume
from vibedom.workspace.base import Base
from vibedom.workspace.executor import BATCH
from vibedom.workspace.journal import Journal
from vibedom.workspace.plan import Plan, plan_apply
from vibedom.workspace.undo import undo

MIB = 1 << 20


@contextmanager
def small_disk(directory: Path, size: int) -> Iterator[None]:
    directory.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(directory)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def _remount(directory: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(directory)], check=True)


@pytest.fixture
def on_small_disk(project: Project) -> Iterator[Project]:
    """The project is alone on a disk of 12 MiB."""
    with small_disk(project.workspace, 12 * MIB):
        yield project


def _agent(project: Project) -> OverlayWriter:
    project.start()
    return OverlayWriter(project.workspace, project.upper, project.merged)


def _plan(project: Project) -> Plan:
    with Base(project.base_file) as base:
        return plan_apply(project.changes(), workspace=project.workspace, upper=project.upper, base=base)


def _states(project: Project) -> list[str]:
    return [Journal(each).state for each in sorted(project.journal.iterdir()) if each.is_dir()]


@pytest.mark.parametrize("files", [3, BATCH + 40])
def test_a_project_whose_disk_is_full_keeps_every_byte(on_small_disk: Project, files: int) -> None:
    project = on_small_disk
    for number in range(files):
        (project.workspace / f"f{number:04d}").write_bytes(b"host" * 400)
    agent = _agent(project)
    for number in range(files):  # in more than one batch, the first is in place when the disk is full
        agent.write(f"f{number:04d}", b"agent" * 300)
    agent.write("zz", os.urandom(13 * MIB))
    before = snapshot(project.workspace, times=True)
    with pytest.raises(WorkspaceError, match=r"^what was applied has been taken back: zz: No space left on device$"):
        apply(_plan(project), project.journal)
    assert snapshot(project.workspace, times=True) == before
    assert _states(project) == ["undone"]
    _remount(project.workspace, f"size={40 * MIB}")
    assert resume(project.journal) is None
    apply(_plan(project), project.journal)
    assert snapshot(project.workspace) == snapshot(project.merged)


def test_a_project_that_cannot_be_written_is_left_alone_and_says_so(on_small_disk: Project) -> None:
    project = on_small_disk
    (project.workspace / "d").mkdir()
    for name in ("d/edit", "gone"):
        (project.workspace / name).write_text("host\n")
    agent = _agent(project)
    agent.write("d/edit", b"agent\n")
    agent.write("new", b"agent\n")
    agent.remove("gone")
    before = snapshot(project.workspace, times=True)
    _remount(project.workspace, "ro")
    for _ in range(2):  # the first leaves nothing that the second would have to finish
        with pytest.raises(WorkspaceError, match=r"has been taken back: gone: Read-only file system$"):
            apply(_plan(project), project.journal)
    _remount(project.workspace, "rw")
    assert snapshot(project.workspace, times=True) == before
    apply(_plan(project), project.journal)
    after = snapshot(project.workspace, times=True)
    _remount(project.workspace, "ro")
    with pytest.raises(WorkspaceError, match=r"the undo stopped: new: Read-only file system; `vibedom undo` goes on"):
        undo(project.journal)
    assert snapshot(project.workspace, times=True) == after
    _remount(project.workspace, "rw")
    undo(project.journal)
    assert snapshot(project.workspace, times=True) == before


@contextmanager
def _sessions_on_small_disk(project: Project) -> Iterator[Path]:
    home = project.root / "home"
    with small_disk(home, 3 * MIB):
        project.base_file, project.journal = home / "base.jsonl", home / "apply"
        yield home


def test_without_room_for_the_backups_nothing_is_applied(project: Project) -> None:
    with _sessions_on_small_disk(project):
        (project.workspace / "big").write_bytes(os.urandom(5 * MIB))
        (project.workspace / "a").write_text("host\n")
        agent = _agent(project)
        for name in ("a", "big"):
            agent.write(name, b"agent\n")
        before = snapshot(project.workspace, times=True)
        with pytest.raises(WorkspaceError, match=r"^nothing was applied: big to .*: No space left on device$"):
            apply(_plan(project), project.journal)
        assert snapshot(project.workspace, times=True) == before
        assert _states(project) == []


def test_what_could_not_be_recorded_any_more_is_recorded_later(project: Project) -> None:
    for number in range(200):
        (project.workspace / f"f{number:03d}").write_text("host\n")
    with _sessions_on_small_disk(project) as home:
        agent = _agent(project)
        for number in range(200):
            agent.write(f"f{number:03d}", b"agent\n")
        before, filler = snapshot(project.workspace, times=True), home / "filler"

        def fill(event: str) -> None:
            if event == "put" and not filler.exists():
                disk = os.statvfs(home)
                filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize - 4096))  # room for a part of the record

        with pytest.raises(WorkspaceError, match=r"the project's files are done, but .* could not be written"):
            apply(_plan(project), project.journal, notify=fill)
        assert snapshot(project.workspace) == snapshot(project.merged)
        filler.unlink()
        outcome = resume(project.journal)
        assert outcome is not None
        assert outcome.action == "applied"
        assert _plan(project).steps == _plan(project).conflicts == ()
        undo(project.journal)
        assert snapshot(project.workspace, times=True) == before


def test_a_directory_that_became_a_file_meanwhile_stays_one(project: Project) -> None:
    for name in ("d/edit", "z"):
        (project.workspace / name).parent.mkdir(exist_ok=True)
        (project.workspace / name).write_text("host\n")
    agent = _agent(project)
    for name in ("d/edit", "d/new", "z"):
        agent.write(name, b"agent\n")

    def swap(event: str) -> None:
        if event == "journaled":
            shutil.rmtree(project.workspace / "d")
            (project.workspace / "d").write_text("a file now\n")

    with pytest.raises(ConflictError, match="d/edit was changed by somebody else meanwhile"):
        apply(_plan(project), project.journal, notify=swap)
    kept = {b"d": ("file", 0o644, b"a file now\n"), b"z": ("file", 0o644, b"host\n")}
    assert snapshot(project.workspace) == kept
    assert {each.path: each.reason for each in _plan(project).conflicts} == {
        "d": "was changed on the host",
        "d/edit": "was deleted on the host",
    }
    assert snapshot(project.workspace) == kept


def test_a_file_that_somebody_is_writing_to_keeps_what_they_write(project: Project) -> None:
    for name in ("a", "log"):
        (project.workspace / name).write_text("host\n")
    agent = _agent(project)
    for name in ("a", "log"):
        agent.write(name, b"agent\n")
    with (project.workspace / "log").open("a") as log:

        def write(event: str) -> None:
            if event == "put":  # `a` is in place, `log` is next
                log.write("more\n")
                log.flush()

        with pytest.raises(ConflictError, match="log was changed by somebody else meanwhile; nothing was overwritten"):
            apply(_plan(project), project.journal, notify=write)
        log.write("and more\n")
    assert (project.workspace / "log").read_text().startswith("host\nmore\n")
    assert (project.workspace / "log").read_text().endswith("and more\n")
    assert (project.workspace / "a").read_text() == "host\n"
    assert sorted(os.listdir(project.workspace)) == ["a", "log"]
