"""What the fast engines share: from reports of triggers and keywords to findings."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.confirm import find_near
from pipeline.scrubber.interval import Interval, merged
from pipeline.scrubber.keyword import places_near
from pipeline.scrubber.match import Match
from pipeline.scrubber.model import RuleInfo, Span
from pipeline.scrubber.span_set import to_spans
from pipeline.scrubber.sweep import Sweep

Candidates = Mapping[int, Sequence[Interval]]
"""Where matches may begin, by rule; the rules that are not in it match nowhere."""


class TriggeredEngine(ABC):
    """An engine whose `_candidates` looks for all rules at once and that searches near what was announced only."""

    def __init__(self, rules: tuple[RuleInfo, ...], acceptors: Sequence[Acceptor], *, escape_aware: bool) -> None:
        self.rules = rules
        self.plans = tuple(acceptor.plan for acceptor in acceptors)
        self._acceptors = acceptors
        self._escape_aware = escape_aware

    @abstractmethod
    def _candidates(self, data: bytes) -> Candidates: ...

    def find(self, data: bytes, /) -> list[Span]:
        """Spans sorted by start and disjoint. Thread-safe; releases the GIL while it scans."""
        matches = self.matches(data)
        return to_spans(data, matches, escape_aware=self._escape_aware) if matches else []

    def matches(self, data: bytes, path: str | None = None) -> list[Match]:
        """All findings by start, overlapping ones too; `path` is the file's name, where it has one."""
        return self.judged(data, self.announced(data), path)

    def announced(self, data: bytes) -> Candidates:
        """Where the matches of each rule may begin, and no other rule has any."""
        return self._candidates(data)

    def judged(self, data: bytes, candidates: Candidates, path: str | None = None) -> list[Match]:
        """The findings among what was announced; of some rules, where `candidates` is less than that."""
        if not candidates:
            return []
        name = None if path is None else path.encode("utf-8", "surrogateescape")
        found = []
        for rule, intervals in candidates.items():
            acceptor = self._acceptors[rule]
            if acceptor.applies_to(name):
                found += self._confirmed(acceptor, data, intervals, name)
        found.sort()
        return found

    def _confirmed(
        self, acceptor: Acceptor, data: bytes, intervals: Sequence[Interval], name: bytes | None
    ) -> list[Match]:
        pattern, reach, sweep = acceptor.pattern, acceptor.plan.reach, Sweep(acceptor, data, name)
        if not acceptor.plan.is_gated:
            find_near(pattern, data, merged(intervals), reach, sweep.take)
        elif not self._escape_aware:
            lowered = data.lower()
            if any(word in lowered for word in acceptor.keywords):
                find_near(pattern, data, merged(intervals), reach, sweep.take)
        else:
            for low, high in places_near(data, acceptor.keywords, intervals, reach.widest):
                ahead = [(max(low, a), min(high, b)) for a, b in intervals if a <= high and b >= low]
                find_near(pattern, data, merged(ahead), reach, sweep.take, low, high)
        return sweep.found
