"""Go RE2 patterns over bytes: the only file that imports re2."""

from functools import lru_cache
from typing import Any

import re2

Groups = list[tuple[int, int]]
"""Where a match and each of its groups are; (-1, -1) for a group that took no part."""

_UNANCHORED = re2._re2.RE2.Anchor.UNANCHORED


class PatternError(ValueError):
    """The text is no RE2 pattern; the message says why."""


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = 64 << 20
    return options


class Pattern:
    """A compiled pattern. Linear in the length of what is searched; every call releases the GIL."""

    __slots__ = ("_search", "groups")

    def __init__(self, text: str) -> None:
        try:
            compiled = re2.compile(text.encode(), _options())
        except re2.error as exc:
            raise PatternError(_reason(exc)) from None
        # The wrapper makes a generator and a match object for every call, which takes longer than the search itself.
        self._search = compiled._regexp.Match
        self.groups: int = compiled.groups

    def search(self, data: bytes, start: int = 0, end: int | None = None) -> Groups | None:
        """Leftmost match that begins and ends within `start:end`. What is around it counts for `\\b`, `^` and `$`."""
        groups: Groups = self._search(_UNANCHORED, data, start, len(data) if end is None else end)
        return None if groups[0][0] < 0 else groups

    def is_in(self, data: bytes) -> bool:
        return bool(self._search(_UNANCHORED, data, 0, len(data))[0][0] >= 0)


@lru_cache(maxsize=4096)
def compile_pattern(text: str) -> Pattern:
    """`text` compiled, or PatternError. Characters above 0x7f in `text` stand for their UTF-8 bytes."""
    return Pattern(text)


def _reason(exc: Exception) -> str:
    reason = exc.args[0] if exc.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
