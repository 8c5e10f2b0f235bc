"""The engine for where there is no Hyperscan: Aho-Corasick over the literals of all rules, one pass."""

from collections.abc import Sequence

from ahocorasick_rs import BytesAhoCorasick, Implementation

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.interval import Interval
from pipeline.scrubber.model import RuleInfo
from pipeline.scrubber.trigger import Trigger
from pipeline.scrubber.triggered_engine import Candidates, TriggeredEngine


class PortableEngine(TriggeredEngine):
    """Rules that no literal announces are searched for one by one."""

    def __init__(self, rules: tuple[RuleInfo, ...], acceptors: Sequence[Acceptor], *, escape_aware: bool) -> None:
        super().__init__(rules, acceptors, escape_aware=escape_aware)
        by_text: dict[bytes, list[tuple[int, Trigger]]] = {}
        self._everywhere: list[int] = []
        for acceptor in acceptors:
            for trigger in acceptor.plan.literals:
                by_text.setdefault(trigger.text.encode("latin-1"), []).append((acceptor.index, trigger))
            if not acceptor.plan.literals:
                self._everywhere.append(acceptor.index)
        self._users = list(by_text.values())
        self._automaton = BytesAhoCorasick(list(by_text), implementation=Implementation.ContiguousNFA)

    def _candidates(self, data: bytes) -> Candidates:
        lowered = data.lower()
        found: dict[int, list[Interval]] = {rule: [(0, len(data))] for rule in self._everywhere}
        for text, _, end in self._automaton.find_matches_as_indexes(lowered, overlapping=True):
            for rule, trigger in self._users[text]:
                first = 0 if trigger.farthest is None else max(0, end - trigger.farthest)
                found.setdefault(rule, []).append((first, end - trigger.nearest))
        return found
