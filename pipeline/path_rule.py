"""Path rules: globs over every reading of a path.

`*` is anything within one segment, `**` anything at all, a `/` at the end everything below; else the path is exact.
"""

import re
from typing import Protocol

import msgspec
import re2

from pipeline.url_path import decoded_rounds, readings

_REFUSED = "?#\\;"


class PathRuleError(ValueError):
    """The text is no path rule; the message says what to write, in one line."""


class _Glob(Protocol):
    def fullmatch(self, text: bytes, /) -> object | None: ...


class PathRule(msgspec.Struct, frozen=True):
    """The path part of a pattern."""

    text: str
    globs: tuple[_Glob, ...]
    """One for each round of percent-decoding; the last one serves all later rounds."""

    @property
    def specificity(self) -> tuple[int, bool]:
        """Greater is more specific: characters before the first wildcard, then exact before glob."""
        literal = self.text.partition("*")[0]
        return len(literal), literal == self.text and not self.text.endswith("/")

    def matches_always(self, target: str) -> bool:
        """Whether every reading of the target is inside: what allows must be sure."""
        found = readings(target)
        return bool(found) and all(self._matches(n, path) for n, paths in enumerate(found) for path in paths)

    def matches_ever(self, target: str) -> bool:
        """Whether any reading of the target is inside, or it cannot be read: what denies needs no certainty."""
        found = readings(target)
        return not found or any(self._matches(n, path) for n, paths in enumerate(found) for path in paths)

    def _matches(self, round_: int, path: bytes) -> bool:
        return self.globs[min(round_, len(self.globs) - 1)].fullmatch(path) is not None


def parse_path(text: str) -> PathRule:
    """Read a path rule. Raises `PathRuleError` where it does not start with `/` or is not in normal form."""
    if not text.startswith("/"):
        raise PathRuleError(f"the path {text!r} does not start with '/'")
    if any(ord(character) <= 32 or character in _REFUSED for character in text):
        raise PathRuleError(f"the path {text!r} has a blank or one of {_REFUSED}: percent-encode it")
    if "//" in text or any(segment in (".", "..") for segment in text.split("/")):
        raise PathRuleError(f"the path {text!r} has empty or dot segments: write the path they lead to")
    if "%2a" in text.lower():
        raise PathRuleError(f"the path {text!r} has an escaped '*', which no rule can mean: use '*'")
    return PathRule(text, tuple(_glob(part) for part in decoded_rounds(text)))


def _glob(path: bytes) -> _Glob:
    """Compiled by RE2: an agent chooses the path, so matching is linear in its length."""
    parts = re.split(rb"(\*+)", path)
    regex = b"".join(_star(part) if part.startswith(b"*") else re2.escape(part) for part in parts)
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.dot_nl = True
    glob: _Glob = re2.compile(regex + b".*" if path.endswith(b"/") else regex, options)
    return glob


def _star(stars: bytes) -> bytes:
    return b"[^/]*" if stars == b"*" else b".*"
