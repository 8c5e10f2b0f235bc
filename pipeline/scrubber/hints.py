"""A quick look at a buffer: is there anything in it that would have to be decoded?"""

import re
import threading
from collections.abc import Callable, Collection
from functools import cache
from typing import Any, NamedTuple

from pipeline.scrubber import base64_text, hex_text
from pipeline.scrubber.coloured_text import ESCAPE, MARK
from pipeline.scrubber.lexeme import LEXEMES, Kind
from pipeline.scrubber.prose import PROSE

hyperscan: Any
try:
    import hyperscan
except ImportError:  # no wheel for this platform: `re` gives the same answers, more slowly
    hyperscan = None


class Hints(NamedTuple):
    """What there is to decode: false alarms are possible, false silence is not."""

    lexemes: Collection[Kind]
    prose: bool
    base64: bool
    hex: bool = False
    coloured: bool = False


Look = Callable[[bytes], Collection[int]]
"""Which of some patterns are in a buffer, by index."""

_SHORTEST_RUN = 24


class HintFinder:
    """Gives the hints for buffers; thread-safe. `native=None` takes Hyperscan where it can be imported."""

    def __init__(self, *, native: bool | None = None) -> None:
        native = hyperscan is not None if native is None else native
        look = _NativeLook if native else _PortableLook
        self._lexemes: Look = look((*LEXEMES.values(), MARK, *PROSE))
        self._run: Look = look((base64_text.RUN,))
        self._shape: Look = look((base64_text.SHAPE, hex_text.SHAPE))
        self._kinds = tuple(LEXEMES)

    def __call__(self, data: bytes) -> Hints:
        # Every one of these patterns has such a byte in it, or counts only where there is one: to look for a byte takes
        # a fortieth of a scan.
        is_escaped = b"\\" in data
        seen: Collection[int] = self._lexemes(data) if is_escaped or b"%" in data or b"&" in data else ()
        lexemes = frozenset(self._kinds[i] for i in seen if i < len(self._kinds))
        mark = len(self._kinds)
        shapes = self._shape(data) if len(data) >= _SHORTEST_RUN and self._run(data) else ()
        return Hints(
            lexemes,
            is_escaped and any(i > mark for i in seen),
            0 in shapes,
            1 in shapes,
            mark in seen or ESCAPE in data,
        )


@cache
def hint_finder() -> HintFinder:
    """One for all who look: it takes tens of milliseconds to build, and a reload builds everything anew."""
    return HintFinder()


class _NativeLook:
    """About 0.2 ms for 512 KiB, with the GIL released."""

    def __init__(self, patterns: tuple[bytes, ...]) -> None:
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        flags = [hyperscan.HS_FLAG_SINGLEMATCH] * len(patterns)
        self._database.compile(expressions=list(patterns), ids=list(range(len(patterns))), flags=flags)
        self._local = threading.local()

    def __call__(self, data: bytes) -> Collection[int]:
        # Scratch space must not be shared between threads.
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        seen: list[int] = []
        self._database.scan(data, match_event_handler=lambda index, *_: seen.append(index), scratch=scratch)
        return seen


class _PortableLook:
    def __init__(self, patterns: tuple[bytes, ...]) -> None:
        self._patterns = [re.compile(pattern) for pattern in patterns]

    def __call__(self, data: bytes) -> Collection[int]:
        return [index for index, pattern in enumerate(self._patterns) if pattern.search(data)]
