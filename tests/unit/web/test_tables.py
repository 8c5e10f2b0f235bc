"""What the dashboard keeps in memory: right, and no more than so much of it."""

from typing import Any

import msgspec
import pytest

from pipeline.events import Record
from sinks.tally import MOST_LABELS, OTHER, SCRUB_BOUNDS, Gauges, Histogram, Tally
from vibedom.network_log import Line
from vibedom.web import overview
from vibedom.web.flow_table import FlowTable
from vibedom.web.latency import figures, quantile
from vibedom.web.overview import Overview


def line(number: int, **fields: Any) -> Line:
    about = {
        "seq": number,
        "time": "2026-01-01T00:00:00.000Z",
        "kind": "request",
        "flow": f"f{number}",
        "verdict": "allow",
        "reason": "listed",
        "host": "a.test",
        "method": "GET",
    }
    return Line(**(about | fields))


def test_a_request_and_its_answer_are_one_row_and_a_denial_stays_one() -> None:
    table = FlowTable()
    table.add("s", line(1, path="/x"))
    table.add("s", line(2, flow="f1", kind="response", status=200, response_bytes=9, duration_ms=3.5))
    (row,) = table.since(0)
    assert (row.path, row.status, row.received, row.verdict) == ("/x", 200, 9, "allow")
    table.add("s", line(3, flow="f1", kind="response", verdict="deny", reason="finding-blocked"))
    table.add("s", line(4, flow="f1", kind="response"))
    assert (table.since(0)[0].verdict, table.since(0)[0].reason) == ("deny", "finding-blocked")


def test_the_same_flow_id_in_another_session_is_another_row() -> None:
    table = FlowTable()
    table.add("s", line(1))
    table.add("t", line(1))
    assert len(table.since(0)) == 2


def test_a_page_gets_what_changed_since_it_was_told_and_nothing_else() -> None:
    table = FlowTable()
    for number in range(5):
        table.add("s", line(number))
    told = table.change
    table.add("s", line(2, kind="response", status=404))
    table.add("s", line(9))
    assert [row.id for row in table.since(told)] == ["s/f2", "s/f9"]
    assert table.since(table.change) == []


def test_the_table_keeps_the_rows_that_changed_last_and_short_texts() -> None:
    table = FlowTable(most_rows=100)
    for number in range(1000):
        table.add("s", line(number, path="/" + "x" * 5000))
    kept = table.since(0)
    assert [row.id for row in kept] == [f"s/f{number}" for number in range(900, 1000)]
    assert all(len(row.path) == 512 for row in kept)


def test_hosts_that_an_agent_makes_up_do_not_push_out_those_that_are_often_seen() -> None:
    added = Overview()
    for _ in range(50):
        added.add("s", line(0, host="real.test"))
    for number in range(3 * overview.MOST_HOSTS):
        added.add("s", line(number, host=f"h{number}.test", verdict="deny", reason="not-listed"))
    assert added.hosts[0] == ("real.test", 50)
    assert len(added._hosts) <= overview.MOST_HOSTS
    assert len(added._blocked) <= overview.MOST_HOSTS
    assert added.totals.blocked == 3 * overview.MOST_HOSTS


def test_minutes_go_an_hour_back_and_no_further() -> None:
    added = Overview()
    for minute in range(200):
        added.add("s", line(minute, time=f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:30.000Z"))
    minutes = added.minutes
    assert len(minutes) == overview.MINUTES
    assert minutes[-1].at - minutes[0].at == overview.MINUTES - 1
    added.add("s", line(1, time="no time"))
    added.add("s", line(1, time="2020-01-01T00:00:00.000Z"))
    assert len(added.minutes) == overview.MINUTES


def test_a_quantile_is_the_upper_bound_of_its_bucket() -> None:
    histogram = Histogram.empty(SCRUB_BOUNDS)
    assert quantile(histogram.counts, 0.5) is None
    for _ in range(99):
        histogram.observe(0.0002)
    histogram.observe(99.0)
    assert quantile(histogram.counts, 0.5) == 0.00025
    assert quantile(histogram.counts, 1.0) == float("inf")
    both = figures([histogram, histogram], dropped=3)
    assert sum(both.counts) == 200
    assert both.median_seconds == 0.00025


@pytest.mark.parametrize(("value", "bucket"), [(0.0, 0), (0.0001, 0), (0.00011, 1), (1.0, 11), (1.1, 12)])
def test_a_value_is_in_the_bucket_that_ends_at_or_above_it(value: float, bucket: int) -> None:
    histogram = Histogram.empty(SCRUB_BOUNDS)
    histogram.observe(value)
    assert histogram.counts.index(1) == bucket


def test_labels_are_bounded_and_what_is_beyond_is_still_counted() -> None:
    tally = Tally()
    plain = Record(kind="request", flow="f", at=1.0, verdict="deny", reason="not-listed", host="x.test", method="GET")
    for number in range(2 * MOST_LABELS):
        tally.add([msgspec.structs.replace(plain, reason=f"made-up-{number}")])
    blocked = dict(tally.snapshot(session="s", at=0.0, gauges=Gauges()).blocked)
    assert len(blocked) == MOST_LABELS + 1
    assert blocked[(OTHER,)] == MOST_LABELS
    assert sum(blocked.values()) == 2 * MOST_LABELS
