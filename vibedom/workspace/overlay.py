"""Reads the agent's changes: the overlay's upper directory against the workspace and its recorded base.

The cost grows with the changes, not with the project: nothing of the workspace is listed, only looked up.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from pathlib import Path

from vibedom.errors import WorkspaceError
from vibedom.workspace.base import Base, sort_key
from vibedom.workspace.changes import NOTIFY_EVERY, Change, Kind, Notify
from vibedom.workspace.content import compare
from vibedom.workspace.entry import Entry
from vibedom.workspace.layer import Layer, Namespace, Node
from vibedom.workspace.spelling import visible
from vibedom.workspace.tree import Tree


def read_changes(
    upper: Path,
    workspace: Path,
    base: Base,
    *,
    masked: Collection[str] = (),
    namespace: Namespace | None = None,
    notify: Notify = lambda text: None,
) -> list[Change]:
    """Every change below `upper` against the workspace as it is now, a directory before its content.

    A path that is in the workspace what it is in the overlay is no change, whoever made them equal: a file that was
    only copied up, or one that has been applied. Paths in `masked` are left out. `namespace` is where the overlay
    keeps its attributes; None finds out. `notify` hears how far it is. Raises `WorkspaceError`.
    """
    with Layer(upper, namespace) as layer, Tree(workspace, lingers=True) as host:
        found: dict[str, Change] = {}
        try:
            for number, node in enumerate(layer.nodes(), 1):
                if number % NOTIFY_EVERY == 0:
                    notify(f"reading the changes: {number:,} of the agent's files")
                for change in _changes_at(node, layer, host, base):
                    found.setdefault(change.path, change)
        except OSError as error:
            where = visible(os.fsdecode(error.filename)) if error.filename else str(upper)
            raise WorkspaceError(f"the agent's changes cannot be read: {where}: {error.strerror}") from error
    kept = [change for change in found.values() if change.path not in masked]
    return sorted(kept, key=lambda change: sort_key(change.path))


def _changes_at(node: Node, layer: Layer, host: Tree, base: Base) -> Iterator[Change]:
    old, now = base.get(node.path), host.lstat(node.path)
    if node.is_whiteout and now is not None:
        yield Change(path=node.path, kind="deleted", old=old, new=None)
    is_gone = node.is_whiteout or node.is_opaque or node.entry.type != "directory"
    if is_gone and old is not None and old.type == "directory":
        yield from _lost_below(node.path, layer, host, base)
    if node.is_whiteout:
        return
    if node.entry.type == "file":
        yield from _file(node, old, now, layer, host)
    elif not _is_there(node.entry, now):
        kind: Kind = "mode" if now is not None and now.type == node.entry.type == "directory" else _kind(old, node)
        yield Change(path=node.path, kind=kind, old=old, new=node.entry)


def _lost_below(directory: str, layer: Layer, host: Tree, base: Base) -> Iterator[Change]:
    """Deletions of what the base had below `directory` and the agent's view has no more."""
    for path, entry in base.below(directory):
        if not layer.has(path) and host.lstat(path) is not None:
            yield Change(path=path, kind="deleted", old=entry, new=None)


def _file(node: Node, old: Entry | None, now: Entry | None, layer: Layer, host: Tree) -> Iterator[Change]:
    is_file = now is not None and now.type == "file"
    with layer.tree.reading(node.path) as fd, host.reading(node.path) if is_file else nullcontext() as other:
        found = compare(fd, other)
    if found.is_same and now is not None and now.bits == node.entry.bits:
        return
    kind: Kind = "mode" if found.is_same and old is not None and old.type == "file" else _kind(old, node)
    yield Change(path=node.path, kind=kind, old=old, new=found.entry, is_binary=not found.are_text)


def _is_there(new: Entry, now: Entry | None) -> bool:
    """Whether the host has this directory or symbolic link already."""
    if now is None or now.type != new.type:
        return False
    return now.bits == new.bits if new.type == "directory" else (now.target == new.target and new.type == "symlink")


def _kind(old: Entry | None, node: Node) -> Kind:
    if old is None:
        return "added"
    return "modified" if old.type == node.entry.type else "type"
