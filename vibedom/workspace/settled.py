"""Changes that the user has decided on without taking the agent's version: they are not offered again.

A decision is about one version of the agent's file. One it writes later at the same path is a change like any other.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from vibedom.workspace.changes import Change
from vibedom.workspace.durable import append_lines
from vibedom.workspace.entry import Entry
from vibedom.workspace.spelling import spell, unspell

_ENCODER = msgspec.json.Encoder()
_LINE = msgspec.json.Decoder(tuple[str, str])


def settled_file(base: Path) -> Path:
    """The file beside a session's base that holds the decisions."""
    return base.with_name("settled.jsonl")


def settle(base: Path, decided: Iterable[tuple[str, Entry | None]]) -> None:
    """From now on the agent's version of these paths (None: that it is deleted) is decided on."""
    _append(base, ((path, _mark(entry)) for path, entry in decided))


def unsettle(base: Path, paths: Iterable[str]) -> None:
    """Offer these paths again."""
    _append(base, ((path, "") for path in paths))


def unsettled(changes: Iterable[Change], base: Path) -> list[Change]:
    """Those of the changes that are still to be decided on."""
    marks = _read(base)
    return [change for change in changes if marks.get(change.path, "") != _mark(change.new)]


def _mark(entry: Entry | None) -> str:
    if entry is None:
        return "deleted"
    return f"{entry.type} {entry.bits:o} {entry.target or entry.digest}"


def _append(base: Path, marks: Iterable[tuple[str, str]]) -> None:
    lines = [_ENCODER.encode((spell(path), mark)) for path, mark in marks]
    if lines:
        append_lines(settled_file(base), lines)


def _read(base: Path) -> dict[str, str]:
    try:
        lines = settled_file(base).read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    # The last piece is empty, or a line whose writing was cut off.
    return {unspell(path): mark for path, mark in map(_LINE.decode, lines[:-1])}
