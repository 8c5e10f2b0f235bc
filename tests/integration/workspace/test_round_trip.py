"""From a real overlay mount to the host: what the agent did arrives exactly, and undo takes it back exactly."""

import os
import shutil

import pytest

from tests.support.overlays import Project, snapshot
from vibedom.errors import ConflictError
from vibedom.workspace.apply import Outcome, apply
from vibedom.workspace.base import Base
from vibedom.workspace.plan import OnConflict, plan_apply
from vibedom.workspace.undo import undo


def _kinds(project: Project) -> dict[str, str]:
    return {change.path: change.kind for change in project.changes()}


def _apply(project: Project, *paths: str, on_conflict: OnConflict = "fail") -> Outcome:
    with Base(project.base_file) as base:
        plan = plan_apply(
            project.changes(),
            workspace=project.workspace,
            upper=project.upper,
            base=base,
            select=(lambda change: change.path in paths) if paths else None,
            on_conflict=on_conflict,
        )
    return apply(plan, project.journal)


def _fill(project: Project) -> None:
    (project.workspace / "keep.txt").write_text("keep\n")
    (project.workspace / "edit.txt").write_text("one\ntwo\n")
    (project.workspace / "gone.txt").write_text("bye\n")
    (project.workspace / "tool.sh").write_text("#!/bin/sh\n")
    (project.workspace / "link").symlink_to("keep.txt")
    (project.workspace / "deep/er").mkdir(parents=True)
    (project.workspace / "deep/er/leaf").write_bytes(b"\0\1\2")
    (project.workspace / "deep/other").write_text("other")
    project.start()


def _edit(project: Project) -> None:
    with project.mounted() as merged:
        (merged / "edit.txt").write_bytes(b"one\r\nthree\x0c\x1c\xe2\x80\xa8no newline")
        (merged / "gone.txt").unlink()
        (merged / "tool.sh").chmod(0o755)
        (merged / "link").unlink()
        (merged / "link").symlink_to("edit.txt")
        (merged / "new/a").mkdir(parents=True)
        (merged / "new/a/f").write_text("f")
        (merged / "empty").mkdir()
        shutil.rmtree(merged / "deep")
        (merged / "deep").write_text("now a file")
        os.mkdir(os.fsencode(merged) + b"/odd\n\xff")
        (merged / "keep.txt").touch()


def test_every_kind_of_change_arrives_and_undo_restores_the_host_byte_for_byte(project: Project) -> None:
    _fill(project)
    before = snapshot(project.workspace, times=True)
    _edit(project)
    with project.mounted() as merged:
        wanted = snapshot(merged)
    _apply(project)
    assert snapshot(project.workspace) == wanted
    assert project.changes() == []
    undo(project.journal)
    assert snapshot(project.workspace, times=True) == before
    _apply(project)
    assert snapshot(project.workspace) == wanted


def test_changes_name_exactly_what_the_agent_did(project: Project) -> None:
    _fill(project)
    _edit(project)
    assert _kinds(project) == {
        "edit.txt": "modified",
        "gone.txt": "deleted",
        "tool.sh": "mode",
        "link": "modified",
        "new": "added",
        "new/a": "added",
        "new/a/f": "added",
        "empty": "added",
        "deep": "type",
        "deep/er": "deleted",
        "deep/er/leaf": "deleted",
        "deep/other": "deleted",
        "odd\n\udcff": "added",
    }


def test_a_host_edit_made_meanwhile_is_a_conflict_and_is_not_overwritten(project: Project) -> None:
    _fill(project)
    _edit(project)
    (project.workspace / "edit.txt").write_text("the host's own edit\n")
    before = snapshot(project.workspace)
    with pytest.raises(ConflictError, match=r"^edit.txt was changed on the host; nothing was applied$"):
        _apply(project)
    assert snapshot(project.workspace) == before
    _apply(project, on_conflict="skip")
    assert (project.workspace / "edit.txt").read_text() == "the host's own edit\n"
    assert (project.workspace / "new/a/f").exists()
    _apply(project, on_conflict="overwrite")
    assert b"three" in (project.workspace / "edit.txt").read_bytes()
    undo(project.journal)
    assert (project.workspace / "edit.txt").read_text() == "the host's own edit\n"
    with pytest.raises(ConflictError):
        _apply(project)


def test_hard_links_and_sparse_files_come_as_the_agent_saw_them(project: Project) -> None:
    (project.workspace / "one").write_text("one\n")
    for name in ("two", "three", "four"):
        os.link(project.workspace / "one", project.workspace / name)
    project.start()
    before = snapshot(project.workspace, times=True)
    with project.mounted() as merged:
        (merged / "one").chmod(0o755)  # not the mode of the host's other names of it
        (merged / "two").write_text("edited\n")
        os.link(merged / "three", merged / "new")
        os.truncate(merged / "four", 20_000_000)
        seen = snapshot(merged)
    _apply(project)
    assert snapshot(project.workspace) == seen
    undo(project.journal)
    assert snapshot(project.workspace, times=True) == before
