"""Hard links of the host: an apply that takes one apart has not edited the other names."""

import errno
import os
from pathlib import Path

import pytest

from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project
from vibedom.errors import ConflictError, WorkspaceError
from vibedom.workspace.apply import apply, resume
from vibedom.workspace.base import Base
from vibedom.workspace.plan import Plan, plan_apply
from vibedom.workspace.undo import undo

NAMES = ("a", "b", "sub/c")


class Killed(BaseException):
    """Stands for a `kill -9`: nothing of vibedom's handles it."""


@pytest.fixture
def linked(project: Project) -> Project:
    """One file with three names, each of which the agent has changed."""
    (project.workspace / "sub").mkdir()
    (project.workspace / "a").write_text("host\n")
    for name in NAMES[1:]:
        os.link(project.workspace / "a", project.workspace / name)
    project.start()
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    for name in NAMES:
        agent.write(name, f"agent {name}\n".encode())
    return project


def _plan(project: Project, *names: str) -> Plan:
    with Base(project.base_file) as base:
        return plan_apply(
            project.changes(),
            workspace=project.workspace,
            upper=project.upper,
            base=base,
            select=lambda change: change.path in names,
        )


def _contents(project: Project) -> list[str]:
    return [(project.workspace / name).read_text() for name in NAMES]


def test_one_name_after_the_other_can_be_applied_and_undone(linked: Project) -> None:
    for name in NAMES:
        apply(_plan(linked, name), linked.journal)
    assert _contents(linked) == ["agent a\n", "agent b\n", "agent sub/c\n"]
    for _ in NAMES:
        undo(linked.journal)
    assert _contents(linked) == ["host\n"] * 3
    apply(_plan(linked, *NAMES), linked.journal)
    assert _contents(linked) == ["agent a\n", "agent b\n", "agent sub/c\n"]


def test_a_name_that_the_agent_deleted_leaves_the_others_free_to_go(linked: Project) -> None:
    OverlayWriter(linked.workspace, linked.upper, linked.root / "again").remove("a")
    apply(_plan(linked, "a"), linked.journal)
    assert not (linked.workspace / "a").exists()
    apply(_plan(linked, "b"), linked.journal)
    assert (linked.workspace / "b").read_text() == "agent b\n"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_edit_of_another_name_is_a_conflict_even_if_its_time_was_put_back(linked: Project, when: str) -> None:
    times = (linked.workspace / "b").stat()
    if when == "after":
        apply(_plan(linked, "a"), linked.journal)
    (linked.workspace / "b").write_text("HOST\n")
    os.utime(linked.workspace / "b", ns=(times.st_atime_ns, times.st_mtime_ns))
    if when == "before":
        with pytest.raises(ConflictError, match="a was changed on the host"):
            apply(_plan(linked, "a"), linked.journal)
    with pytest.raises(ConflictError, match="b was changed on the host"):
        apply(_plan(linked, "b"), linked.journal)
    assert (linked.workspace / "b").read_text() == "HOST\n"


@pytest.mark.parametrize("event", ["journaled", "staged", "put"])
def test_killed_on_the_way_the_other_names_still_go(linked: Project, event: str) -> None:
    def kill(now: str) -> None:
        if now == event:
            raise Killed

    with pytest.raises(Killed):
        apply(_plan(linked, "a"), linked.journal, notify=kill)
    assert resume(linked.journal) is not None
    apply(_plan(linked, "b", "sub/c"), linked.journal)
    assert _contents(linked) == ["agent a\n", "agent b\n", "agent sub/c\n"]


def test_an_apply_that_failed_and_was_taken_back_edits_no_other_name(linked: Project) -> None:
    events: list[str] = []

    def fail(now: str) -> None:
        events.append(now)
        if now == "put" and events.count("put") == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(WorkspaceError, match="taken back"):
        apply(_plan(linked, "a"), linked.journal, notify=fail)
    assert _contents(linked) == ["host\n"] * 3
    apply(_plan(linked, "b"), linked.journal)
    assert (linked.workspace / "b").read_text() == "agent b\n"


def test_a_link_out_of_the_project_is_none_of_its_files(project: Project, tmp_path: Path) -> None:
    (project.workspace / "a").write_text("host\n")
    os.link(project.workspace / "a", tmp_path / "store")
    project.start()
    OverlayWriter(project.workspace, project.upper, project.merged).write("a", b"agent\n")
    apply(_plan(project, "a"), project.journal)
    assert ((project.workspace / "a").read_text(), (tmp_path / "store").read_text()) == ("agent\n", "host\n")
