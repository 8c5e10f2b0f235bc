"""Apply and undo killed at every point: running again ends in the final state, and nothing temporary is left."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project, fast_directory, snapshot
from vibedom.errors import ConflictError, WorkspaceError
from vibedom.workspace.apply import apply, resume
from vibedom.workspace.base import Base
from vibedom.workspace.journal import Journal
from vibedom.workspace.plan import Plan, plan_apply
from vibedom.workspace.undo import undo


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project whose agent did something of every kind, written as the kernel would have."""
    root = Path(tempfile.mkdtemp(dir=fast_directory() or tmp_path))
    project = Project(root)
    for name in ("edit", "gone", "mode", "to-link", "to-directory"):
        (project.workspace / name).write_text(f"{name} before\n")
    (project.workspace / "old/deep").mkdir(parents=True)
    (project.workspace / "old/deep/leaf").write_text("leaf\n")
    (project.workspace / "to-file").mkdir()
    (project.workspace / "to-file/inner").write_text("inner\n")
    (project.workspace / "kept").mkdir(mode=0o700)
    (project.workspace / "kept/stays").write_text("stays\n")
    project.start()
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    agent.write("edit", b"edit after\n")
    agent.remove("gone")
    agent.chmod("mode", 0o755)
    agent.remove("to-link")
    agent.link("to-link", "edit")
    agent.remove("to-directory")
    agent.mkdir("to-directory")
    agent.write("to-directory/inner", b"inner\n")
    agent.remove("old")
    agent.remove("to-file")
    agent.write("to-file", b"a file now\n")
    agent.mkdir("new")
    for number in range(5):
        agent.write(f"kept/{number}", b"%d\n" % number)
    yield project
    shutil.rmtree(root)


def _plan(project: Project) -> Plan:
    with Base(project.base_file) as base:
        return plan_apply(project.changes(), workspace=project.workspace, upper=project.upper, base=base)


def _killed_after(events: int, action: Callable[[Callable[[str], None]], object]) -> bool:
    """Run `action` in a child process that kills itself at the event of that number; False where it came to its end."""
    child = os.fork()
    if child == 0:
        counted = count(1)

        def notify(event: str) -> None:
            if next(counted) == events:
                os.kill(os.getpid(), signal.SIGKILL)

        action(notify)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _temporaries(project: Project) -> list[str]:
    return [name for _, _, files in os.walk(project.workspace) for name in files if name.endswith(".tmp")]


def test_apply_killed_at_any_event_is_finished_by_resume_and_taken_back_by_undo(project: Project) -> None:
    original = snapshot(project.workspace, times=True)
    wanted = snapshot(project.merged)
    events = 0
    was_killed = True
    while was_killed:
        events += 1
        was_killed = _killed_after(events, lambda notify: apply(_plan(project), project.journal, notify=notify))
        outcome = resume(project.journal)
        if outcome is None and was_killed:  # before the journal was complete: nothing was touched
            assert snapshot(project.workspace, times=True) == original
            continue
        assert snapshot(project.workspace) == wanted
        assert _temporaries(project) == []
        undo(project.journal)
        assert snapshot(project.workspace, times=True) == original
    assert events > 30


def test_resume_and_undo_killed_at_any_event_go_on_from_there(project: Project) -> None:
    original = snapshot(project.workspace, times=True)
    wanted = snapshot(project.merged)
    events = 0
    was_killed = True
    while was_killed:
        events += 3
        _killed_after(20, lambda notify: apply(_plan(project), project.journal, notify=notify))
        was_killed = _killed_after(events, lambda notify: resume(project.journal, notify=notify))
        resume(project.journal)
        assert snapshot(project.workspace) == wanted
        was_killed |= _killed_after(events, lambda notify: undo(project.journal, notify=notify))
        resume(project.journal)
        assert snapshot(project.workspace, times=True) == original
        assert _temporaries(project) == []
    assert events > 20


def test_undo_killed_at_any_event_and_again_is_finished_by_another_undo(project: Project) -> None:
    original = snapshot(project.workspace, times=True)
    events = 0
    was_killed = True
    while was_killed:
        events += 2
        apply(_plan(project), project.journal)
        was_killed = _killed_after(events, lambda notify: undo(project.journal, notify=notify))
        if was_killed:
            with pytest.raises(WorkspaceError, match="resume or undo"):
                apply(_plan(project), project.journal)
            if _killed_after(max(1, events // 4), lambda notify: undo(project.journal, notify=notify)):
                undo(project.journal)
        assert snapshot(project.workspace, times=True) == original
        assert _temporaries(project) == []
        with pytest.raises(WorkspaceError, match="nothing to undo"):
            undo(project.journal)
    assert events > 20


def test_an_interrupted_apply_can_be_undone_instead(project: Project) -> None:
    original = snapshot(project.workspace, times=True)
    for events in range(12, 36, 4):
        assert _killed_after(events, lambda notify: apply(_plan(project), project.journal, notify=notify))
        with pytest.raises(WorkspaceError, match="resume or undo"):
            apply(_plan(project), project.journal)
        undo(project.journal)
        assert snapshot(project.workspace, times=True) == original
        assert _temporaries(project) == []


def test_host_edit_in_the_middle_of_an_apply_takes_everything_back_but_the_edit(project: Project) -> None:
    original = snapshot(project.workspace)

    def edit(event: str) -> None:
        if event == "journaled":
            (project.workspace / "mode").write_text("the host's own\n")

    with pytest.raises(ConflictError, match=r"^mode was changed by somebody else"):
        apply(_plan(project), project.journal, notify=edit)
    assert snapshot(project.workspace) == {**original, b"mode": ("file", 0o644, b"the host's own\n")}
    assert Journal(project.journal / "0001").state == "undone"
    assert [conflict.path for conflict in _plan(project).conflicts] == ["mode"]


def test_agents_file_that_changes_after_it_was_read_is_not_applied(project: Project) -> None:
    original = snapshot(project.workspace)
    plan = _plan(project)
    (project.upper / "edit").write_text("something that nobody has seen\n")
    with pytest.raises(ConflictError, match=r"^edit has changed since the diff was read"):
        apply(plan, project.journal)
    assert snapshot(project.workspace) == original


def test_edit_after_an_apply_stops_the_undo_before_it_touches_anything(project: Project) -> None:
    apply(_plan(project), project.journal)
    (project.workspace / "edit").write_text("edited since\n")
    before = snapshot(project.workspace, times=True)
    with pytest.raises(ConflictError, match=r"^edit was edited since"):
        undo(project.journal)
    assert snapshot(project.workspace, times=True) == before
    undo(project.journal, is_lenient=True)
    assert (project.workspace / "edit").read_text() == "edited since\n"
    assert (project.workspace / "gone").read_text() == "gone before\n"
