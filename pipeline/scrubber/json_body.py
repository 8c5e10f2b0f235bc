"""JSON: which edits a document allows, and where in it they are.

Only the insides of strings change. A value is scrubbed; so is a key that holds a secret (leaving it would let the
secret out), and stays a string. Numbers, words and structure never change: a secret that is a number is left, and
alerted.
"""

import re
from collections.abc import Iterator

from pipeline.scrubber.edit import Edit, Placed, Search, merge, place
from pipeline.scrubber.json_path import JsonPath
from pipeline.scrubber.json_string import TOKEN, is_json, unescape

NESTED = 2
"""Levels of JSON in JSON strings whose structure is kept."""

MAX_RESCANNED = 4096
"""Strings under one find that are looked at one by one; of those behind them all that lies under it is cut out."""

_ONLY_COMMA = re.compile(rb'"[ \t\r\n]*,[ \t\r\n]*"')
_KEY_DATA = re.compile(rb"(?:[A-Za-z0-9+/=]|\\[nr/]){40,}")
_CONTAINER = re.compile(rb"(?:[ \t\r\n]|\\[nrt])*[{\[]")


def place_json(search: Search, data: bytes, where: str) -> list[Placed]:
    """Edits of a JSON body, or of the text it turns out to be."""
    return fit_json(search, data, search(data), where)


def fit_json(search: Search, data: bytes, edits: list[Edit], where: str, nested: int = NESTED) -> list[Placed]:
    """`edits` of `data` as far as its structure allows them; as they are where it is no JSON."""
    if not edits:
        return []
    if not is_json(data):
        return [place(edit, where) for edit in edits]
    return list(_Document(search, data, edits, nested).placed(JsonPath(f"{where} $")))


class _Document:
    """One pass over a document's tokens and the edits beside them."""

    def __init__(self, search: Search, data: bytes, edits: list[Edit], nested: int) -> None:
        self._search = search
        self._data = data
        self._edits = edits
        self._nested = nested
        self._next = 0
        """Index of the first edit that is not behind the reader."""
        self._last_end = 0
        """Where the string before the current one ends."""
        self._reported: set[int] = set()
        self._rescanned = 0

    def placed(self, path: JsonPath) -> Iterator[Placed]:
        data, edits = self._data, self._edits
        for match in TOKEN.finditer(data):
            start, end = match.span(1)
            if edits[self._next].start < match.end():
                yield from self._between(match.start(), path)
                if start >= 0:
                    yield from self._string(start + 1, end - 1, path, is_key=match.start(2) >= 0)
                    self._pass(end)
                if self._next == len(edits):
                    return
            elif match.start(2) >= 0:
                path.key(data[start + 1 : end - 1])
            if start < 0:
                path.structure(data[match.start()])
            else:
                self._last_end = end
        yield from (place(edit.left_alone(), str(path)) for edit in edits[self._next :])

    def _between(self, start: int, path: JsonPath) -> Iterator[Placed]:
        """Edits that end before `start` and touch no string: what they hold is a number or a word."""
        while self._next < len(self._edits) and self._edits[self._next].end <= start:
            if self._edits[self._next].start >= self._last_end:
                yield place(self._edits[self._next].left_alone(), str(path))
            self._next += 1

    def _pass(self, end: int) -> None:
        while self._next < len(self._edits) and self._edits[self._next].end <= end:
            self._next += 1

    def _inside(self, start: int, end: int, *, is_key: bool) -> list[Edit]:
        """The edits of one string's content, none of them sticking out of it."""
        inner: list[Edit] = []
        for i in range(self._next, len(self._edits)):
            edit = self._edits[i]
            if edit.start >= end:
                break
            if edit.start >= start and edit.end <= end:
                inner.append(edit)
            elif edit.end > start:
                inner += self._part(edit, start, end, is_key=is_key)
        return merge(inner)

    def _part(self, edit: Edit, start: int, end: int, *, is_key: bool) -> list[Edit]:
        """What an edit over several strings means for one of them.

        What the string holds by itself counts first. If that is nothing, the part is cut out where the secret begins or
        ends in it, goes over lines of an array, or is key data; other strings that happen to lie between two halves
        (`"role": "user"`) stay.
        """
        if start == end:
            return []
        content = self._data[start:end]
        self._rescanned += 1
        if self._rescanned <= MAX_RESCANNED:
            own = [edit.moved(start) for edit in self._search(content)]
            if own or is_key:
                return own
        begins_or_ends = start <= edit.start < end or start < edit.end <= end
        is_line = _ONLY_COMMA.fullmatch(self._data, self._last_end - 1, start) is not None
        is_part = begins_or_ends or is_line or _KEY_DATA.fullmatch(content)
        if not is_part and self._rescanned <= MAX_RESCANNED:
            return []
        # The secret is reported once, however many strings it is in.
        found = () if edit.start in self._reported else edit.found
        self._reported.add(edit.start)
        return [Edit(max(edit.start, start), min(edit.end, end), edit.placeholder, found)]

    def _string(self, start: int, end: int, path: JsonPath, *, is_key: bool) -> Iterator[Placed]:
        inner = self._inside(start, end, is_key=is_key)
        if is_key:
            found = next((f for edit in inner for f in edit.found), None)
            path.key(found.rule.placeholder if found else self._data[start:end])
        if not inner:
            return
        content = self._data[start:end]
        if self._nested and _CONTAINER.match(content):
            yield from self._container(content, start, inner, str(path))
        else:
            where = str(path)
            yield from (place(edit, where) for edit in inner)

    def _container(self, content: bytes, start: int, inner: list[Edit], where: str) -> Iterator[Placed]:
        """The edits of a string that may hold JSON itself."""
        view = unescape(content)
        edits = view.from_raw(edit.moved(-start) for edit in inner)
        for placed in fit_json(self._search, view.data, edits, where, self._nested - 1):
            raw_start, raw_end = view.raw_span(placed.start, placed.end)
            yield placed._replace(start=raw_start + start, end=raw_end + start)
