"""Random trees, random edits: what is applied is what the agent saw, a subset is exactly that subset, undo is exact."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.edit_scripts import EDITS, DirectEditor, Edit, perform
from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project, fast_directory, snapshot
from vibedom.workspace.apply import apply
from vibedom.workspace.base import Base
from vibedom.workspace.changes import Change
from vibedom.workspace.plan import Plan, plan_apply
from vibedom.workspace.undo import undo

Kind = str
_NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounting an overlay needs root")
KINDS = pytest.mark.parametrize(
    "kind",
    [
        "written",
        "written with xattr whiteouts",
        pytest.param("mounted", marks=_NEEDS_ROOT),
        pytest.param("mounted with userxattr", marks=_NEEDS_ROOT),
    ],
)
CALM = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def _edited(kind: Kind, before: list[Edit], script: list[Edit]) -> Iterator[tuple[Project, dict[bytes, object]]]:
    """A project made by one script and changed by another through an overlay, and what the agent saw at the end."""
    with tempfile.TemporaryDirectory(dir=fast_directory()) as directory:
        project = Project(Path(directory))
        # Where the project has hard links, applying one name changes the ctime of the others, which then count as
        # edited on the host. test_round_trip.py has them.
        perform([edit for edit in before if edit.what != "hard"], DirectEditor(project.workspace))
        project.start()
        if kind.startswith("mounted"):
            with project.mounted(options=",userxattr" if "userxattr" in kind else "") as merged:
                perform(script, DirectEditor(merged))
                seen = snapshot(merged)
        else:
            has_attributes = "xattr" in kind
            perform(
                script, OverlayWriter(project.workspace, project.upper, project.merged, xattr_whiteouts=has_attributes)
            )
            seen = snapshot(project.merged)
        yield project, dict(seen)


def _plan(project: Project, paths: set[str] | None = None) -> Plan:
    with Base(project.base_file) as base:
        return plan_apply(
            project.changes(),
            workspace=project.workspace,
            upper=project.upper,
            base=base,
            select=None if paths is None else lambda change: change.path in paths,
        )


@KINDS
@CALM
@given(before=EDITS, script=EDITS)
def test_applying_all_gives_the_agents_view_and_undo_the_original(
    kind: Kind, before: list[Edit], script: list[Edit]
) -> None:
    with _edited(kind, before, script) as (project, seen):
        original = snapshot(project.workspace, times=True)
        plan = _plan(project)
        assert plan.conflicts == plan.skipped == plan.held_back == ()
        apply(plan, project.journal)
        assert snapshot(project.workspace) == seen
        assert project.changes() == []
        undo(project.journal)
        assert snapshot(project.workspace, times=True) == original
        apply(_plan(project), project.journal)
        assert snapshot(project.workspace) == seen


@KINDS
@CALM
@given(before=EDITS, script=EDITS, data=st.data())
def test_applying_a_subset_gives_exactly_that_subset(
    kind: Kind, before: list[Edit], script: list[Edit], data: st.DataObject
) -> None:
    with _edited(kind, before, script) as (project, seen):
        changes = project.changes()
        chosen = {change.path for change in changes if data.draw(st.booleans())}
        wanted = dict(snapshot(project.workspace))
        plan = _plan(project, chosen)
        done = chosen | set(plan.required)
        assert {step.path for step in plan.steps} == done
        assert all(_is_needed(path, chosen, changes) for path in plan.required)
        for path in done:
            if os.fsencode(path) in seen:
                wanted[os.fsencode(path)] = seen[os.fsencode(path)]
            else:
                del wanted[os.fsencode(path)]
        apply(plan, project.journal)
        assert snapshot(project.workspace) == wanted
        assert {change.path for change in project.changes()} == {change.path for change in changes} - done
        apply(_plan(project), project.journal)
        assert snapshot(project.workspace) == seen


def _is_needed(path: str, chosen: set[str], changes: list[Change]) -> bool:
    """Above a chosen path (a new directory), or below one (the content of a directory that goes)."""
    related = chosen | {change.path for change in changes if change.kind == "type"}
    return any(other.startswith(path + "/") or path.startswith(other + "/") for other in related)


@_NEEDS_ROOT
def test_the_writer_for_ordinary_users_makes_what_the_kernel_makes() -> None:
    before = [
        Edit("mkdir", 0, "a", mode=0o755),
        Edit("write", 1, "b", content=b"1", mode=0o644),
        Edit("mkdir", 0, "c-d", mode=0o755),
        Edit("write", 2, "b", content=b"2", mode=0o644),
        Edit("write", 0, "B", content=b"3", mode=0o644),
    ]
    script = [
        Edit("remove", 2, ""),  # a/b
        Edit("remove", 2, ""),  # c-d
        Edit("mkdir", 0, "c-d", mode=0o755),
        Edit("write", 2, "a", content=b"new", mode=0o644),
        Edit("chmod", 0, "", mode=0o700),  # B
    ]
    found = []
    for kind in ("written", "mounted with userxattr"):
        with _edited(kind, before, script) as (project, _):
            shutil.rmtree(project.work, ignore_errors=True)
            found.append((snapshot(project.upper), project.changes() and [c.kind for c in project.changes()]))
    assert found[0] == found[1]
