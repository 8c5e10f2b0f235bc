"""Applying on a hostile or unlucky host: nothing leaves the root, nothing is torn, owners and modes are right."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project, snapshot
from vibedom.errors import ConflictError, WorkspaceError
from vibedom.workspace.apply import Outcome, apply, resume
from vibedom.workspace.base import Base
from vibedom.workspace.plan import OnConflict, Plan, plan_apply
from vibedom.workspace.undo import undo


def _plan(project: Project, on_conflict: OnConflict = "fail") -> Plan:
    with Base(project.base_file) as base:
        return plan_apply(
            project.changes(),
            workspace=project.workspace,
            upper=project.upper,
            base=base,
            on_conflict=on_conflict,
        )


def _apply(project: Project) -> Outcome:
    return apply(_plan(project), project.journal)


def test_link_put_in_the_place_of_a_directory_redirects_nothing(project: Project, tmp_path: Path) -> None:
    (project.workspace / "d").mkdir()
    (project.workspace / "d/f").write_text("old")
    project.start()
    (project.upper / "d").mkdir()
    (project.upper / "d/f").write_text("new")
    (project.upper / "d/g").write_text("new")
    plan = _plan(project)
    (tmp_path / "outside").mkdir()
    os.rename(project.workspace / "d", tmp_path / "moved")
    (project.workspace / "d").symlink_to(tmp_path / "outside")
    with pytest.raises((ConflictError, WorkspaceError)):
        apply(plan, project.journal)
    with pytest.raises(ConflictError):
        _apply(project)
    assert os.listdir(tmp_path / "outside") == []
    assert (tmp_path / "moved/f").read_text() == "old"
    assert (project.workspace / "d").is_symlink()


def test_link_swapped_in_while_applying_redirects_nothing(project: Project, tmp_path: Path) -> None:
    (project.workspace / "d").mkdir()
    (project.workspace / "d/f").write_text("old")
    project.start()
    (project.upper / "d").mkdir()
    (project.upper / "d/f").write_text("new")
    (tmp_path / "outside").mkdir()

    def swap(event: str) -> None:
        if event == "staged":
            os.rename(project.workspace / "d", tmp_path / "moved")
            (project.workspace / "d").symlink_to(tmp_path / "outside")

    with pytest.raises((ConflictError, WorkspaceError)):
        apply(_plan(project), project.journal, notify=swap)
    assert os.listdir(tmp_path / "outside") == []
    assert (tmp_path / "moved/f").read_text() == "old"


def test_target_that_is_a_link_is_replaced_and_not_written_through(project: Project, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("outside")
    (project.workspace / "link").symlink_to(tmp_path / "outside")
    project.start()
    (project.upper / "link").write_text("a file now")
    _apply(project)
    assert (tmp_path / "outside").read_text() == "outside"
    assert not (project.workspace / "link").is_symlink()
    undo(project.journal)
    assert os.readlink(project.workspace / "link") == str(tmp_path / "outside")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
def test_what_root_applies_belongs_to_the_owner_of_the_workspace(project: Project) -> None:
    os.chown(project.workspace, 1000, 1001)
    project.start()
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    agent.mkdir("new")
    agent.write("new/file", b"x")
    agent.write("new/script", b"x", mode=0o755)
    agent.write("new/setuid", b"x", mode=0o4755)
    agent.link("new/link", "file")
    plan = _plan(project)
    assert [(note.path, note.reason) for note in plan.notes] == [
        ("new/setuid", "the setuid and setgid bits are dropped")
    ]
    apply(plan, project.journal)
    found = {path.name: path.lstat() for path in (project.workspace / "new").iterdir()}
    found["new"] = (project.workspace / "new").lstat()
    assert {(status.st_uid, status.st_gid) for status in found.values()} == {(1000, 1001)}
    modes = {name: status.st_mode & 0o7777 for name, status in found.items()}
    assert modes == {"new": 0o755, "file": 0o644, "script": 0o755, "setuid": 0o755, "link": 0o777}
    assert project.changes() == []


def test_whiteouts_and_fifos_never_come_to_the_host(project: Project) -> None:
    (project.workspace / "gone").write_text("x")
    project.start()
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    agent.remove("gone")
    os.mkfifo(project.upper / "fifo")
    plan = _plan(project)
    assert [(refusal.path, refusal.reason) for refusal in plan.skipped] == [
        ("fifo", "a fifo is never brought to the host")
    ]
    apply(plan, project.journal)
    assert os.listdir(project.workspace) == []


def test_reader_sees_the_old_file_or_the_new_one_and_never_half_of_it(project: Project) -> None:
    old, new = b"o" * (20 << 20), b"n" * (20 << 20)
    (project.workspace / "big").write_bytes(old)
    project.start()
    (project.upper / "big").write_bytes(new)
    seen: set[bytes] = set()
    is_over = threading.Event()

    def poll() -> None:
        while not is_over.is_set():
            data = (project.workspace / "big").read_bytes()
            seen.add(data[:1] + data[-1:] + str(len(data)).encode())

    reader = threading.Thread(target=poll)
    reader.start()
    _apply(project)
    is_over.set()
    reader.join()
    assert seen <= {b"oo%d" % len(old), b"nn%d" % len(new)}


def test_new_host_file_in_a_directory_the_agent_deleted_is_a_conflict_for_the_directory(project: Project) -> None:
    (project.workspace / "d").mkdir()
    (project.workspace / "d/old").write_text("old")
    project.start()
    OverlayWriter(project.workspace, project.upper, project.merged).remove("d")
    (project.workspace / "d/mine").write_text("mine")
    assert [(c.path, c.reason) for c in _plan(project).conflicts] == [
        ("d", "the host has mine in it, which the agent has not seen")
    ]
    apply(_plan(project, "skip"), project.journal)
    assert snapshot(project.workspace).keys() == {b"d", b"d/mine"}


def test_holes_stay_holes(project: Project) -> None:
    project.start()
    with (project.upper / "sparse").open("wb") as file:
        file.truncate(64 << 20)
        file.seek(32 << 20)
        file.write(b"middle")
    _apply(project)
    applied = (project.workspace / "sparse").stat()
    assert applied.st_size == 64 << 20
    assert applied.st_blocks * 512 < 4 << 20


def test_second_apply_at_the_same_time_is_refused(project: Project) -> None:
    project.start()
    (project.upper / "f").write_text("x")
    project.journal.mkdir()
    with (project.journal / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(WorkspaceError, match="another vibedom is applying"):
            _apply(project)


def test_damaged_journal_is_an_error_and_nothing_is_guessed(project: Project) -> None:
    project.start()
    (project.upper / "f").write_text("x")
    _apply(project)
    (project.journal / "0001/steps.jsonl").write_text("{")
    before = snapshot(project.workspace)
    with pytest.raises(WorkspaceError, match="is damaged"):
        undo(project.journal)
    (project.journal / "0001/state").write_text("applying?")
    with pytest.raises(WorkspaceError, match="is damaged"):
        resume(project.journal)
    assert snapshot(project.workspace) == before
