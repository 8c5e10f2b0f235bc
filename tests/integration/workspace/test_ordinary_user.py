"""The same as an ordinary user: read-only directories are filled and closed again, unreadable work is named."""

import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project, fast_directory, snapshot
from vibedom.errors import WorkspaceError
from vibedom.workspace.apply import apply
from vibedom.workspace.base import Base
from vibedom.workspace.plan import plan_apply
from vibedom.workspace.undo import undo

USER = 1000


@pytest.fixture
def project() -> Iterator[Project]:
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    with tempfile.TemporaryDirectory(dir=fast_directory()) as directory:
        os.chown(directory, USER, USER)
        yield Project(Path(directory))


def _as_user(action: Callable[[], object]) -> None:
    """Run `action` in a child process that has become an ordinary user for good."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(USER)
            os.setuid(USER)
            action()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def _apply(project: Project) -> None:
    with Base(project.base_file) as base:
        plan = plan_apply(project.changes(), workspace=project.workspace, upper=project.upper, base=base)
    apply(plan, project.journal)


def _start(project: Project) -> None:
    for path in (project.workspace, *project.workspace.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)
    project.start()


def _own(project: Project) -> None:
    """Give everything but the workspace to the user: that has been recorded already, and is not to be touched."""
    for directory, directories, files in os.walk(project.root):
        if Path(directory) == project.root:
            directories.remove("workspace")
        for name in [directory, *(os.path.join(directory, each) for each in directories + files)]:
            os.chown(name, USER, USER, follow_symlinks=False)


def test_read_only_directories_are_filled_and_closed_again(project: Project) -> None:
    (project.workspace / "closed/inner").mkdir(parents=True)
    (project.workspace / "closed/f").write_text("old")
    (project.workspace / "closed/gone").write_text("old")
    (project.workspace / "closed/inner").chmod(0o555)
    (project.workspace / "closed").chmod(0o555)
    _start(project)
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    agent.write("closed/f", b"new", mode=0o444)
    agent.remove("closed/gone")
    agent.write("closed/inner/g", b"new")
    agent.mkdir("sealed")
    agent.write("sealed/h", b"new")
    agent.chmod("sealed", 0o555)
    _own(project)
    original, wanted = snapshot(project.workspace, times=True), snapshot(project.merged)
    _as_user(lambda: _apply(project))
    assert snapshot(project.workspace) == wanted
    assert {path.lstat().st_uid for path in project.workspace.rglob("*")} == {USER}
    _as_user(lambda: undo(project.journal))
    assert snapshot(project.workspace, times=True) == original


def test_whiteouts_can_be_made_and_read_by_everybody(project: Project) -> None:
    (project.workspace / "gone").write_text("x")
    _start(project)
    _own(project)

    def session() -> None:
        project.merged.rmdir()
        OverlayWriter(project.workspace, project.upper, project.merged).remove("gone")
        assert [(change.path, change.kind) for change in project.changes()] == [("gone", "deleted")]
        _apply(project)

    _as_user(session)
    assert os.listdir(project.workspace) == []


def test_work_that_its_owner_may_not_read_is_an_error_that_names_it(project: Project) -> None:
    _start(project)
    (project.upper / "locked").write_text("x")
    (project.upper / "locked").chmod(0)
    _own(project)

    def look() -> None:
        with pytest.raises(WorkspaceError, match="locked: Permission denied"):
            project.changes()

    _as_user(look)


def test_what_cannot_be_written_takes_everything_back_and_says_where(project: Project) -> None:
    (project.workspace / "theirs").mkdir()
    (project.workspace / "f").write_text("old")
    _start(project)
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    agent.mkdir("made")
    agent.write("f", b"new")
    agent.write("theirs/g", b"new")
    _own(project)
    os.chown(project.workspace / "theirs", 0, 0)
    original = snapshot(project.workspace, times=True)

    def session() -> None:
        with pytest.raises(WorkspaceError, match=r"taken back: .*Permission denied"):
            _apply(project)

    _as_user(session)
    assert snapshot(project.workspace, times=True) == original
