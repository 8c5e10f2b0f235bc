"""A quick look at a buffer: is there anything in it that would have to be decoded?"""

import re
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from pipeline.scrubber.base64_text import RUN
from pipeline.scrubber.lexeme import LEXEMES

hyperscan: Any
try:
    import hyperscan
except ImportError:  # no wheel for this platform: `re` gives the same answers, more slowly
    hyperscan = None


class Hints(NamedTuple):
    """What there is to decode. True may be a false alarm, False never is."""

    lexemes: bool
    base64: bool


Test = Callable[[bytes], bool]


class _NativeTest:
    """Whether any of some patterns is in a buffer: about 0.2 ms for 512 KiB, the GIL released."""

    def __init__(self, patterns: tuple[bytes, ...]) -> None:
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        flags = [hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL] * len(patterns)
        self._database.compile(expressions=list(patterns), ids=list(range(len(patterns))), flags=flags)
        self._local = threading.local()

    def __call__(self, data: bytes) -> bool:
        # Scratch space must not be shared between threads, nor a scan be entered from its own callback.
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        matched: list[Any] = []
        self._database.scan(data, match_event_handler=lambda *match: matched.append(match), scratch=scratch)
        return bool(matched)


def _portable_test(patterns: tuple[bytes, ...]) -> Test:
    pattern = re.compile(b"|".join(patterns))
    return lambda data: pattern.search(data) is not None


def _test(patterns: tuple[bytes, ...], *, native: bool) -> Test:
    return _NativeTest(patterns) if native else _portable_test(patterns)


class HintFinder:
    """Gives the hints for buffers; thread-safe. `native=None` takes Hyperscan where it can be imported."""

    def __init__(self, *, native: bool | None = None) -> None:
        native = hyperscan is not None if native is None else native
        self._lexemes = _test(LEXEMES, native=native)
        self._base64 = _test((RUN,), native=native)

    def __call__(self, data: bytes) -> Hints:
        if len(data) < _TINY:
            # A scan costs more to start than this.
            is_escaped = b"\\" in data or b"%" in data or b"&" in data
            return Hints(is_escaped and self._lexemes(data), len(data) >= _SHORTEST_RUN and self._base64(data))
        return Hints(self._lexemes(data), self._base64(data))


_TINY = 4096
"""Bytes."""
_SHORTEST_RUN = 20
