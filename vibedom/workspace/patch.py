"""Writes changes as a patch that `git apply` takes, binary files, modes and odd names included."""

import base64
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from vibedom.workspace.auto_run import folded, is_in_git_directory
from vibedom.workspace.changes import Change
from vibedom.workspace.content import is_text
from vibedom.workspace.entry import Entry
from vibedom.workspace.line_diff import hunks, split_lines
from vibedom.workspace.spelling import unspell
from vibedom.workspace.tree import Tree

FILE_LIMIT_BYTES = 256 << 20
"""A file has to be in memory for its patch; larger ones are left out."""


class Blob(msgspec.Struct, frozen=True):
    """One side of a change as git stores it."""

    mode: str
    """`100644`, `100755` or `120000`."""
    data: bytes

    @property
    def id(self) -> str:
        """Git's object id."""
        header = b"blob %d\0" % len(self.data)
        return hashlib.sha1(header + self.data, usedforsecurity=False).hexdigest()


class LeftOut(msgspec.Struct, frozen=True):
    """A change that a patch cannot carry, and why."""

    path: str
    reason: str


def write_patch(changes: Iterable[Change], *, workspace: Path, upper: Path, out: BinaryIO) -> list[LeftOut]:
    """Write the patch from the workspace as it is to what the agent left. Returns what no patch can carry."""
    left_out = []
    with Tree(workspace) as host, Tree(upper) as layer:
        for change in changes:
            reason = _obstacle(change, host)
            if reason:
                left_out.append(LeftOut(change.path, reason))
                continue
            for piece in file_patch(change.path, old_blob(change, host), new_blob(change, layer)):
                out.write(piece)
    return left_out


def _obstacle(change: Change, host: Tree) -> str:
    now = host.lstat(change.path)
    if is_in_git_directory(folded(change.path)):
        return "git takes no patch of its own directory"
    if not change.is_appliable:
        return "it is no file, directory or link"
    if max(change.new.size if change.new else 0, now.size if now else 0) > FILE_LIMIT_BYTES:
        return f"it is larger than {FILE_LIMIT_BYTES >> 20} MiB"
    if change.new is not None and change.new.type == "directory" and (change.old is None or change.kind == "mode"):
        return "git knows no directories, only what is in them"
    return ""


def old_blob(change: Change, host: Tree) -> Blob | None:
    """What the workspace has at the path, None for nothing or a directory."""
    return _blob(change.path, host.lstat(change.path), host)


def new_blob(change: Change, layer: Tree) -> Blob | None:
    """What the agent left at the path, None for nothing or a directory."""
    return _blob(change.path, change.new, layer)


def _blob(path: str, entry: Entry | None, tree: Tree) -> Blob | None:
    if entry is None or entry.type not in ("file", "symlink"):
        return None
    if entry.type == "symlink":
        return Blob("120000", os.fsencode(unspell(entry.target)))
    return Blob("100755" if entry.mode & 0o100 else "100644", tree.read(path))


def file_patch(path: str, old: Blob | None, new: Blob | None) -> Iterator[bytes]:
    """The patch of one path; a change between file and link is a deletion and an addition."""
    if old is not None and new is not None and (old.mode == "120000") != (new.mode == "120000"):
        yield from file_patch(path, old, None)
        yield from file_patch(path, None, new)
        return
    if old == new:
        return
    yield b"diff --git " + _quoted(b"a/", path) + b" " + _quoted(b"b/", path) + b"\n"
    if old is None and new is not None:
        yield f"new file mode {new.mode}\n".encode()
    elif new is None and old is not None:
        yield f"deleted file mode {old.mode}\n".encode()
    elif old is not None and new is not None and old.mode != new.mode:
        yield f"old mode {old.mode}\nnew mode {new.mode}\n".encode()
    before, after = (b"" if blob is None else blob.data for blob in (old, new))
    if before == after and old is not None and new is not None:
        return
    mode = f" {new.mode}" if old is not None and new is not None and old.mode == new.mode else ""
    yield f"index {old.id if old else '0' * 40}..{new.id if new else '0' * 40}{mode}\n".encode()
    if not (is_text(before) and is_text(after)):
        yield b"GIT binary patch\n" + _literal(after) + _literal(before)
    elif before != after:
        yield b"--- " + (_name(b"a/", path) if old else b"/dev/null") + b"\n"
        yield b"+++ " + (_name(b"b/", path) if new else b"/dev/null") + b"\n"
        yield from text_hunks(before, after)


def text_hunks(before: bytes, after: bytes) -> Iterator[bytes]:
    """The hunks of a unified diff."""
    old, new = split_lines(before), split_lines(after)
    for hunk in hunks(old, new):
        place = (_range(hunk.old_start, hunk.old_end), _range(hunk.new_start, hunk.new_end))
        yield f"@@ -{place[0]} +{place[1]} @@\n".encode()
        at = hunk.old_start
        for old_start, old_end, new_start, new_end in hunk.changes:
            yield from _lines(b" ", old[at:old_start])
            yield from _lines(b"-", old[old_start:old_end])
            yield from _lines(b"+", new[new_start:new_end])
            at = old_end
        yield from _lines(b" ", old[at : hunk.old_end])


def _range(start: int, end: int) -> str:
    return f"{start + 1 if end > start else start},{end - start}"


def _lines(mark: bytes, lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield mark + line if line.endswith(b"\n") else mark + line + b"\n\\ No newline at end of file\n"


def _literal(data: bytes) -> bytes:
    packed = zlib.compress(data)
    lines = [b"literal %d\n" % len(data)]
    for at in range(0, len(packed), 52):
        piece = packed[at : at + 52]
        length = len(piece) + (64 if len(piece) <= 26 else 70)  # A-Z for 1-26, a-z for 27-52
        lines.append(bytes([length]) + base64.b85encode(piece, pad=True) + b"\n")
    return b"".join(lines) + b"\n"


def _name(prefix: bytes, path: str) -> bytes:
    quoted = _quoted(prefix, path)
    return quoted + b"\t" if b" " in quoted and not quoted.startswith(b'"') else quoted


def _quoted(prefix: bytes, path: str) -> bytes:
    """The name as git writes it: in C quotes where it has anything but plain printable ASCII."""
    raw = prefix + os.fsencode(path)
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in raw):
        return raw
    return b'"' + b"".join(_escaped(byte) for byte in raw) + b'"'


def _escaped(byte: int) -> bytes:
    named = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}
    if byte in named:
        return named[byte]
    return bytes([byte]) if 0x20 <= byte < 0x7F else b"\\%03o" % byte
