"""Verifying an audit log: one pass over its lines, in constant memory, and everything that is wrong with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from sinks import chain
from sinks.chain import SEAL_LENGTH, Link
from sinks.parts import BAD_ARCHIVE, open_part, parts
from sinks.retention import is_removal

MAX_LINE_BYTES = 16 * 1024 * 1024

Fault = Literal["edited", "missing", "order", "malformed", "truncated", "other-session", "unfinished"]


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
    removed: int
    """Lines that retention removed at the beginning, as a later line of the log says; the first kept one follows."""
    last: int
    """Sequence number of the last whole line."""
    head: str
    """Hash of the last whole line: keep it elsewhere to prove later that nothing was changed."""
    problems: tuple[Problem, ...] = ()

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong. An unfinished last line (a crash while writing) is no fault of the log."""
        return all(problem.fault == "unfinished" for problem in self.problems)


def verify(path: Path) -> Verification:
    """Read a whole log, compressed parts too. Raises `OSError`, `ChainError`."""
    walk = _Walk(chain.read_floor(path))
    files = parts(path)
    for file in files:
        with open_part(file) as stream:
            walk.read(file.name, stream)
    walk.compare_ends(path)
    return Verification(
        session=walk.session or "",
        files=tuple(file.name for file in files),
        lines=walk.lines,
        removed=walk.removed,
        last=walk.link.seq,
        head=walk.link.hash.decode(),
        problems=tuple(walk.problems),
    )


class _Walk:
    """One pass over the lines of a log. `floor`: the last line that retention says it removed."""

    def __init__(self, floor: Link | None) -> None:
        self.session: str | None = None
        self.link = Link(0, b"")
        self.lines = 0
        self.removed = 0
        self.problems: list[Problem] = []
        self._floor = floor
        self._is_removal_told = False

    def read(self, name: str, stream: BinaryIO) -> None:
        number = 0
        try:
            for number, line in enumerate(_lines(stream), start=1):
                if line.endswith(b"\n"):
                    self.lines += 1
                    self._check(name, number, line[:-1])
                else:
                    fault: Fault = "malformed" if len(line) == MAX_LINE_BYTES else "unfinished"
                    self._report(fault, name, number, f"{len(line)} bytes without an end")
        except BAD_ARCHIVE:
            self._report("malformed", name, number + 1, "the compressed file is damaged from here on")

    def _check(self, name: str, number: int, line: bytes) -> None:
        found = chain.read_link(line)
        if found is None:
            self._report("malformed", name, number, "not a line of this log")
            return
        session, link = found
        if self.session is None:
            self._begin(session, link)
        if session != self.session:
            self._report("other-session", name, number, f"belongs to session {session}")
            return
        if link.seq <= self.removed:
            return  # a removal that a crash cut short: the next run finishes it
        self._check_order(name, number, link)
        if link.seq == self.link.seq + 1 and chain.seal(self.link.hash, line[:-SEAL_LENGTH])[0] != link.hash:
            self._report("edited", name, number, f"line {link.seq}, or the hash of the line before, was changed")
        self.link = link
        if self.removed and self._floor is not None and is_removal(line, self._floor):
            self._is_removal_told = True

    def _begin(self, session: str, link: Link) -> None:
        self.session, self.link = session, chain.start(session)
        if self._floor is not None and 1 < link.seq <= self._floor.seq + 1:
            self.link, self.removed = self._floor, self._floor.seq

    def _check_order(self, name: str, number: int, link: Link) -> None:
        expected = self.link.seq + 1
        if link.seq > expected:
            self._report("missing", name, number, f"lines {expected} to {link.seq - 1} are missing")
        elif link.seq < expected:
            self._report("order", name, number, f"line {link.seq} follows line {self.link.seq}")

    def compare_ends(self, path: Path) -> None:
        """With what is kept beside the log."""
        if self.removed and not self._is_removal_told:
            self._report("missing", path.name, 0, f"lines 1 to {self.removed} are gone, and no line says why")
        head = chain.read_head(path)
        if head is not None and head.seq > self.link.seq:
            self._report("truncated", path.name, 0, f"ends at line {self.link.seq}, but {head.seq} were written")
        elif head is not None and head.seq == self.link.seq and head.hash != self.link.hash:
            self._report("edited", path.name, 0, "the last line is not the one that was written")

    def _report(self, fault: Fault, file: str, line: int, detail: str) -> None:
        self.problems.append(Problem(fault=fault, file=file, line=line, detail=detail))


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(MAX_LINE_BYTES):
        yield line
