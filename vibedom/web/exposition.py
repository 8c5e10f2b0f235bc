"""The metrics of all sessions in Prometheus' format. Sessions are few; every other label is from a closed set."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from sinks.tally import Histogram, Snapshot
from vibedom.metrics import snapshots
from vibedom.paths import Home
from vibedom.sessions import SessionRecord

Sessions = Sequence[tuple[SessionRecord, Snapshot]]


class SessionsCollector(Collector):
    """Reads the sessions' `metrics.json` at each scrape."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def collect(self) -> Iterator[Metric]:
        """Blocking: reads a file a session."""
        found = snapshots(self._home)
        yield _up(found)
        yield from _traffic(found)
        yield _histogram("vibedom_scrub_seconds", "Seconds one call of the scrubber took.", found, "scrub_seconds")
        yield _histogram("vibedom_exchange_seconds", "Seconds from request to answer.", found, "exchange_seconds")
        yield from _fullness(found)


def registry(home: Home) -> CollectorRegistry:
    """What a scrape reads. Nothing of the exporter's own process is in it."""
    made = CollectorRegistry(auto_describe=False)
    made.register(SessionsCollector(home))
    return made


def _up(found: Sessions) -> Metric:
    up = GaugeMetricFamily("vibedom_session_up", "1 while the session runs.", labels=("session", "runtime"))
    for record, _ in found:
        up.add_metric((record.id, record.runtime), float(record.is_alive))
    return up


def _traffic(found: Sessions) -> Iterator[Metric]:
    for name, text, labels, field in (
        ("vibedom_requests", "Requests by verdict.", ("verdict", "context"), "requests"),
        ("vibedom_blocked", "Records of what was denied, by reason.", ("reason",), "blocked"),
        ("vibedom_findings", "Findings by rule.", ("rule", "class", "action", "direction"), "findings"),
        ("vibedom_unscanned", "Bodies that passed unread, by reason.", ("reason",), "unscanned"),
        ("vibedom_records", "Lines of the audit log, by kind.", ("kind",), "records"),
    ):
        family = CounterMetricFamily(name, text, labels=("session", *labels))
        for record, snapshot in found:
            for values, count in getattr(snapshot, field):
                family.add_metric((record.id, *values), count)
        yield family
    sizes = CounterMetricFamily("vibedom_bytes", "Bytes of bodies.", labels=("session", "direction"))
    for record, snapshot in found:
        sizes.add_metric((record.id, "request"), snapshot.request_bytes)
        sizes.add_metric((record.id, "response"), snapshot.response_bytes)
    yield sizes


def _histogram(name: str, text: str, found: Sessions, field: str) -> Metric:
    family = HistogramMetricFamily(name, text, labels=("session",))
    for record, snapshot in found:
        histogram: Histogram = getattr(snapshot, field)
        family.add_metric((record.id,), buckets=list(_buckets(histogram)), sum_value=histogram.total)
    return family


def _buckets(histogram: Histogram) -> Iterable[tuple[str, float]]:
    """Prometheus' are cumulative."""
    names = [*map(repr, histogram.bounds), "+Inf"]
    return zip(names, accumulate(histogram.counts), strict=True)


def _fullness(found: Sessions) -> Iterator[Metric]:
    depth = GaugeMetricFamily("vibedom_channel_depth", "Events waiting for a stage.", labels=("session", "stage"))
    queue = GaugeMetricFamily("vibedom_sink_queue", "Records waiting for a sink.", labels=("session", "sink"))
    lag = GaugeMetricFamily(
        "vibedom_sink_lag_seconds", "Age of the oldest record being written.", labels=("session", "sink")
    )
    dropped = CounterMetricFamily("vibedom_sink_dropped", "Records a sink never got.", labels=("session", "sink"))
    for record, snapshot in found:
        for stage, count in snapshot.gauges.channels.items():
            depth.add_metric((record.id, stage), count)
        for sink, (waiting, seconds, lost) in snapshot.gauges.sinks.items():
            queue.add_metric((record.id, sink), waiting)
            lag.add_metric((record.id, sink), seconds)
            dropped.add_metric((record.id, sink), lost)
    yield from (depth, queue, lag, dropped)
