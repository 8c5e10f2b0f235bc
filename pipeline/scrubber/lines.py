"""Bodies of lines: NDJSON, and whole event streams. Each line is read by itself."""

import re
from collections.abc import Iterator

from pipeline.scrubber.edit import Edit, Placed, Search, cut, merge, place
from pipeline.scrubber.json_body import fit_json

NDJSON = re.compile(rb"[\r\n\x1e]+")
"""What lies between two lines; RFC 7464 puts a record separator before each."""
SSE = re.compile(rb"(?:\A|[\r\n]+)(?:(?:data|event|id|retry)?: ?)?")
"""What lies between the values of two fields."""


def place_lines(search: Search, data: bytes, where: str, between: re.Pattern[bytes]) -> list[Placed]:
    """Edits of a body whose lines are parted by `between`; lines without a find are not looked at one by one."""
    edits = search(data)
    return list(_placed(search, data, edits, where, between)) if edits else []


def _placed(search: Search, data: bytes, edits: list[Edit], where: str, between: re.Pattern[bytes]) -> Iterator[Placed]:
    # Found in the lines themselves, and parts of what goes over several.
    own: list[Edit] = []
    parts: list[Edit] = []
    for edit in edits:
        pieces = cut(data, [edit], between)
        (own if pieces == [edit] else parts).extend(pieces)
    at_own = at_part = 0
    for start, end in _bounds(data, between):
        own_end, part_end = _behind(own, at_own, end), _behind(parts, at_part, end)
        if own_end > at_own or part_end > at_part:
            yield from _line(search, data[start:end], start, own[at_own:own_end], parts[at_part:part_end], where)
        at_own, at_part = own_end, part_end
        if at_own == len(own) and at_part == len(parts):
            return


def _behind(edits: list[Edit], index: int, end: int) -> int:
    """Index of the first edit from `index` on that starts at `end` or later."""
    while index < len(edits) and edits[index].start < end:
        index += 1
    return index


def _line(search: Search, line: bytes, offset: int, own: list[Edit], parts: list[Edit], where: str) -> Iterator[Placed]:
    if line.lstrip()[:1] in (b"{", b"["):
        # A document stands for itself: what began lines before it does not count in it.
        edits = merge([*(edit.moved(-offset) for edit in own), *search(line)])
        yield from (placed.moved(offset) for placed in fit_json(search, line, edits, where))
    else:
        yield from (place(edit, where) for edit in merge(own + parts))


def _bounds(data: bytes, between: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    position = 0
    for match in between.finditer(data):
        yield position, match.start()
        position = match.end()
    yield position, len(data)
