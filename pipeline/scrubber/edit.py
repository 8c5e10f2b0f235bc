"""An edit: bytes that hold a secret, what takes their place, and how edits come together."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from pipeline.events import Action
from pipeline.scrubber.model import Hit, Pardon, RuleInfo


class Found(NamedTuple):
    """A secret before its location is known. No byte of it."""

    rule: RuleInfo
    action: Action
    length: int
    """Bytes of the secret as it is meant, without the escapes it was sent with."""
    fingerprint: str
    pardon: Pardon | None = None


class Edit(NamedTuple):
    """`start:end` holds what `found` says; `new` takes its place, None leaves the bytes."""

    start: int
    end: int
    new: bytes | None
    found: tuple[Found, ...]

    def left_alone(self) -> "Edit":
        """The same find where its bytes must stay: what should have been scrubbed is alerted instead."""
        found = tuple(f._replace(action="alert") if f.action == "scrub" else f for f in self.found)
        return self._replace(new=None, found=found)

    def moved(self, by: int) -> "Edit":
        return self._replace(start=self.start + by, end=self.end + by)

    @property
    def placeholder(self) -> bytes | None:
        """What stands for the whole of the edit's bytes, or None where they stay."""
        if self.new is None:
            return None
        return next((f.rule.placeholder for f in self.found if f.action == "scrub"), None)


class Placed(NamedTuple):
    """An edit that its container allows, with its hits."""

    start: int
    end: int
    new: bytes | None
    hits: tuple[Hit, ...]

    def moved(self, by: int) -> "Placed":
        return self._replace(start=self.start + by, end=self.end + by)


class Search(Protocol):
    """Looks for secrets on behalf of one exchange."""

    def __call__(self, data: bytes, /) -> list[Edit]:
        """Disjoint edits in order."""
        ...

    def found(self, rule: RuleInfo, secret: bytes, /) -> Found:
        """The find of `secret`, as it was sent, by `rule`."""
        ...


def place(edit: Edit, location: str) -> Placed:
    """The edit as it is, at `location`. Where all that it would scrub is pardoned there, its bytes stay."""
    found = edit.found
    scrubbed = [f for f in found if f.action == "scrub"]
    # A later piece of a secret names no find of its own (`cut`), and is never pardoned.
    if edit.new is not None and scrubbed and all(_is_pardoned(f, location) for f in scrubbed):
        edit = edit._replace(new=None)
        found = tuple(f._replace(action="allow") if f.action == "scrub" else f for f in found)
    hits = tuple(
        Hit(rule=f.rule, action=f.action, location=location, length=f.length, fingerprint=f.fingerprint) for f in found
    )
    return Placed(edit.start, edit.end, edit.new, hits)


def _is_pardoned(found: Found, location: str) -> bool:
    return found.pardon is not None and found.pardon(found.rule, location)


def merge(edits: Iterable[Edit]) -> list[Edit]:
    """Disjoint edits in order: of two the leftmost, then the longer. A tail that sticks out joins its neighbour, and if
    one of the two is to be scrubbed, all of it is."""
    merged: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if not merged or edit.start >= merged[-1].end:
            merged.append(edit)
        elif edit.end > merged[-1].end:
            merged[-1] = _union(merged[-1], edit)
    return merged


def _union(first: Edit, second: Edit) -> Edit:
    return Edit(first.start, second.end, first.placeholder or second.placeholder, first.found + second.found)


def cut(data: bytes, edits: Iterable[Edit], separator: re.Pattern[bytes]) -> list[Edit]:
    """`edits` without what matches `separator`: one that goes over some becomes several."""
    return [part for edit in edits for part in _parts(data, edit, separator)]


def _parts(data: bytes, edit: Edit, separator: re.Pattern[bytes]) -> Iterator[Edit]:
    position, rest = edit.start, edit
    for match in separator.finditer(data, edit.start, edit.end):
        if position < match.start():
            yield rest._replace(start=position, end=match.start())
            # The secret is reported once, however many pieces it is in.
            rest = edit._replace(new=edit.placeholder, found=())
        position = match.end()
    if position == edit.start:
        yield edit
    elif position < edit.end:
        yield rest._replace(start=position)


def splice(data: bytes, edits: Iterable[Edit | Placed]) -> bytes:
    """`data` with the edits (disjoint, in order) carried out; the very same object where none changes anything."""
    pieces: list[bytes] = []
    position = 0
    for start, end, new, _ in edits:
        if new is not None:
            pieces += (data[position:start], new)
            position = end
    if not pieces:
        return data
    pieces.append(data[position:])
    return b"".join(pieces)
