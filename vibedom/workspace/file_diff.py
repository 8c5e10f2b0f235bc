"""The lines of one change: its hunks, what of them is wanted, and how they are shown without doing harm."""

import os
from collections.abc import Callable, Collection

import msgspec

from vibedom.workspace.changes import Change
from vibedom.workspace.content import SHOWN_BYTES, is_text
from vibedom.workspace.entry import Entry
from vibedom.workspace.line_diff import Hunk, hunks, split_lines
from vibedom.workspace.patch import Blob, new_blob, old_blob
from vibedom.workspace.spelling import visible
from vibedom.workspace.tree import Tree

Conceal = Callable[[bytes], bytes]
"""Takes the secrets out of a file's content and leaves it as many lines as it had."""


class FileDiff(msgspec.Struct, frozen=True, kw_only=True):
    """One change, read. `shown_old` and `shown_new` are what may be printed: no control characters, no secret."""

    path: str
    host: Entry | None
    """What the workspace had at the path just before its content was read."""
    old: Blob | None
    new: Blob | None
    old_lines: tuple[bytes, ...] = ()
    new_lines: tuple[bytes, ...] = ()
    shown_old: tuple[str, ...] = ()
    shown_new: tuple[str, ...] = ()
    hunks: tuple[Hunk, ...] = ()
    obstacle: str = ""
    """Why there are no lines, for a person; "" where there are."""

    @property
    def is_splittable(self) -> bool:
        """Whether single hunks of it can be taken: both sides are text files."""
        return bool(self.hunks) and all(blob is not None and blob.mode != "120000" for blob in (self.old, self.new))

    def composed(self, wanted: Collection[int]) -> bytes:
        """The old content with the hunks of these numbers (from 0) taken over."""
        lines: list[bytes] = []
        at = 0
        for number, hunk in enumerate(self.hunks):
            if number not in wanted:
                continue
            for old_start, old_end, new_start, new_end in hunk.changes:
                lines += self.old_lines[at:old_start]
                lines += self.new_lines[new_start:new_end]
                at = old_end
        return _joined([*lines, *self.old_lines[at:]])


def _joined(lines: list[bytes]) -> bytes:
    """The lines as one file. A last line without a newline that others follow by now gets the one it needs."""
    whole = [line if line.endswith(b"\n") else line + b"\n" for line in lines[:-1]]
    return b"".join([*whole, *lines[-1:]])


def read_file_diff(change: Change, host: Tree, layer: Tree, conceal: Conceal | None = None) -> FileDiff:
    """Read both sides of a change. `host` is the workspace, `layer` the overlay's upper directory. Raises `OSError`."""
    now = host.lstat(change.path)
    if any(entry is not None and entry.size > SHOWN_BYTES for entry in (now, change.new)):
        return FileDiff(path=change.path, host=now, old=None, new=None, obstacle="too large to show")
    old, new = old_blob(change, host), new_blob(change, layer)
    before, after = (b"" if blob is None else blob.data for blob in (old, new))
    if change.is_binary or not (is_text(before) and is_text(after)):
        sizes = f"{len(before)} -> {len(after)} bytes"
        return FileDiff(path=change.path, host=now, old=old, new=new, obstacle=f"binary, {sizes}")
    if old is None and new is None:
        return FileDiff(path=change.path, host=now, old=None, new=None, obstacle="no file: nothing to compare")
    old_lines, new_lines = split_lines(before), split_lines(after)
    return FileDiff(
        path=change.path,
        host=now,
        old=old,
        new=new,
        old_lines=tuple(old_lines),
        new_lines=tuple(new_lines),
        shown_old=_shown(before, conceal),
        shown_new=_shown(after, conceal),
        hunks=tuple(hunks(old_lines, new_lines)),
    )


def _shown(data: bytes, conceal: Conceal | None) -> tuple[str, ...]:
    lines = split_lines(conceal(data) if conceal is not None else data)
    return tuple(_shown_line(line) for line in lines)


def _shown_line(line: bytes) -> str:
    text = visible(os.fsdecode(line.removesuffix(b"\n")))
    return text if line.endswith(b"\n") else f"{text} [no newline at the end]"
