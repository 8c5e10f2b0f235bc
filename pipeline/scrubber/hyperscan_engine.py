"""The native engine: Hyperscan looks for nearly all rules in one pass, and for the others where a sign of them is."""

import platform
import threading
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256

import hyperscan

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.cache import Cache
from pipeline.scrubber.interval import Interval, merged, starts
from pipeline.scrubber.model import RuleInfo
from pipeline.scrubber.number_gate import GATE
from pipeline.scrubber.trigger import Shelf, Trigger
from pipeline.scrubber.triggered_engine import Candidates, TriggeredEngine

VERSION = f"hyperscan {hyperscan.__version__} {platform.machine()}"  # type: ignore[attr-defined]
"""A compiled database is good for this engine on this kind of machine only."""
MAX_PLACES = 256
"""Of numbers that are looked at one by one; where there are more, all of the body is."""
FRONT_BYTES = 16
"""More than what a trigger asks for in front of its number."""


class HyperscanEngine(TriggeredEngine):
    """Databases for the triggers of all rules; the regexes themselves run near what they report.

    Nearly all is in one: the look for literals is most of the work, and costs the same for a hundred and for two
    thousand. Long numbers are looked for near where digits are, because what begins with any digit is slow and most
    bodies have none.
    """

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
        shelves: dict[tuple[Shelf, str], list[tuple[int, Trigger]]] = {}
        for acceptor in acceptors:
            for trigger in acceptor.plan.patterns:
                shelves.setdefault(_shelf(trigger), []).append((acceptor.index, trigger))
        numbers = shelves.pop(("numbers", ""), None)
        self._databases = [
            (Database(triggers, cache), sign.encode() if shelf == "signs" else b"")
            for (shelf, sign), triggers in shelves.items()
        ]
        self._numbers = Database(numbers, cache) if numbers else None
        self._number_gate = Gate(GATE) if numbers else None
        self._number_reach = _reach([trigger for _, trigger in numbers or ()])

    def _candidates(self, data: bytes) -> Candidates:
        found: dict[int, list[Interval]] = {rule: [(0, len(data))] for rule in self._everywhere}
        for database, sign in self._databases:
            if not sign or sign in data:
                self._announce(database, database.scan(data), len(data), found)
        if self._numbers and self._number_gate:
            for low, high in self._number_gate.stretches(data, self._number_reach):
                part = data if high - low == len(data) else data[low:high]
                self._announce(self._numbers, self._numbers.scan(part), len(data), found, low)
        return found

    @staticmethod
    def _announce(
        database: "Database", reports: dict[int, list[int]], size: int, found: dict[int, list[Interval]], low: int = 0
    ) -> None:
        """Add to `found` where matches may begin by `reports` about the data from `low` on."""
        for pattern, ends in reports.items():
            ends = [low + end for end in ends] if low else ends
            for rule, trigger in database.triggers[pattern]:
                found.setdefault(rule, []).extend([(0, size)] if trigger.once else starts(trigger, ends))


def _shelf(trigger: Trigger) -> tuple[Shelf, str]:
    """Triggers for which it is the same are looked for together."""
    return "words" if trigger.shelf in ("literal", "runs") else trigger.shelf, trigger.sign


class TooLargeError(Exception):
    """Hyperscan cannot compile one of the patterns."""


class _Scratches(threading.local):
    """Scratch space of one thread: two scans must not share one."""

    scratch: "hyperscan.Scratch | None" = None


class Database:
    """The compiled triggers of some rules (by the rules' places in the engine)."""

    def __init__(self, triggers: Sequence[tuple[int, Trigger]], cache: Cache | None) -> None:
        by_text: dict[tuple[Shelf, str], list[tuple[int, Trigger]]] = {}
        for rule, trigger in triggers:
            by_text.setdefault((trigger.shelf, trigger.text), []).append((rule, trigger))
        self.triggers = list(by_text.values())
        """By the place of their pattern: one pattern may announce matches of several rules."""
        distinct = [users[0][1] for users in self.triggers]
        key = _key(distinct)
        blob = None if cache is None else cache.get(key)
        loaded = None if blob is None else _loaded(blob)
        self._compiled = loaded or _compiled(distinct)
        if cache is not None and loaded is None:
            cache.put(key, hyperscan.dumpb(self._compiled))
        self._local = _Scratches()

    def scan(self, data: bytes) -> dict[int, list[int]]:
        """Where the triggers' matches end, by the place of their pattern. Releases the GIL but for the reports."""
        reports: defaultdict[int, list[int]] = defaultdict(list)

        def report(pattern: int, start: int, end: int, flags: int, context: object) -> None:
            reports[pattern].append(end)

        scratch = self._local.scratch or _new_scratch(self._local, self._compiled)
        self._compiled.scan(data, match_event_handler=report, scratch=scratch)
        return reports


class Gate:
    """Tells where a pattern is in a body; gives up counting where it is nearly everywhere."""

    def __init__(self, pattern: str) -> None:
        self._compiled = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._compiled.compile(expressions=[pattern.encode()], ids=[0], elements=1, flags=[0])
        self._local = _Scratches()

    def stretches(self, data: bytes, reach: int | None) -> list[Interval]:
        """Start and end of what is within `reach` bytes of a match's end (None: of all the data, if there is any).
        Releases the GIL."""
        ends: list[int] = []
        most = 1 if reach is None else min(MAX_PLACES, len(data) // (2 * reach + 1) + 1)

        def report(pattern: int, start: int, end: int, flags: int, context: object) -> bool:
            ends.append(end)
            return len(ends) >= most

        scratch = self._local.scratch or _new_scratch(self._local, self._compiled)
        try:
            self._compiled.scan(data, match_event_handler=report, scratch=scratch)
        except hyperscan.ScanTerminated:
            return [(0, len(data))]
        return merged((max(0, end - (reach or 0)), min(len(data), end + (reach or 0))) for end in ends)


def _reach(triggers: Sequence[Trigger]) -> int | None:
    """Bytes on both sides of a number's ninth digit within which the match of one of the triggers is; None for no
    limit."""
    farthest = [trigger.farthest for trigger in triggers]
    return None if None in farthest else max((most for most in farthest if most), default=0) + FRONT_BYTES


def _new_scratch(local: _Scratches, database: "hyperscan.Database") -> "hyperscan.Scratch":
    local.scratch = hyperscan.Scratch(database)
    return local.scratch


def _key(triggers: Sequence[Trigger]) -> str:
    """Changes with all that a database is made from, and with what makes it."""
    parts = [VERSION, *(f"{trigger.shelf} {trigger.once:d} {trigger.text}" for trigger in triggers)]
    return f"database {sha256(chr(10).join(parts).encode()).hexdigest()}"


def _compiled(triggers: Sequence[Trigger]) -> "hyperscan.Database":
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=[_expression(trigger) for trigger in triggers],
            ids=list(range(len(triggers))),
            elements=len(triggers),
            flags=[_flags(trigger) for trigger in triggers],
        )
    except hyperscan.error as exc:
        raise TooLargeError(str(exc)) from exc
    return database


def _flags(trigger: Trigger) -> int:
    caseless = hyperscan.HS_FLAG_CASELESS if trigger.shelf == "literal" else 0
    return int(caseless | hyperscan.HS_FLAG_SINGLEMATCH if trigger.once else caseless)


def _expression(trigger: Trigger) -> bytes:
    if trigger.shelf != "literal":
        return trigger.text.encode()
    return b"".join(b"\\x%02x" % byte for byte in trigger.text.encode("latin-1"))


def _loaded(blob: bytes) -> "hyperscan.Database | None":
    try:
        return hyperscan.loadb(blob, mode=hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:
        return None  # damaged, or of another version: it is compiled again
