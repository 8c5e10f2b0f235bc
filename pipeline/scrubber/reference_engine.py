"""The engine that does what the format says, one rule after the other: what the fast ones are tested against."""

from collections.abc import Sequence

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.confirm import find_all
from pipeline.scrubber.keyword import keyword_places
from pipeline.scrubber.match import Match
from pipeline.scrubber.model import RuleInfo, Span
from pipeline.scrubber.span_set import to_spans
from pipeline.scrubber.sweep import Sweep


class ReferenceEngine:
    """Every rule over the whole of the data, by google-re2. Slow (a pass for each rule), and simple."""

    def __init__(self, rules: tuple[RuleInfo, ...], acceptors: Sequence[Acceptor], *, escape_aware: bool) -> None:
        self.rules = rules
        self.acceptors = acceptors
        self._escape_aware = escape_aware

    def find(self, data: bytes, /) -> list[Span]:
        """Spans sorted by start and disjoint."""
        return to_spans(data, self.matches(data), escape_aware=self._escape_aware)

    def matches(self, data: bytes, path: str | None = None) -> list[Match]:
        """All findings by start, overlapping ones too; `path` is the file's name, where it has one."""
        lowered = data.lower()
        name = None if path is None else path.encode("utf-8", "surrogateescape")
        found: list[Match] = []
        for acceptor in self.acceptors:
            if acceptor.applies_to(name):
                found.extend(self._of_rule(acceptor, data, lowered, name))
        return sorted(found)

    def _of_rule(self, acceptor: Acceptor, data: bytes, lowered: bytes, name: bytes | None) -> list[Match]:
        if acceptor.keywords and not any(word in lowered for word in acceptor.keywords):
            return []
        places = [(0, len(data))]
        if acceptor.plan.is_gated and self._escape_aware:
            places = keyword_places(lowered, acceptor.keywords)
        sweep = Sweep(acceptor, data, name)
        for low, high in places:
            find_all(acceptor.pattern, data, sweep.take, low, high)
        return sweep.found
