"""The hash chain of the audit log: how a line is sealed, and how a log is verified.

A line is one JSON object in printable ASCII that ends in `,"hash":"<64 hex>"}`. Its hash is SHA-256 over the hash of
the line before (64 hex digits) and everything of the line in front of `,"hash"`; the first line follows a hash of the
name of its session. This finds any line that was edited, lost, added, reordered or taken from another session, and,
with the head file (number and hash of the last line), a log that was cut short. It cannot find a new log sealed by
somebody who may write all of its files: against that keep the head elsewhere, or send the records to another sink too.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

HASH_LENGTH = 64
_SEAL = re.compile(rb',"hash":"([0-9a-f]{64})"\}\Z')
_SEAL_LENGTH = len(b',"hash":""}') + HASH_LENGTH
_NUMBER = re.compile(rb'\{"schema_version":\d+,"seq":(\d+),"session":"([^"\\]*)",')
_PART = re.compile(r"\.(\d{6})\Z")
"""Of rotated files: `network.000001`."""
MAX_LINE_BYTES = 16 * 1024 * 1024

Fault = Literal["edited", "missing", "order", "malformed", "truncated", "other-session", "unfinished"]


class ChainError(ValueError):
    """A log cannot be continued or read: the message says which file and why."""


class Link(msgspec.Struct, frozen=True):
    """The end of a chain: what the next line follows."""

    seq: int
    hash: bytes
    """64 hex digits."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a log."""

    fault: Fault
    file: str
    line: int
    """From 1; 0 for the file as a whole."""
    detail: str


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of verifying a log."""

    session: str
    files: tuple[str, ...]
    lines: int
    """Whole lines that were read."""
    last: int
    """Sequence number of the last whole line."""
    head: str
    """Hash of the last whole line: keep it elsewhere to prove later that nothing was changed."""
    problems: tuple[Problem, ...] = ()

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong. An unfinished last line (a crash while writing) is no fault of the log."""
        return all(problem.fault == "unfinished" for problem in self.problems)


def start(session: str) -> Link:
    """What the first line of a session's log follows."""
    return Link(0, hashlib.sha256(b"vibedom audit 1\0" + session.encode()).hexdigest().encode())


def seal(previous: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The hash of a line and the whole line with its newline. `body` is the object without its closing brace."""
    digest = hashlib.sha256(previous + body).hexdigest().encode()
    return digest, body + b',"hash":"' + digest + b'"}\n'


def read_link(line: bytes) -> tuple[str, Link] | None:
    """Session and link of a sealed line without its newline, or None where it is none. Does not verify it."""
    number, seal_ = _NUMBER.match(line), _SEAL.search(line[-_SEAL_LENGTH:])
    if number is None or seal_ is None:
        return None
    return number[2].decode("ascii", "replace"), Link(int(number[1]), seal_[1])


def parts(path: Path) -> list[Path]:
    """The files of a log in order: rotated parts (`network.000001.jsonl`, ...), then the file itself."""
    rotated = [p for p in path.parent.glob(f"{path.stem}.*{path.suffix}") if _PART.search(p.stem)]
    return [*sorted(rotated), *([path] if path.exists() or not rotated else [])]


def last_part(path: Path) -> int:
    """The number of the last rotated file, 0 where there is none: one that was removed is no reason to use it again."""
    numbers = [_PART.search(part.stem) for part in parts(path)]
    return max((int(found[1]) for found in numbers if found), default=0)


def head_path(path: Path) -> Path:
    """Where the head of a log is kept."""
    return path.with_name(path.name + ".head")


def verify(path: Path) -> Verification:
    """Read a whole log in constant memory and report everything that is wrong. Raises `OSError`, `ChainError`."""
    walk = _Walk()
    files = parts(path)
    for file in files:
        with file.open("rb") as stream:
            walk.read(file.name, stream)
    walk.compare_head(path)
    return Verification(
        session=walk.session or "",
        files=tuple(file.name for file in files),
        lines=walk.lines,
        last=walk.link.seq,
        head=walk.link.hash.decode(),
        problems=tuple(walk.problems),
    )


class _Walk:
    """One pass over the lines of a log."""

    def __init__(self) -> None:
        self.session: str | None = None
        self.link = Link(0, b"")
        self.lines = 0
        self.problems: list[Problem] = []

    def read(self, name: str, stream: BinaryIO) -> None:
        for number, line in enumerate(_lines(stream), start=1):
            if not line.endswith(b"\n"):
                fault: Fault = "malformed" if len(line) == MAX_LINE_BYTES else "unfinished"
                self._report(fault, name, number, f"{len(line)} bytes without an end")
                continue
            self.lines += 1
            self._check(name, number, line[:-1])

    def _check(self, name: str, number: int, line: bytes) -> None:
        found = read_link(line)
        if found is None:
            self._report("malformed", name, number, "not a line of this log")
            return
        session, link = found
        if self.session is None:
            self.session, self.link = session, start(session)
        if session != self.session:
            self._report("other-session", name, number, f"belongs to session {session}")
            return
        self._check_order(name, number, link)
        if link.seq == self.link.seq + 1 and seal(self.link.hash, line[:-_SEAL_LENGTH])[0] != link.hash:
            self._report("edited", name, number, f"line {link.seq}, or the hash of the line before, was changed")
        self.link = link

    def _check_order(self, name: str, number: int, link: Link) -> None:
        expected = self.link.seq + 1
        if link.seq > expected:
            self._report("missing", name, number, f"lines {expected} to {link.seq - 1} are missing")
        elif link.seq < expected:
            self._report("order", name, number, f"line {link.seq} follows line {self.link.seq}")

    def compare_head(self, path: Path) -> None:
        head = read_head(path)
        if head is not None and head.seq > self.link.seq:
            self._report("truncated", path.name, 0, f"ends at line {self.link.seq}, but {head.seq} were written")
        elif head is not None and head.seq == self.link.seq and head.hash != self.link.hash:
            self._report("edited", path.name, 0, "the last line is not the one that was written")

    def _report(self, fault: Fault, file: str, line: int, detail: str) -> None:
        self.problems.append(Problem(fault=fault, file=file, line=line, detail=detail))


def read_head(path: Path) -> Link | None:
    """The kept head of a log, or None where there is none. Raises `ChainError` where it is no head."""
    try:
        text = head_path(path).read_bytes()
    except FileNotFoundError:
        return None
    if not text:  # made, but no line was written yet
        return None
    number, _, digest = text.strip().partition(b" ")
    if not number.isdigit() or len(digest) != HASH_LENGTH:
        raise ChainError(f"{head_path(path)}: not the head of a log; remove it to give up what it proves")
    return Link(int(number), digest)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(MAX_LINE_BYTES):
        yield line
