"""The native engine: Hyperscan looks for all rules in one pass. The only file that imports hyperscan."""

import platform
import threading
from collections.abc import Sequence
from importlib.metadata import version

import hyperscan

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.cache import Cache
from pipeline.scrubber.interval import Interval, occurrences, starts
from pipeline.scrubber.model import RuleInfo
from pipeline.scrubber.trigger import Trigger
from pipeline.scrubber.triggered_engine import Candidates, TriggeredEngine

VERSION = f"hyperscan {version('hyperscan')} {platform.machine()}"
"""A compiled database is good for this engine on this kind of machine only."""


class HyperscanEngine(TriggeredEngine):
    """One database for the triggers of all rules; the regexes themselves run near what it reports."""

    def __init__(
        self,
        rules: tuple[RuleInfo, ...],
        acceptors: Sequence[Acceptor],
        *,
        escape_aware: bool,
        cache: Cache | None = None,
        key: str = "",
    ) -> None:
        super().__init__(rules, acceptors, escape_aware=escape_aware)
        self._triggers: list[tuple[int, Trigger | None]] = []
        patterns: list[bytes] = []
        flags: list[int] = []
        for acceptor in acceptors:
            if acceptor.plan.pattern is not None:
                self._triggers.append((acceptor.index, acceptor.plan.pattern))
                patterns.append(acceptor.plan.pattern.text.encode())
                flags.append(0)
        self._database = _load(cache, key) or _compile(patterns, flags, cache, key)
        self._scratches = threading.local()
        self._lowered = threading.local()

    def _candidates(self, data: bytes) -> Candidates:
        reports: dict[int, list[int]] = {}

        def report(pattern: int, start: int, end: int, flags: int, context: object) -> None:
            ends = reports.get(pattern)
            if ends is None:
                reports[pattern] = [end]
            else:
                ends.append(end)

        self._database.scan(data, match_event_handler=report, scratch=self._scratch())
        found: dict[int, Sequence[Interval]] = {}
        for pattern, ends in reports.items():
            rule, trigger = self._triggers[pattern]
            if trigger is not None:
                found[rule] = starts(trigger, ends)
        return found

    def _keyword_ends(self, rule: int, data: bytes) -> Sequence[int]:
        lowered = data.lower()
        return [end for word in self._acceptors[rule].keywords for end in occurrences(lowered, word)]

    def _scratch(self) -> "hyperscan.Scratch":
        """One for each thread: two scans must not share one."""
        scratch = getattr(self._scratches, "scratch", None)
        if scratch is None:
            scratch = self._scratches.scratch = hyperscan.Scratch(self._database)
        return scratch


def _compile(patterns: list[bytes], flags: list[int], cache: Cache | None, key: str) -> "hyperscan.Database":
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=patterns, ids=list(range(len(patterns))), elements=len(patterns), flags=flags)
    if cache is not None:
        cache.put(key, hyperscan.dumpb(database))
    return database


def _load(cache: Cache | None, key: str) -> "hyperscan.Database | None":
    blob = None if cache is None else cache.get(key)
    if blob is None:
        return None
    try:
        return hyperscan.loadb(blob, mode=hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:
        return None  # damaged, or of another version: it is compiled again
