"""Connects a session's stages and channels with its metrics, and finds the metrics of all sessions."""

import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from pipeline.events import Filtered, Scrubbed
from pipeline.feed import Feed
from pipeline.ports import Stage
from pipeline.topology import Stages, Topology
from sinks.metrics import MetricsSink
from sinks.tally import Gauges, Snapshot
from vibedom import sessions
from vibedom.paths import Home
from vibedom.sessions import SessionRecord

ENDED_SECONDS = 300.0
"""How long the counts of a session that ended are still served: its last ones must be scraped, too."""


class TimedScrubber:
    """The scrubber with its times told to somebody. The stage itself knows no clock."""

    name = "scrubber"

    def __init__(self, inner: Stage[Filtered, Scrubbed], took: Callable[[float], None]) -> None:
        self._inner = inner
        self._took = took

    def __call__(self, event: Filtered, /) -> Scrubbed:
        begin = time.perf_counter()
        scrubbed = self._inner(event)
        self._took(time.perf_counter() - begin)
        return scrubbed


def measured(stages: Stages, feeds: Sequence[Feed]) -> Stages:
    """`stages` with the scrubber timed where a feed keeps metrics; else as they are."""
    for sink in _sinks(feeds):
        return msgspec.structs.replace(stages, scrubber=TimedScrubber(stages.scrubber, sink.tally.scrubbed))
    return stages


def attach(topology: Topology) -> None:
    """Let the metrics of a topology's feeds tell how full its channels are."""

    def gauges() -> Gauges:
        now = time.time()
        return Gauges(channels=topology.depths, sinks={feed.sink.name: _state(feed, now) for feed in topology.feeds})

    for sink in _sinks(topology.feeds):
        sink.probe = gauges


def _sinks(feeds: Sequence[Feed]) -> Iterator[MetricsSink]:
    return (feed.sink for feed in feeds if isinstance(feed.sink, MetricsSink))


def _state(feed: Feed, now: float) -> tuple[int, float, int]:
    oldest = feed.oldest_at
    return feed.backlog, round(max(0.0, now - oldest), 1) if oldest is not None else 0.0, feed.dropped


def snapshots(home: Home) -> list[tuple[SessionRecord, Snapshot]]:
    """The counts of the sessions that run, or ended within `ENDED_SECONDS`. Blocking."""
    found = []
    for record in sessions.all_sessions(home):
        snapshot = read_snapshot(home, record.id)
        if snapshot is not None and (record.is_alive or time.time() - snapshot.at < ENDED_SECONDS):
            found.append((record, snapshot))
    return found


def read_snapshot(home: Home, session: str) -> Snapshot | None:
    """The counts of one session, None where there are none that this version can read."""
    try:
        return msgspec.json.decode(home.session(session).metrics.read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError):
        return None
