"""Forms and queries: fields stay fields, their values are decoded to look at and encoded where they change."""

import re
from collections.abc import Iterator
from itertools import groupby
from urllib.parse import quote_from_bytes

from pipeline.scrubber.edit import Edit, Placed, Search, cut, merge, place
from pipeline.scrubber.json_body import fit_json
from pipeline.scrubber.json_path import shown_name
from pipeline.scrubber.view import View

_AMPERSAND = re.compile(rb"&")
_VALUE = re.compile(rb"%([0-9a-fA-F]{2})|\+")
_CONTAINER = re.compile(rb"(?:%20|\+|\s)*(?:[{\[]|%7[bB]|%5[bB])")


def place_form(search: Search, data: bytes, where: str) -> list[Placed]:
    """Edits of a form body or a query; `where` is `form` or `url query`, the field's name is added to it."""
    return fit_form(search, data, search_fields(search, data), where)


def search_fields(search: Search, data: bytes) -> list[Edit]:
    """Edits of `data` as it shows where each field has a line of its own, with `+` as it is and as a space."""
    # The line break ends the field before for every rule; the `&` stays for the rules that look for it.
    lines = b"\n&" + data.replace(b"&", b"\n&")
    edits = search(lines)
    if b"+" in data:
        edits = merge((*edits, *search(lines.replace(b"+", b" "))))
    return View(data, _line_starts(data)).to_raw(edits) if edits else edits


def _line_starts(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    yield 0, 0, b"\n&"
    for match in _AMPERSAND.finditer(data):
        yield match.start(), match.end(), b"\n&"


def fit_form(search: Search, data: bytes, edits: list[Edit], where: str) -> list[Placed]:
    """`edits` of `data` so that the number of its fields stays."""
    placed: list[Placed] = []
    parts = cut(data, edits, _AMPERSAND)
    for start, group in groupby(parts, key=lambda edit: data.rfind(b"&", 0, edit.start) + 1):
        end = data.find(b"&", start)
        placed += _field(search, data[start : len(data) if end < 0 else end], start, list(group), where)
    return placed


def quoted(placed: Placed) -> Placed:
    """What is put in, percent-encoded."""
    return placed if placed.new is None else placed._replace(new=quote_from_bytes(placed.new, safe="").encode())


def _field(search: Search, field: bytes, offset: int, edits: list[Edit], where: str) -> Iterator[Placed]:
    name, equals, value = field.partition(b"=")
    start = len(name) + len(equals)
    inner = [edit.moved(-offset) for edit in edits]
    shown = next((e.found[0].rule.placeholder for e in inner if e.start < start and e.found), name)
    location = f"{where} {shown_name(shown)}"
    if _CONTAINER.match(value) and all(edit.start >= start for edit in inner):
        fitted = _container(search, value, [edit.moved(-start) for edit in inner], location)
        yield from (quoted(placed.moved(start + offset)) for placed in fitted)
    else:
        yield from (quoted(place(edit, location).moved(offset)) for edit in inner)


def _container(search: Search, value: bytes, edits: list[Edit], location: str) -> Iterator[Placed]:
    """The edits of a value that may be JSON."""
    view = View(value, _stretches(value))
    for placed in fit_json(search, view.data, view.from_raw(edits), location):
        start, end = view.raw_span(placed.start, placed.end)
        yield placed._replace(start=start, end=end)


def _stretches(value: bytes) -> Iterator[tuple[int, int, bytes]]:
    for match in _VALUE.finditer(value):
        yield match.start(), match.end(), bytes.fromhex(match[1].decode()) if match[1] else b" "
