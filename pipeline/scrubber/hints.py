"""A quick look at a buffer: is there anything in it that would have to be decoded?"""

import platform
import re
import threading
from collections.abc import Callable, Collection
from hashlib import sha256
from typing import Any, NamedTuple

from pipeline.archives import BEGINNINGS, IN_BASE64
from pipeline.scrubber import base64_text, hex_text
from pipeline.scrubber.cache import Cache
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
    """Gives the hints for buffers; thread-safe. `native=None` takes Hyperscan where it can be imported; `cache` keeps
    what that compiles."""

    def __init__(self, *, native: bool | None = None, cache: Cache | None = None) -> None:
        native = hyperscan is not None if native is None else native

        def look(*patterns: bytes) -> Look:
            return _NativeLook(patterns, cache) if native else _PortableLook(patterns)

        self._lexemes = look(*LEXEMES.values(), MARK, *PROSE)
        self._run = look(base64_text.RUN)
        # In one database these two take twenty times as many bytes as in two, and four times as long to compile.
        self._base64 = look(base64_text.SHAPE)
        self._hex = look(hex_text.SHAPE)
        self._archives = look(*BEGINNINGS, *IN_BASE64)
        self._kinds = tuple(LEXEMES)

    def __call__(self, data: bytes) -> Hints:
        # Every one of these patterns has such a byte in it, or counts only where there is one: to look for a byte takes
        # a fortieth of a scan.
        is_escaped = b"\\" in data
        seen: Collection[int] = self._lexemes(data) if is_escaped or b"%" in data or b"&" in data else ()
        lexemes = frozenset(self._kinds[i] for i in seen if i < len(self._kinds))
        mark = len(self._kinds)
        base64, in_hex = self.packed(data)
        return Hints(
            lexemes, is_escaped and any(i > mark for i in seen), base64, in_hex, mark in seen or ESCAPE in data
        )

    def packed(self, data: bytes) -> tuple[bool, bool]:
        """Whether there is base64 of text, and hexadecimal of text."""
        if len(data) < _SHORTEST_RUN or not self._run(data):
            return False, False
        return bool(self._base64(data)), bool(self._hex(data))

    def archived(self, data: bytes) -> bool:
        """Whether there is anything that may be unpacked, in base64 or as it is."""
        return bool(self._archives(data))


_finders: list[HintFinder] = []


def hint_finder(cache: Cache | None = None) -> HintFinder:
    """One for all who look: it takes tens of milliseconds to build, and a reload builds everything anew. `cache` is
    that of whoever asks first."""
    if not _finders:
        _finders.append(HintFinder(cache=cache))
    return _finders[0]


class _NativeLook:
    """About 0.2 ms for 512 KiB, with the GIL released."""

    def __init__(self, patterns: tuple[bytes, ...], cache: Cache | None) -> None:
        self._database = _database(patterns, cache)
        self._local = threading.local()

    def __call__(self, data: bytes) -> Collection[int]:
        # Scratch space must not be shared between threads.
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        seen: list[int] = []
        self._database.scan(data, match_event_handler=lambda index, *_: seen.append(index), scratch=scratch)
        return seen


def _database(patterns: tuple[bytes, ...], cache: Cache | None) -> Any:
    version = f"{hyperscan.__version__} {platform.machine()}"
    key = f"look {version} {sha256(repr(patterns).encode()).hexdigest()}"
    blob = None if cache is None else cache.get(key)
    if blob is not None:
        try:
            return hyperscan.loadb(blob, mode=hyperscan.HS_MODE_BLOCK)
        except hyperscan.error:
            pass  # damaged: compiled again
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = [hyperscan.HS_FLAG_SINGLEMATCH] * len(patterns)
    database.compile(expressions=list(patterns), ids=list(range(len(patterns))), flags=flags)
    if cache is not None:
        cache.put(key, hyperscan.dumpb(database))
    return database


class _PortableLook:
    def __init__(self, patterns: tuple[bytes, ...]) -> None:
        self._patterns = [re.compile(pattern) for pattern in patterns]

    def __call__(self, data: bytes) -> Collection[int]:
        return [index for index, pattern in enumerate(self._patterns) if pattern.search(data)]
