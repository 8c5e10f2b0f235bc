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
    for start, end in _bounds(data, between):
        line_own, own = _up_to(own, end)
        line_parts, parts = _up_to(parts, end)
        if line_own or line_parts:
            yield from _line(search, data[start:end], start, line_own, line_parts, where)
        if not own and not parts:
            return


def _up_to(edits: list[Edit], end: int) -> tuple[list[Edit], list[Edit]]:
    if not edits or edits[0].start >= end:
        return [], edits
    count = next((i for i, edit in enumerate(edits) if edit.start >= end), len(edits))
    return edits[:count], edits[count:]


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
