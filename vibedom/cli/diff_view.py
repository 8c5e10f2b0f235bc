"""Turns a review into lines for a person: danger first, then each change, nothing raw of what the agent wrote."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from vibedom.cli.render import Style, style
from vibedom.workspace.changes import Change
from vibedom.workspace.danger import Danger
from vibedom.workspace.entry import Entry
from vibedom.workspace.file_diff import FileDiff, read_file_diff
from vibedom.workspace.line_diff import differences, split_lines
from vibedom.workspace.patch import FILE_LIMIT_BYTES, new_blob, old_blob
from vibedom.workspace.renames import find_renames
from vibedom.workspace.review import Fold, Review, folded_view
from vibedom.workspace.rows import hunk_title, unified_lines
from vibedom.workspace.spelling import visible
from vibedom.workspace.tree import Tree

_MARKS = {"added": "A", "modified": "M", "deleted": "D", "mode": "m", "type": "T"}
_STYLES: dict[str, Style] = {"+": "good", "-": "bad"}
SHOWN_LINES = 2000
"""Of one file; the rest is counted. `--patch` has it all."""


def danger_lines(dangers: dict[str, list[Danger]]) -> Iterator[str]:
    """The dangers, those that are held back first."""
    if not dangers:
        return
    yield style(f"{len(dangers)} changed paths deserve a look first:", "bold", "stdout")
    folded: Counter[str] = Counter()
    for path in sorted(dangers, key=lambda path: (not any(d.is_held_back for d in dangers[path]), path)):
        reasons = visible("; ".join(danger.reason for danger in dangers[path]))
        if all(danger.severity == "low" for danger in dangers[path]):
            folded[reasons] += 1
        elif any(danger.is_held_back for danger in dangers[path]):
            yield style(f"  ! {visible(path)}: {reasons}", "bad", "stdout")
        else:
            yield style(f"  ? {visible(path)}: {reasons}", "warn", "stdout")
    for reasons, count in folded.items():
        yield style(f"  . {count} paths: {reasons}", "dim", "stdout")
    yield ""


def name_line(change: Change, renames: Mapping[str, str] = {}) -> str:
    """`M path`, with what else is worth saying; `R old -> new` for a file that was only moved."""
    if change.path in renames:
        return f"R {visible(renames[change.path])} -> {visible(change.path)}"
    entry = change.new or change.old
    tail = "/" if entry is not None and entry.type == "directory" else ""
    if change.new is not None and change.new.type == "symlink":
        tail = f" -> {visible(change.new.target)}"
    if change.is_new_mode and change.old is not None and change.new is not None:
        tail += f" ({change.old.mode:04o} -> {change.new.mode:04o})"
    if not change.is_appliable and change.new is not None:
        tail += f" ({change.new.type}: never brought to the project)"
    return f"{_MARKS[change.kind]} {visible(change.path)}{tail}"


def stat_lines(review: Review, changes: Sequence[Change], *, unfold: bool) -> Iterator[str]:
    """One line per change with the lines added and removed, and a sum."""
    added = removed = 0
    with Tree(review.workspace) as host, Tree(review.upper) as layer:
        renames = find_renames(changes, host)
        for item in _view(review, changes, unfold=unfold, renames=renames):
            if isinstance(item, Fold):
                yield _fold_line(item)
                continue
            if item.path in renames:
                yield name_line(item, renames)
                continue
            plus, minus, text = _counts(item, host, layer)
            added, removed = added + plus, removed + minus
            yield f"{name_line(item)}{text}"
    yield f"{len(changes)} changes, {added} lines added, {removed} removed"


def _view(
    review: Review, changes: Sequence[Change], *, unfold: bool, renames: Mapping[str, str]
) -> Iterable[Change | Fold]:
    gone = set(renames.values())
    left = [change for change in changes if change.path not in gone]
    return left if unfold else folded_view(left, review.dangers)


def _fold_line(fold: Fold) -> str:
    return f"* {visible(fold.directory)}/ ({len(fold.changes)} changes by tools; --all shows them)"


def _counts(change: Change, host: Tree, layer: Tree) -> tuple[int, int, str]:
    if _is_large(change):
        return 0, 0, f" (large, {_size(change.old)} -> {_size(change.new)} bytes)"
    old, new = old_blob(change, host), new_blob(change, layer)
    if old is None and new is None:
        return 0, 0, ""
    if change.is_binary:
        return 0, 0, f" (binary, {len(old.data) if old else 0} -> {len(new.data) if new else 0} bytes)"
    parts = differences(split_lines(old.data if old else b""), split_lines(new.data if new else b""))
    minus, plus = sum(end - start for start, end, _, _ in parts), sum(end - start for _, _, start, end in parts)
    return plus, minus, f" +{plus} -{minus}" if parts else ""


def _size(entry: Entry | None) -> int:
    return entry.size if entry is not None else 0


def _is_large(change: Change) -> bool:
    return any(entry is not None and entry.size > FILE_LIMIT_BYTES for entry in (change.old, change.new))


def diff_lines(review: Review, changes: Sequence[Change], *, unfold: bool) -> Iterator[str]:
    """The content of every change as a unified diff: no secret, and nothing that a terminal obeys."""
    with Tree(review.workspace) as host, Tree(review.upper) as layer:
        renames = find_renames(changes, host)
        for item in _view(review, changes, unfold=unfold, renames=renames):
            if isinstance(item, Fold):
                yield _fold_line(item)
                continue
            yield style(name_line(item, renames), "bold", "stdout")
            if item.path not in renames:
                yield from _content(read_file_diff(item, host, layer, review.conceal))


def _content(diff: FileDiff) -> Iterator[str]:
    if diff.obstacle and (diff.old is not None or diff.new is not None or "large" in diff.obstacle):
        yield f"  ({diff.obstacle})"
    shown = 0
    for number, hunk in enumerate(diff.hunks, 1):
        count = f"  hunk {number} of {len(diff.hunks)}" if diff.is_splittable and len(diff.hunks) > 1 else ""
        yield style(f"{hunk_title(hunk)}{count}", "dim", "stdout")
        for mark, text in unified_lines(diff, hunk):
            shown += 1
            if shown <= SHOWN_LINES:
                yield style(f"{mark}{text}", _STYLES.get(mark, "plain"), "stdout")
    if shown > SHOWN_LINES:
        yield style(f"  ({shown - SHOWN_LINES} more lines; --patch FILE has them all)", "dim", "stdout")
