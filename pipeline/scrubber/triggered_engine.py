"""What the fast engines share: from reports of triggers and keywords to findings."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.confirm import find_all, find_near
from pipeline.scrubber.interval import Interval, around, merged
from pipeline.scrubber.match import Match
from pipeline.scrubber.model import RuleInfo, Span
from pipeline.scrubber.pattern import Groups
from pipeline.scrubber.plan import KEYWORD_REACH_BYTES
from pipeline.scrubber.span_set import to_spans

Candidates = Mapping[int, Sequence[Interval]]
"""Where matches may begin, by rule; the rules that are not in it match nowhere."""


class TriggeredEngine(ABC):
    """An engine whose `_candidates` looks for all rules at once and that searches near what was announced only."""

    def __init__(self, rules: tuple[RuleInfo, ...], acceptors: Sequence[Acceptor], *, escape_aware: bool) -> None:
        self.rules = rules
        self._acceptors = acceptors
        self._escape_aware = escape_aware

    @abstractmethod
    def _candidates(self, data: bytes) -> Candidates: ...

    @abstractmethod
    def _keyword_ends(self, rule: int, data: bytes) -> Sequence[int]:
        """Where keywords of a gated rule end in `data`."""

    def find(self, data: bytes, /) -> list[Span]:
        """Spans sorted by start and disjoint. Thread-safe; releases the GIL while it scans."""
        matches = self.matches(data)
        return to_spans(data, matches, escape_aware=self._escape_aware) if matches else []

    def matches(self, data: bytes, path: str | None = None) -> list[Match]:
        """All findings by start, overlapping ones too; `path` is the file's name, where it has one."""
        candidates = self._candidates(data)
        if not candidates:
            return []
        name = None if path is None else path.encode("utf-8", "surrogateescape")
        found = []
        for rule, intervals in candidates.items():
            acceptor = self._acceptors[rule]
            if not acceptor.applies_to(name):
                continue
            for groups in self._confirmed(acceptor, data, intervals):
                match = acceptor.accept(data, groups, name)
                if match is not None:
                    found.append(match)
        found.sort()
        return found

    def _confirmed(self, acceptor: Acceptor, data: bytes, intervals: Sequence[Interval]) -> Iterator[Groups]:
        if not acceptor.plan.is_gated:
            return find_near(acceptor.pattern, data, merged(intervals), acceptor.plan.widest)
        ends = self._keyword_ends(acceptor.index, data)
        if not self._escape_aware:
            return find_all(acceptor.pattern, data) if ends else iter(())
        places = around(ends, KEYWORD_REACH_BYTES, len(data))
        return (
            groups
            for low, high in places
            if any(first <= high and last >= low for first, last in intervals)
            for groups in find_all(acceptor.pattern, data, low, high)
        )
