"""Whole changes, single hunks and resolved conflicts: what is chosen is what arrives, and undo takes it back."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project, snapshot
from vibedom.errors import ConflictError
from vibedom.paths import SessionDir
from vibedom.workspace.apply import Outcome, apply
from vibedom.workspace.file_diff import FileDiff
from vibedom.workspace.line_diff import hunks, split_lines
from vibedom.workspace.patch import Blob
from vibedom.workspace.review import reviewing
from vibedom.workspace.rows import hunk_rows, hunk_title, unified_lines
from vibedom.workspace.selection import Selection
from vibedom.workspace.settled import settle
from vibedom.workspace.undo import undo

LINES = [f"line {number}\n".encode() for number in range(60)]
ENDS = [b"first\n", *LINES[1:30], b"middle\n", *LINES[31:59], b"last"]


@pytest.fixture
def edited(project: Project) -> Project:
    """One file with three hunks, one new file, one deleted file, one with another mode."""
    (project.workspace / "long.txt").write_bytes(b"".join(LINES))
    (project.workspace / "gone.txt").write_text("bye\n")
    (project.workspace / "tool.sh").write_text("#!/bin/sh\n")
    (project.workspace / "tool.sh").chmod(0o644)
    project.start()
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    agent.write("long.txt", b"".join(ENDS), mode=0o755)
    agent.write("new.txt", b"new\n")
    agent.remove("gone.txt")
    agent.chmod("tool.sh", 0o755)
    return project


@contextmanager
def _selection(project: Project, *, with_settled: bool = False) -> Iterator[Selection]:
    directory = SessionDir(root=project.root)
    assert directory.base == project.base_file
    with reviewing(directory, project.workspace, with_settled=with_settled) as review:
        yield Selection(review)


def _apply(project: Project, selection: Selection) -> Outcome:
    return apply(selection.plan(), project.journal)


def test_one_hunk_of_three_is_applied_and_the_others_stay_on_offer(edited: Project) -> None:
    before = snapshot(edited.workspace, times=True)
    with _selection(edited) as selection:
        diff = selection.diff("long.txt")
        assert [hunk_title(hunk) for hunk in diff.hunks] == [
            "@@ -1,4 +1,4 @@",
            "@@ -28,7 +28,7 @@",
            "@@ -57,4 +57,4 @@",
        ]
        selection.choose_hunk(diff, 1, is_wanted=True)
        assert (selection.state("long.txt"), selection.paths) == ("some", ["long.txt"])
        _apply(edited, selection)
    wanted = b"".join([*LINES[:30], b"middle\n", *LINES[31:]])
    assert (edited.workspace / "long.txt").read_bytes() == wanted
    assert (edited.workspace / "long.txt").stat().st_mode & 0o777 == 0o644
    with _selection(edited) as selection:
        assert len(selection.diff("long.txt").hunks) == 2
        selection.choose(["long.txt"], is_wanted=True)
        _apply(edited, selection)
    assert (edited.workspace / "long.txt").read_bytes() == b"".join(ENDS)
    assert (edited.workspace / "long.txt").stat().st_mode & 0o777 == 0o755
    undo(edited.journal)
    assert (edited.workspace / "long.txt").read_bytes() == wanted
    undo(edited.journal)
    assert snapshot(edited.workspace, times=True) == before


def test_all_hunks_are_the_whole_change_and_none_is_nothing(edited: Project) -> None:
    with _selection(edited) as selection:
        diff = selection.diff("long.txt")
        for number in range(3):
            selection.choose_hunk(diff, number, is_wanted=True)
        assert selection.state("long.txt") == "all"
        selection.choose_hunk(diff, 0, is_wanted=False)
        assert selection.state("long.txt") == "some"
        assert [selection.has_hunk("long.txt", number) for number in range(3)] == [False, True, True]
        for number in (1, 2):
            selection.choose_hunk(diff, number, is_wanted=False)
        assert selection.state("long.txt") == "none"
        assert selection.plan().steps == ()


def test_a_new_file_has_no_hunks_of_its_own(edited: Project) -> None:
    with _selection(edited) as selection:
        diff = selection.diff("new.txt")
        assert not diff.is_splittable
        selection.choose_hunk(diff, 0, is_wanted=True)
        assert selection.state("new.txt") == "all"


def test_host_edit_between_reading_the_hunks_and_the_apply_is_a_conflict(edited: Project) -> None:
    with _selection(edited) as selection:
        selection.choose_hunk(selection.diff("long.txt"), 0, is_wanted=True)
        plan = selection.plan()
        (edited.workspace / "long.txt").write_text("the host's own\n")
        with pytest.raises(ConflictError):
            apply(plan, edited.journal)
    assert (edited.workspace / "long.txt").read_text() == "the host's own\n"


def test_conflict_can_be_resolved_by_either_side(edited: Project) -> None:
    (edited.workspace / "long.txt").write_text("the host's own\n")
    with _selection(edited) as selection:
        selection.choose(["long.txt", "new.txt"], is_wanted=True)
        assert [each.path for each in selection.plan().conflicts] == ["long.txt"]
        selection.resolve("long.txt", "skip")
        _apply(edited, selection)
    assert (edited.workspace / "long.txt").read_text() == "the host's own\n"
    assert (edited.workspace / "new.txt").exists()
    with _selection(edited) as selection:
        selection.resolve("long.txt", "theirs")
        _apply(edited, selection)
    assert (edited.workspace / "long.txt").read_bytes() == b"".join(ENDS)
    undo(edited.journal)
    assert (edited.workspace / "long.txt").read_text() == "the host's own\n"


def test_mine_settles_the_change_until_the_agent_writes_another_version(edited: Project) -> None:
    (edited.workspace / "long.txt").write_text("the host's own\n")
    with _selection(edited) as selection:
        selection.choose(["long.txt"], is_wanted=True)
        selection.resolve("long.txt", "mine")
        assert selection.plan().steps == ()
        change = next(each for each in selection.review.changes if each.path == "long.txt")
        settle(edited.base_file, [(path, change.new) for path in selection.settled_by_mine])
    with _selection(edited) as selection:
        assert "long.txt" not in {change.path for change in selection.review.changes}
    with _selection(edited, with_settled=True) as selection:
        assert "long.txt" in {change.path for change in selection.review.changes}
    (edited.upper / "long.txt").write_text("another\n")
    with _selection(edited) as selection:
        assert "long.txt" in {change.path for change in selection.review.changes}


def test_merge_by_hand_is_applied_settles_the_change_and_is_undone_with_it(edited: Project) -> None:
    (edited.workspace / "long.txt").write_text("the host's own\n")
    with _selection(edited) as selection:
        selection.edit(selection.diff("long.txt"), b"both\n")
        _apply(edited, selection)
    assert (edited.workspace / "long.txt").read_text() == "both\n"
    with _selection(edited) as selection:
        assert "long.txt" not in {change.path for change in selection.review.changes}
    undo(edited.journal)
    assert (edited.workspace / "long.txt").read_text() == "the host's own\n"
    with _selection(edited) as selection:
        selection.choose(["long.txt"], is_wanted=True)
        assert [each.path for each in selection.plan().conflicts] == ["long.txt"]


_FILES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"d\r\n"]), max_size=40)


def _file_diff(old: bytes, new: bytes) -> FileDiff:
    lines = (split_lines(old), split_lines(new))
    return FileDiff(
        path="f",
        host=None,
        old=Blob("100644", old),
        new=Blob("100644", new),
        old_lines=tuple(lines[0]),
        new_lines=tuple(lines[1]),
        shown_old=tuple(line.decode().removesuffix("\n") for line in lines[0]),
        shown_new=tuple(line.decode().removesuffix("\n") for line in lines[1]),
        hunks=tuple(hunks(*lines)),
    )


@given(_FILES, _FILES, st.sampled_from([b"", b"end"]), st.sampled_from([b"", b"end", b"other"]), st.data())
def test_hunks_compose_and_rows_show_both_sides_exactly(
    old: list[bytes], new: list[bytes], tail: bytes, new_tail: bytes, data: st.DataObject
) -> None:
    before, after = b"".join(old) + tail, b"".join(new) + new_tail
    diff = _file_diff(before, after)
    numbers = range(len(diff.hunks))
    assert diff.composed(set(numbers)) == after
    assert diff.composed(set()) == before
    wanted = {number for number in numbers if data.draw(st.booleans())}
    rest = _file_diff(diff.composed(wanted), after)
    assert rest.composed(set(range(len(rest.hunks)))) == after
    for hunk in diff.hunks:
        rows = list(hunk_rows(diff, hunk))
        assert [row.old for row in rows if row.old_number] == list(diff.shown_old[hunk.old_start : hunk.old_end])
        assert [row.new for row in rows if row.new_number] == list(diff.shown_new[hunk.new_start : hunk.new_end])
        lines = list(unified_lines(diff, hunk))
        assert [text for mark, text in lines if mark in " -"] == [row.old for row in rows if row.old_number]
        assert [text for mark, text in lines if mark in " +"] == [row.new for row in rows if row.new_number]
