"""Go RE2 patterns over bytes: the only file that imports re2."""

from functools import lru_cache
from typing import Any

import re2

Groups = list[tuple[int, int]]
"""Where a match and each of its groups are; (-1, -1) for a group that took no part."""


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

    __slots__ = ("_compiled", "groups")

    def __init__(self, text: str) -> None:
        try:
            self._compiled = re2.compile(text.encode(), _options())
        except re2.error as exc:
            raise PatternError(_reason(exc)) from None
        self.groups: int = self._compiled.groups

    def search(self, data: bytes, start: int = 0, end: int | None = None) -> Groups | None:
        """Leftmost match that begins and ends within `start:end`. What is around it counts for `\\b`, `^` and `$`."""
        found = self._compiled.search(data, start, end)
        return None if found is None else [found.span(group) for group in range(self.groups + 1)]

    def is_in(self, data: bytes) -> bool:
        return self._compiled.search(data) is not None


@lru_cache(maxsize=4096)
def compile_pattern(text: str) -> Pattern:
    """`text` compiled, or PatternError. Characters above 0x7f in `text` stand for their UTF-8 bytes."""
    return Pattern(text)


def _reason(exc: Exception) -> str:
    reason = exc.args[0] if exc.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
