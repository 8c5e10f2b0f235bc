"""Understands an overlay's upper directory: what is written there, what is a whiteout, what is opaque.

https://www.kernel.org/doc/html/latest/filesystems/overlayfs.html: a deletion is a *whiteout* (a 0:0 character device,
or an empty file with the attribute `overlay.whiteout`), a directory that replaces another one is *opaque*. The
attributes are in `trusted.` or, in an overlay mounted with `userxattr`, in `user.`. Only one of the two speaks: in a
`trusted.` overlay the agent can set any `user.` attribute on its own files, and could make a review lie.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec

from vibedom.errors import WorkspaceError
from vibedom.workspace.entry import Entry
from vibedom.workspace.spelling import visible
from vibedom.workspace.tree import Tree, lstat_at, open_file_at

Namespace = Literal["trusted", "user"]

MAX_LEVELS = 256
"""Directories in one another that are looked into. What an agent puts deeper (nobody's project is, and a path has room
for 4,096 bytes) is named and left out: to reach it takes a step for each level, each time."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One path of the upper directory."""

    path: str
    entry: Entry
    is_whiteout: bool = False
    is_opaque: bool = False
    """A directory that hides all that is below it at the same path in the workspace."""


class Layer:
    """The upper directory of an overlay."""

    def __init__(self, upper: Path, namespace: Namespace | None = None) -> None:
        self.tree = Tree(upper, lingers=True)
        self._prefix = f"{namespace or _namespace_of(upper)}.overlay."

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.tree.__exit__(kind, error, at)

    def nodes(self) -> Iterator[Node]:
        """Every path, a directory before its content. Raises `WorkspaceError` for what cannot be understood."""
        pending = [""]
        while pending:
            directory = pending.pop()
            fd = self.tree.open_directory(directory)
            try:
                for name in sorted(os.listdir(fd)):
                    node = self._node(fd, name, f"{directory}/{name}" if directory else name)
                    if node is None:
                        continue
                    if node.entry.type == "directory" and node.path.count("/") >= MAX_LEVELS:
                        node = msgspec.structs.replace(node, entry=_too_deep(node.entry))
                    yield node
                    if node.entry.type == "directory":
                        pending.append(node.path)
            finally:
                os.close(fd)

    def has(self, path: str) -> bool:
        """Whether the agent sees something at `path` that comes from this layer."""
        try:
            with self.tree.parent(path) as (fd, name):
                node = self._node(fd, name, path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return node is not None and not node.is_whiteout

    def _node(self, directory: int, name: str, path: str) -> Node | None:
        entry = lstat_at(directory, name)
        if entry is None:
            return None
        if entry.type == "device":
            is_null = os.stat(name, dir_fd=directory, follow_symlinks=False).st_rdev == 0
            return Node(path=path, entry=entry, is_whiteout=is_null)
        if entry.type not in ("file", "directory"):
            return Node(path=path, entry=entry)
        marks = self._marks(directory, name, entry)
        if "redirect" in marks or "metacopy" in marks:
            raise WorkspaceError(
                f"{visible(path)} is only a reference (redirect_dir or metacopy);"
                " mount the overlay with redirect_dir=off,metacopy=off"
            )
        return Node(
            path=path,
            entry=entry,
            is_whiteout=entry.type == "file" and entry.size == 0 and "whiteout" in marks,
            is_opaque=entry.type == "directory" and marks.get("opaque") == b"y",
        )

    def _marks(self, directory: int, name: str, entry: Entry) -> dict[str, bytes]:
        if not hasattr(os, "listxattr"):  # macOS: the overlay lives in the VM, this is a copy of it
            return {}
        if entry.type == "file":
            fd = open_file_at(directory, name)
        else:
            fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            names = [mark for mark in os.listxattr(fd) if mark.startswith(self._prefix)]
            return {mark.removeprefix(self._prefix): os.getxattr(fd, mark) for mark in names}
        finally:
            os.close(fd)


def _too_deep(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, type="too deep directory")


def _namespace_of(upper: Path) -> Namespace:
    """Where this overlay keeps its attributes. The agent cannot set `trusted.` ones, so one of them decides."""
    try:
        names = os.listxattr(upper, follow_symlinks=False)
    except (OSError, AttributeError):  # a file system or platform without attributes
        return "user"
    return "trusted" if any(name.startswith("trusted.overlay.") for name in names) else "user"
