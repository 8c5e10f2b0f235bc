"""A conflict as one file to be edited: what both sides share once, what they do not between git's markers."""

from vibedom.errors import WorkspaceError
from vibedom.workspace.file_diff import FileDiff
from vibedom.workspace.line_diff import differences
from vibedom.workspace.patch import Blob

_MINE, _MIDDLE, _THEIRS = b"<<<<<<< project\n", b"=======\n", b">>>>>>> agent\n"


def can_merge(diff: FileDiff) -> bool:
    """Whether a text editor can make one file of both sides."""
    return not diff.obstacle and diff.new is not None and "120000" not in {side.mode for side in _sides(diff)}


def merge_text(diff: FileDiff) -> bytes:
    """Both sides with conflict markers. Raises `WorkspaceError` where it is no text."""
    if not can_merge(diff):
        raise WorkspaceError(f"{diff.path!r} is no text that an editor could merge; take one side")
    pieces: list[bytes] = []
    at = 0
    for old_start, old_end, new_start, new_end in differences(diff.old_lines, diff.new_lines):
        pieces += diff.old_lines[at:old_start]
        pieces += [_MINE, *_whole(diff.old_lines[old_start:old_end]), _MIDDLE]
        pieces += [*_whole(diff.new_lines[new_start:new_end]), _THEIRS]
        at = old_end
    return b"".join([*pieces, *diff.old_lines[at:]])


def has_markers(content: bytes) -> bool:
    """Whether somebody has left a conflict as it was."""
    lines = content.splitlines(keepends=True)
    return any(line in (_MINE, _THEIRS) for line in lines)


def _sides(diff: FileDiff) -> list[Blob]:
    return [side for side in (diff.old, diff.new) if side is not None]


def _whole(lines: tuple[bytes, ...]) -> list[bytes]:
    return [line if line.endswith(b"\n") else line + b"\n" for line in lines]
