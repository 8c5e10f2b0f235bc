"""Finds files that were only moved: the same bytes under another name."""

from collections.abc import Iterable

from vibedom.workspace.changes import Change
from vibedom.workspace.tree import Tree

MOST_READ_BYTES = 256 << 20
"""So much of the project's files is read at the most to find them; the rest is shown as deleted and added."""


def find_renames(changes: Iterable[Change], host: Tree) -> dict[str, str]:
    """New path -> old path, where a deleted file's content is an added one's. Empty files are never taken for moved.

    Only deleted files are read whose size an added file has. A file that cannot be read any more was not moved.
    """
    added: dict[int, list[Change]] = {}
    deleted: list[Change] = []
    for change in changes:
        if change.kind == "added" and change.new is not None and change.new.type == "file" and change.new.size:
            added.setdefault(change.new.size, []).append(change)
        elif change.kind == "deleted" and change.old is not None and change.old.type == "file":
            deleted.append(change)
    found: dict[str, str] = {}
    left = MOST_READ_BYTES
    for change in deleted:
        candidates = [each for each in added.get(_size(change), ()) if each.path not in found]
        left -= _size(change) if candidates else 0
        if not candidates or left < 0:
            continue
        try:
            digest = host.digest(change.path)
        except OSError:
            continue
        same = [each.path for each in candidates if each.new is not None and each.new.digest == digest]
        if same:
            name = change.path.rpartition("/")[2]
            best = next((path for path in same if path.rpartition("/")[2] == name), same[0])
            found[best] = change.path
    return found


def _size(change: Change) -> int:
    return change.old.size if change.old is not None else 0
