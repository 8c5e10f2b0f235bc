"""The engine that does what the format says, one rule after the other: what the fast ones are tested against."""

from collections.abc import Iterator

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.match import Match
from pipeline.scrubber.model import RuleInfo, Span
from pipeline.scrubber.pattern import Groups
from pipeline.scrubber.reading import KEYWORD_REACH_BYTES
from pipeline.scrubber.span_set import to_spans


class ReferenceEngine:
    """Every rule over the whole of the data, by google-re2. Slow (a pass for each rule), and simple."""

    def __init__(self, rules: tuple[RuleInfo, ...], acceptors: tuple[Acceptor, ...], *, escape_aware: bool) -> None:
        self.rules = rules
        self._acceptors = acceptors
        self._escape_aware = escape_aware

    def find(self, data: bytes, /) -> list[Span]:
        """Spans sorted by start and disjoint."""
        return to_spans(data, self.matches(data), escape_aware=self._escape_aware)

    def matches(self, data: bytes, path: str | None = None) -> list[Match]:
        """All findings, rule by rule, overlapping ones too; `path` is the file's name, where it has one."""
        lowered = data.lower()
        name = None if path is None else path.encode("utf-8", "surrogateescape")
        found = []
        for acceptor in self._acceptors:
            words = [word.encode() for word in acceptor.rule.keywords]
            if (words and not any(word in lowered for word in words)) or not acceptor.applies_to(name):
                continue
            for groups in _finditer(acceptor, data):
                match = acceptor.accept(data, groups, name)
                if match is not None and self._has_keyword(lowered, words, groups[0]):
                    found.append(match)
        return found

    def _has_keyword(self, lowered: bytes, words: list[bytes], bounds: tuple[int, int]) -> bool:
        if not words or not self._escape_aware:
            return True
        near = lowered[max(0, bounds[0] - KEYWORD_REACH_BYTES) : bounds[1] + KEYWORD_REACH_BYTES]
        return any(word in near for word in words)


def _finditer(acceptor: Acceptor, data: bytes) -> Iterator[Groups]:
    at = 0
    while at <= len(data):
        groups = acceptor.pattern.search(data, at)
        if groups is None:
            return
        yield groups
        start, end = groups[0]
        at = end if end > start else end + 1
