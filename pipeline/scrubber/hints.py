"""A quick look at a buffer: is there anything in it that would have to be decoded?"""

from collections.abc import Collection, Sequence
from functools import cached_property, partial
from typing import NamedTuple

from pipeline.scrubber import base64_text, hex_text
from pipeline.scrubber.cache import Cache
from pipeline.scrubber.coloured_text import ESCAPE, INVISIBLE, MARK
from pipeline.scrubber.lexeme import LEXEMES, Kind
from pipeline.scrubber.look import Look, Places, look_for, places_of
from pipeline.scrubber.prose import PROSE


class Hints(NamedTuple):
    """What there is to decode: false alarms are possible, false silence is not."""

    lexemes: Collection[Kind]
    prose: bool
    base64: bool
    hex: bool = False
    coloured: bool = False


_SHORTEST_RUN = 24
_WRITTEN = (*LEXEMES.values(), MARK, *PROSE)
_FEW_BYTES = 16 * 1024
"""Up to here one scan for all of these is quicker than several."""
_HEAD_BYTES, _MANY_ESCAPES = 16 * 1024, 128
"""With so many backslashes in its beginning it is, too: several scans stop at each of them."""
_ESCAPED = rb"\\(?:[^nrt\"\\]|\"@)"
"""Begins every one of them that has a backslash in front; most text has none but in front of `n` and quotes."""
_APART: tuple[tuple[bytes, tuple[Kind, ...]], ...] = ((b"%", ("percent",)), (b"&", ("numeric", "named")))
_BACKSLASH = b"\\"


class HintFinder:
    """Gives the hints for buffers; thread-safe. `native=None` takes Hyperscan where it can be imported; `cache` keeps
    what that compiles."""

    def __init__(self, *, native: bool | None = None, cache: Cache | None = None) -> None:
        look = partial(look_for, native=native, cache=cache)
        self._places_of = partial(places_of, native=native, cache=cache)
        self._written = look(*_WRITTEN)
        self._escaped = look(_ESCAPED)
        # Each by itself is found by the byte it begins with: all together take less than one scan for any of them.
        others = [(_BACKSLASH, [pattern]) for pattern in PROSE if not pattern.startswith(_BACKSLASH)]
        others += [(mark, [LEXEMES[kind] for kind in kinds]) for mark, kinds in _APART]
        self._others = [(mark, _WRITTEN.index(patterns[0]), look(*patterns)) for mark, patterns in others]
        self._run = look(base64_text.RUN)
        # In one database these two take twenty times as many bytes as in two, and four times as long to compile.
        self._base64 = look(base64_text.SHAPE)
        self._hex = look(hex_text.SHAPE)
        self._invisible = look(INVISIBLE)
        self._look = look
        self._kinds = tuple(LEXEMES)

    def __call__(self, data: bytes) -> Hints:
        is_escaped = _BACKSLASH in data
        seen = self._seen(data, is_escaped=is_escaped)
        lexemes = frozenset(self._kinds[i] for i in seen if i < len(self._kinds))
        mark = len(self._kinds)
        base64, in_hex = self.packed(data)
        return Hints(
            lexemes, is_escaped and any(i > mark for i in seen), base64, in_hex, mark in seen or self._is_marked(data)
        )

    def _is_marked(self, data: bytes) -> bool:
        """Whether there are marks for a terminal or a page that are no escapes of ASCII."""
        return ESCAPE in data or (not data.isascii() and bool(self._invisible(data)))

    def _seen(self, data: bytes, *, is_escaped: bool) -> Collection[int]:
        # Every one of these patterns has such a byte in it, or counts only where there is one: to look for a byte takes
        # a fortieth of a scan.
        marks = {mark for mark in (b"%", b"&") if mark in data} | ({_BACKSLASH} if is_escaped else set())
        is_one_scan = len(data) <= _FEW_BYTES or (
            is_escaped and (data.count(_BACKSLASH, 0, _HEAD_BYTES) > _MANY_ESCAPES or self._escaped(data))
        )
        if marks and is_one_scan:
            return self._written(data)
        return [first + i for mark, first, look in self._others if mark in marks for i in look(data)]

    def packed(self, data: bytes) -> tuple[bool, bool]:
        """Whether there is base64 of text, and hexadecimal of text."""
        if len(data) < _SHORTEST_RUN or not self._run(data):
            return False, False
        return bool(self._base64(data)), bool(self._hex(data))

    def archived(self, data: bytes) -> bool:
        """Whether there is anything that may be unpacked, in base64 or as it is."""
        return bool(self._archives(data))

    @cached_property
    def _archives(self) -> Look:
        from pipeline.archives import BEGINNINGS, IN_BASE64  # with all that unpacks: no scan of files needs it

        return self._look(*BEGINNINGS, *IN_BASE64)

    def escapes(self, data: bytes) -> Sequence[tuple[Kind, int]] | None:
        """All escapes and where they end, in order. None: there are very many, or colours or prose beside them."""
        if self._is_marked(data):
            return None
        is_escaped = b"\\" in data
        if not (is_escaped or b"%" in data or b"&" in data):
            return ()
        found = self._places(data)
        kinds = self._kinds
        if found is None or (is_escaped and any(index >= len(kinds) for index, _ in found)):
            return None
        return [(kinds[index], end) for index, end in found if index < len(kinds)]

    @cached_property
    def _places(self) -> Places:
        return self._places_of(*LEXEMES.values(), MARK, *PROSE)


_finders: list[HintFinder] = []


def hint_finder(cache: Cache | None = None) -> HintFinder:
    """One for all who look: it takes tens of milliseconds to build, and a reload builds everything anew. `cache` is
    that of whoever asks first."""
    if not _finders:
        _finders.append(HintFinder(cache=cache))
    return _finders[0]
