"""A hundred thousand changes: the tree holds only what was opened, and everything can be selected."""

from pathlib import Path

import anyio
import pytest

from tests.support.overlays import Project
from vibedom.review.app import ReviewApp
from vibedom.review.change_tree import ChangeTree
from vibedom.review.outline import MOST_CHILDREN, Outline
from vibedom.workspace.base import Base
from vibedom.workspace.changes import Change
from vibedom.workspace.entry import Entry
from vibedom.workspace.review import Review

pytestmark = pytest.mark.anyio
FLAT, DEEP = 50_000, 50_000


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.start()
    return project


def _changes() -> list[Change]:
    entry = Entry("file", 0o644, 1, 0, 0, 0, 0, 0)
    paths = [f"flat/file{number:05d}" for number in range(FLAT)]
    paths += [f"deep/d{number // 1000:02d}/e{number // 50:04d}/file{number:05d}" for number in range(DEEP)]
    return [Change(path=path, kind="added", old=None, new=entry) for path in sorted(paths)]


async def test_the_tree_is_filled_as_it_is_opened_and_all_of_it_can_be_selected(project: Project) -> None:
    changes = _changes()
    with Base(project.base_file) as base:
        review = Review(workspace=project.workspace, upper=project.upper, base=base, changes=changes, dangers={})
        app = ReviewApp(review, title="calm-otter-1", editor=lambda content, name: content)
        with anyio.fail_after(60):
            async with app.run_test(size=(120, 40)) as pilot:
                tree = app.query_one(ChangeTree)
                assert len(tree.root.children) == 2
                flat = tree.root.children[1]
                flat.expand()
                await pilot.pause()
                assert len(flat.children) == MOST_CHILDREN + 1
                tree.move_cursor(flat.children[-1])
                await pilot.press("enter")
                await pilot.pause()
                assert len(flat.children) == 2 * MOST_CHILDREN + 1
                await pilot.press("a")
                assert len(app.selection.paths) == FLAT + DEEP
                assert "[x]" in str(flat.label)
                await pilot.press("q")


def test_every_change_is_in_the_outline_once(project: Project) -> None:
    changes = _changes()
    with Base(project.base_file) as base:
        review = Review(workspace=project.workspace, upper=project.upper, base=base, changes=changes, dangers={})
        outline = Outline(review)
    pending, found = [""], []
    while pending:
        for item in outline.children(pending.pop()):
            found += [item.path] if item.change is not None else []
            pending += [item.path] if item.is_directory else []
    assert sorted(found) == [change.path for change in changes]
