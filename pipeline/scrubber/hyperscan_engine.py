"""The native engine: Hyperscan looks for all rules in one pass. The only file that imports hyperscan."""

import platform
import threading
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version

import hyperscan

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.cache import Cache
from pipeline.scrubber.interval import Interval, starts
from pipeline.scrubber.model import RuleInfo
from pipeline.scrubber.trigger import Trigger
from pipeline.scrubber.triggered_engine import Candidates, TriggeredEngine

VERSION = f"hyperscan {version('hyperscan')} {platform.machine()}"
"""A compiled database is good for this engine on this kind of machine only."""


class HyperscanEngine(TriggeredEngine):
    """Two databases for the triggers of all rules; the regexes themselves run near what they report."""

    def __init__(
        self,
        rules: tuple[RuleInfo, ...],
        acceptors: Sequence[Acceptor],
        *,
        escape_aware: bool,
        cache: Cache | None = None,
    ) -> None:
        super().__init__(rules, acceptors, escape_aware=escape_aware)
        self._everywhere = [acceptor.index for acceptor in acceptors if not acceptor.plan.patterns]
        shelves: dict[str, list[tuple[int, Trigger]]] = {}
        for acceptor in acceptors:
            for trigger in acceptor.plan.patterns:
                shelf = "digits" if trigger.shelf == "digits" else "words"
                shelves.setdefault(shelf, []).append((acceptor.index, trigger))
        self._databases = [Database(shelf, cache) for shelf in shelves.values()]

    def _candidates(self, data: bytes) -> Candidates:
        found: dict[int, list[Interval]] = {rule: [(0, len(data))] for rule in self._everywhere}
        for database in self._databases:
            for pattern, ends in database.scan(data).items():
                rule, trigger = database.triggers[pattern]
                found.setdefault(rule, []).extend(starts(trigger, ends))
        return found


class Database:
    """The compiled triggers of some rules (by the rules' places in the engine)."""

    def __init__(self, triggers: Sequence[tuple[int, Trigger]], cache: Cache | None) -> None:
        self.triggers = triggers
        key = _key([trigger for _, trigger in triggers])
        blob = None if cache is None else cache.get(key)
        loaded = None if blob is None else _loaded(blob)
        self._compiled = loaded or _compiled([trigger for _, trigger in triggers])
        if cache is not None and loaded is None:
            cache.put(key, hyperscan.dumpb(self._compiled))
        self._scratches = threading.local()

    def scan(self, data: bytes) -> dict[int, list[int]]:
        """Where the triggers' matches end, by the trigger's place. Releases the GIL but for the reports."""
        reports: defaultdict[int, list[int]] = defaultdict(list)

        def report(trigger: int, start: int, end: int, flags: int, context: object) -> None:
            reports[trigger].append(end)

        self._compiled.scan(data, match_event_handler=report, scratch=self._scratch())
        return reports

    def _scratch(self) -> "hyperscan.Scratch":
        """One for each thread: two scans must not share one."""
        scratch = getattr(self._scratches, "scratch", None)
        if scratch is None:
            scratch = self._scratches.scratch = hyperscan.Scratch(self._compiled)
        return scratch


def _key(triggers: Sequence[Trigger]) -> str:
    """Changes with all that a database is made from, and with what makes it."""
    parts = [VERSION, *(f"{trigger.shelf} {trigger.text}" for trigger in triggers)]
    return f"database {sha256(chr(10).join(parts).encode()).hexdigest()}"


def _compiled(triggers: Sequence[Trigger]) -> "hyperscan.Database":
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[_expression(trigger) for trigger in triggers],
        ids=list(range(len(triggers))),
        elements=len(triggers),
        flags=[hyperscan.HS_FLAG_CASELESS if trigger.shelf == "literal" else 0 for trigger in triggers],
    )
    return database


def _expression(trigger: Trigger) -> bytes:
    if trigger.shelf != "literal":
        return trigger.text.encode()
    return b"".join(b"\\x%02x" % byte for byte in trigger.text.encode("latin-1"))


def _loaded(blob: bytes) -> "hyperscan.Database | None":
    try:
        return hyperscan.loadb(blob, mode=hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:
        return None  # damaged, or of another version: it is compiled again
