"""Content of files: comparing it, and telling text from binary."""

import hashlib
import os

from vibedom.workspace.entry import Entry, entry_of
from vibedom.workspace.tree import CHUNK_BYTES

HEAD_BYTES = 8000
"""How far git looks for a NUL byte before it calls a file text."""


def is_text(head: bytes) -> bool:
    """Whether a file that starts with `head` is text, by git's rule."""
    return b"\0" not in head[:HEAD_BYTES]


def has_same_content(one: int, other: int) -> bool:
    """Whether two open files have the same bytes. Reads both from the start and leaves them there."""
    os.lseek(one, 0, os.SEEK_SET)
    os.lseek(other, 0, os.SEEK_SET)
    same = True
    while same:
        chunk = read_fully(one, CHUNK_BYTES)
        same = chunk == read_fully(other, CHUNK_BYTES)
        if not chunk:
            break
    os.lseek(one, 0, os.SEEK_SET)
    os.lseek(other, 0, os.SEEK_SET)
    return same


def read_fully(fd: int, size: int) -> bytes:
    """`size` bytes, fewer at the end of the file only."""
    parts = []
    while size > 0 and (chunk := os.read(fd, size)):
        parts.append(chunk)
        size -= len(chunk)
    return b"".join(parts)


def read_entry(fd: int) -> tuple[Entry, bool]:
    """Entry of an open file with its digest, and whether it is text."""
    digest, head = hashlib.sha256(), b""
    while chunk := read_fully(fd, CHUNK_BYTES):
        head = head or chunk[:HEAD_BYTES]
        digest.update(chunk)
    return entry_of(os.fstat(fd), digest=digest.hexdigest()), is_text(head)
