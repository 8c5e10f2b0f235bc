"""The hash chain of the audit log: how a line is sealed, and the ends of a log that are kept beside it.

A line is one JSON object in printable ASCII that ends in `,"hash":"<64 hex>"}`. Its hash is SHA-256 over the hash of
the line before (64 hex digits) and everything of the line in front of `,"hash"`; the first line follows a hash of the
name of its session. This finds any line that was edited, lost, added, reordered or taken from another session, and,
with the head file (number and hash of the last line), a log that was cut short. It cannot find a new log sealed by
somebody who may write all of its files: against that keep the head elsewhere, or send the records to another sink too.
"""

import hashlib
import re
from pathlib import Path

import msgspec

HASH_LENGTH = 64
_SEAL = re.compile(rb',"hash":"([0-9a-f]{64})"\}\Z')
SEAL_LENGTH = len(b',"hash":""}') + HASH_LENGTH
_NUMBER = re.compile(rb'\{"schema_version":\d+,"seq":(\d+),"session":"([^"\\]*)",')


class ChainError(ValueError):
    """A log cannot be continued or read: the message says which file and why."""


class Link(msgspec.Struct, frozen=True):
    """The end of a chain: what the next line follows."""

    seq: int
    hash: bytes
    """64 hex digits."""


def start(session: str) -> Link:
    """What the first line of a session's log follows."""
    return Link(0, hashlib.sha256(b"vibedom audit 1\0" + session.encode()).hexdigest().encode())


def seal(previous: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The hash of a line and the whole line with its newline. `body` is the object without its closing brace."""
    digest = hashlib.sha256(previous + body).hexdigest().encode()
    return digest, body + b',"hash":"' + digest + b'"}\n'


def read_link(line: bytes) -> tuple[str, Link] | None:
    """Session and link of a sealed line without its newline, or None where it is none. Does not verify it."""
    number, seal_ = _NUMBER.match(line), _SEAL.search(line[-SEAL_LENGTH:])
    if number is None or seal_ is None:
        return None
    return number[2].decode("ascii", "replace"), Link(int(number[1]), seal_[1])


def head_path(path: Path) -> Path:
    """Where the head of a log is kept."""
    return path.with_name(path.name + ".head")


def floor_path(path: Path) -> Path:
    """Where the last line that retention removed is kept."""
    return path.with_name(path.name + ".floor")


def read_head(path: Path) -> Link | None:
    """The kept head of a log, or None where there is none. Raises `ChainError` where it is no head."""
    return _read_link_file(head_path(path), "head")


def read_floor(path: Path) -> Link | None:
    """The last line that retention removed, or None. Raises `ChainError` where the file says something else."""
    return _read_link_file(floor_path(path), "floor")


def link_text(link: Link) -> bytes:
    """Of fixed width, so that it can be written in place."""
    return b"%020d %b\n" % (link.seq, link.hash)


def _read_link_file(path: Path, what: str) -> Link | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    if not text:  # made, but no line was written yet
        return None
    number, _, digest = text.strip().partition(b" ")
    if not number.isdigit() or len(digest) != HASH_LENGTH:
        raise ChainError(f"{path}: not the {what} of a log; remove it to give up what it proves")
    return Link(int(number), digest)
