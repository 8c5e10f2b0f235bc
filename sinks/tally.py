"""Counts of one session's traffic, in a form another process can read. No label holds what an agent can make up."""

import bisect
import threading
from collections.abc import Callable, Iterable

import msgspec

from pipeline.events import Record

SCRUB_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds in seconds of the buckets of scrubbing times."""
EXCHANGE_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
"""The same of whole exchanges, the far side included."""
MOST_LABELS = 1000
"""Combinations of labels of one count; what is beyond counts under `other`."""
OTHER = "other"


class Histogram(msgspec.Struct, kw_only=True):
    """Values by bucket: `counts` has one more than `bounds`, for what is above all of them. Not cumulative."""

    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0

    @classmethod
    def empty(cls, bounds: tuple[float, ...]) -> "Histogram":
        return cls(bounds=bounds, counts=[0] * (len(bounds) + 1))

    def observe(self, value: float) -> None:
        """Count one value; one that is a bound belongs to its bucket."""
        self.counts[bisect.bisect_left(self.bounds, value)] += 1
        self.total += value


class Gauges(msgspec.Struct, frozen=True, kw_only=True):
    """How full things are at one moment."""

    channels: dict[str, int] = {}
    """Stage -> events that wait for it."""
    sinks: dict[str, tuple[int, float, int]] = {}
    """Sink -> records that wait, seconds that the oldest of them is old, records dropped so far."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """`metrics.json`: everything counted since the session started. Counts are by label values in a fixed order."""

    schema_version: int = 1
    session: str
    at: float
    """Unix seconds."""
    requests: list[tuple[tuple[str, str], int]]
    """(verdict, context)."""
    blocked: list[tuple[tuple[str], int]]
    """(reason,)."""
    findings: list[tuple[tuple[str, str, str, str], int]]
    """(rule, class, action, direction)."""
    unscanned: list[tuple[tuple[str], int]]
    """(reason,)."""
    records: list[tuple[tuple[str], int]]
    """(kind,)."""
    request_bytes: int
    response_bytes: int
    scrub_seconds: Histogram
    exchange_seconds: Histogram
    gauges: Gauges = Gauges()


class Tally:
    """Counts records and scrubbing times. `scrubbed` may be called by any thread, the rest by one."""

    def __init__(self) -> None:
        self._requests = _Labelled[tuple[str, str]]((OTHER, OTHER))
        self._blocked = _Labelled[tuple[str]]((OTHER,))
        self._findings = _Labelled[tuple[str, str, str, str]]((OTHER, OTHER, OTHER, OTHER))
        self._unscanned = _Labelled[tuple[str]]((OTHER,))
        self._records = _Labelled[tuple[str]]((OTHER,))
        self._sent = self._received = 0
        self._lock = threading.Lock()
        self._scrub, self._exchange = Histogram.empty(SCRUB_BOUNDS), Histogram.empty(EXCHANGE_BOUNDS)

    def add(self, records: Iterable[Record]) -> None:
        """Count what was recorded."""
        for record in records:
            self._records.add((record.kind,))
            if record.kind == "request" and (record.method != "CONNECT" or record.verdict == "deny"):
                self._requests.add((record.verdict, record.context or OTHER))
            if record.verdict == "deny":
                self._blocked.add((record.reason,))
            if record.unscanned:
                self._unscanned.add((record.unscanned,))
            if record.kind == "response":
                self._sent, self._received = self._sent + record.request_bytes, self._received + record.response_bytes
                self._exchange.observe(record.duration_ms / 1000)
            for finding in record.findings:
                self._findings.add((finding.rule, finding.secret_class, finding.action, finding.direction))

    def scrubbed(self, seconds: float) -> None:
        """Count one call of the scrubber."""
        with self._lock:
            self._scrub.observe(seconds)

    def snapshot(self, *, session: str, at: float, gauges: Gauges) -> Snapshot:
        """Everything as it is now."""
        return Snapshot(
            session=session,
            at=at,
            requests=self._requests.items,
            blocked=self._blocked.items,
            findings=self._findings.items,
            unscanned=self._unscanned.items,
            records=self._records.items,
            request_bytes=self._sent,
            response_bytes=self._received,
            scrub_seconds=self._scrub,
            exchange_seconds=self._exchange,
            gauges=gauges,
        )


class _Labelled[Labels: tuple[str, ...]]:
    """A count by label values, of which there are only so many."""

    def __init__(self, other: Labels) -> None:
        self._counts: dict[Labels, int] = {}
        self._other = other

    def add(self, labels: Labels) -> None:
        if labels not in self._counts and len(self._counts) >= MOST_LABELS:
            labels = self._other
        self._counts[labels] = self._counts.get(labels, 0) + 1

    @property
    def items(self) -> list[tuple[Labels, int]]:
        return sorted(self._counts.items())


Probe = Callable[[], Gauges]
