"""A hunk as rows of two columns, and as the lines of a unified diff: what every view of a review draws."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Literal

import msgspec

from vibedom.workspace.file_diff import FileDiff
from vibedom.workspace.line_diff import Hunk

RowKind = Literal["same", "changed", "removed", "added"]


class Row(msgspec.Struct, frozen=True):
    """One line of both sides. Numbers count from 1, None where that side has no line. Texts are safe to print."""

    kind: RowKind
    old_number: int | None
    old: str
    new_number: int | None
    new: str


def hunk_title(hunk: Hunk) -> str:
    """`@@ -1,3 +1,4 @@`, as in a unified diff."""
    old, new = hunk.old_end - hunk.old_start, hunk.new_end - hunk.new_start
    at = (hunk.old_start + 1 if old else hunk.old_start, hunk.new_start + 1 if new else hunk.new_start)
    return f"@@ -{at[0]},{old} +{at[1]},{new} @@"


def hunk_rows(diff: FileDiff, hunk: Hunk) -> Iterator[Row]:
    """The hunk side by side, context included; what was replaced stands beside what replaces it."""
    old_at, new_at = hunk.old_start, hunk.new_start
    for old_start, old_end, new_start, new_end in hunk.changes:
        yield from _same(diff, old_at, old_start, new_at)
        for old, new in zip_longest(range(old_start, old_end), range(new_start, new_end)):
            yield _different(diff, old, new)
        old_at, new_at = old_end, new_end
    yield from _same(diff, old_at, hunk.old_end, new_at)


def _same(diff: FileDiff, start: int, end: int, new_start: int) -> Iterator[Row]:
    for offset in range(end - start):
        old, new = start + offset, new_start + offset
        yield Row("same", old + 1, diff.shown_old[old], new + 1, diff.shown_new[new])


def _different(diff: FileDiff, old: int | None, new: int | None) -> Row:
    kind: RowKind = "added" if old is None else "removed" if new is None else "changed"
    return Row(
        kind,
        None if old is None else old + 1,
        "" if old is None else diff.shown_old[old],
        None if new is None else new + 1,
        "" if new is None else diff.shown_new[new],
    )


def unified_lines(diff: FileDiff, hunk: Hunk) -> Iterator[tuple[Literal[" ", "-", "+"], str]]:
    """The hunk as (mark, text), removed lines before those that replace them."""
    old_at = hunk.old_start
    for old_start, old_end, new_start, new_end in hunk.changes:
        yield from ((" ", text) for text in diff.shown_old[old_at:old_start])
        yield from (("-", text) for text in diff.shown_old[old_start:old_end])
        yield from (("+", text) for text in diff.shown_new[new_start:new_end])
        old_at = old_end
    yield from ((" ", text) for text in diff.shown_old[old_at : hunk.old_end])
