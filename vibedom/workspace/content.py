"""Content of files: comparing it, and telling text from binary."""

import hashlib
import itertools
import os

import msgspec

from vibedom.workspace.entry import Entry, entry_of
from vibedom.workspace.tree import CHUNK_BYTES

HEAD_BYTES = 8000
"""How far git looks for a NUL byte before it calls a file text."""
SHOWN_BYTES = 16 << 20
"""Larger files are taken as a whole: nobody reads them line by line."""
_PRINTABLE = bytes((*range(0x20, 0x7F), 0x09, 0x0A, 0x0D))


def is_text(head: bytes) -> bool:
    """Whether a file that starts with `head` is text, by git's rule."""
    return b"\0" not in head[:HEAD_BYTES]


def is_disguised(head: bytes) -> bool:
    """Whether a file that starts with `head` is no text by git's rule, and reads like one: most shells and languages
    run it all the same, and no diff shows what it says."""
    head = head[:HEAD_BYTES]
    return len(head.translate(None, _PRINTABLE)) * 20 <= len(head) and not is_text(head)


def read_fully(fd: int, size: int) -> bytes:
    """`size` bytes, fewer at the end of the file only."""
    parts = []
    while size > 0 and (chunk := os.read(fd, size)):
        parts.append(chunk)
        size -= len(chunk)
    return b"".join(parts)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """An open file, read, and how it compares with another one."""

    entry: Entry
    """With its digest."""
    is_same: bool
    """The other one has the same bytes. False where there is none."""
    are_text: bool
    """Both are, as far as there are two."""


def compare(one: int, other: int | None) -> Comparison:
    """Read the open file `one`, and `other` beside it as far as it tells anything."""
    digest, is_same, are_text, chunk = hashlib.sha256(), other is not None, True, b""
    for number in itertools.count():
        chunk = read_fully(one, CHUNK_BYTES)
        digest.update(chunk)
        beside = read_fully(other, CHUNK_BYTES) if other is not None and (is_same or number == 0) else b""
        is_same = is_same and chunk == beside
        are_text = are_text and (number > 0 or (is_text(chunk) and is_text(beside)))
        if len(chunk) < CHUNK_BYTES:
            break
    return Comparison(entry=entry_of(os.fstat(one), digest=digest.hexdigest()), is_same=is_same, are_text=are_text)
