"""Alerts: what raises one, what is folded, what is cut, and that nothing is lost when a delivery fails."""

import json
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from pipeline.events import Finding, Record, Severity
from sinks.alert import Alert
from sinks.alert_engine import AlertEngine
from sinks.alert_rules import DEFAULT_RULES, AlertRule
from sinks.alerts import MAX_PENDING, AlertFile, AlertSink
from sinks.delivery_error import DeliveryError

KEY = Finding(
    rule="github-pat",
    secret_class="credential",
    action="scrub",
    direction="request",
    location="body $.messages[1].content",
    length=40,
    fingerprint="aaaabbbbccccdddd",
    severity="high",
)
DENIED = Record(kind="request", flow="f1", at=1000.0, verdict="deny", reason="not-listed", host="evil.test", port=443)
SCRUBBED = msgspec.structs.replace(DENIED, verdict="allow", reason="listed", host="good.test", findings=(KEY,))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def engine(rules: Sequence[AlertRule] = DEFAULT_RULES, minimum: Severity = "low", limit: int = 60) -> AlertEngine:
    return AlertEngine(session="s1", rules=rules, min_severity=minimum, max_per_minute=limit)


def later(record: Record, seconds: float, **changes: object) -> Record:
    return msgspec.structs.replace(record, at=record.at + seconds, **changes)


def names(alerts: Sequence[Alert]) -> list[str]:
    return [alert.name for alert in alerts]


def test_key_on_its_way_out_raises_an_alert_with_everything_but_the_key() -> None:
    (alert,) = engine().feed([SCRUBBED])
    assert (alert.name, alert.severity, alert.host, alert.rule) == (
        "key kept from leaving",
        "high",
        "good.test",
        "github-pat",
    )
    assert alert.fingerprint == "aaaabbbbccccdddd"
    assert alert.message == (
        "key kept from leaving: github-pat scrubbed on its way to good.test:443 in body $.messages[1].content"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_home": True, "action": "allow", "severity": "low"}, []),
        ({"direction": "response"}, ["key kept from coming in"]),
        ({"direction": "response", "action": "allow"}, []),
        ({"secret_class": "pii", "severity": "low"}, ["personal data kept from leaving"]),
        ({"secret_class": "pii", "action": "allow"}, []),
        ({"secret_class": "private-ip"}, []),
        ({"action": "alert"}, ["key kept from leaving", "let through by policy"]),
    ],
)
def test_default_rules_for_findings(changes: dict[str, object], expected: list[str]) -> None:
    finding = msgspec.structs.replace(KEY, **changes)
    assert names(engine().feed([msgspec.structs.replace(SCRUBBED, findings=(finding,))])) == expected


@pytest.mark.parametrize(
    ("changes", "name", "severity"),
    [
        ({}, "host denied", "low"),
        ({"reason": "sni-mismatch"}, "attempt to get around the proxy", "high"),
        ({"reason": "address-not-public"}, "attempt to get around the proxy", "high"),
        ({"reason": "finding-blocked"}, "blocked because of a finding", "high"),
        ({"reason": "audit-unavailable"}, "vibedom in trouble", "critical"),
        ({"verdict": "allow", "reason": "listed", "unscanned": "oversize"}, "passed unscanned", "medium"),
    ],
)
def test_default_rules_for_records(changes: dict[str, object], name: str, severity: str) -> None:
    (alert,) = engine().feed([msgspec.structs.replace(DENIED, **changes)])
    assert (alert.name, alert.severity) == (name, severity)


def test_question_of_vibedoms_own_self_test_is_no_alert() -> None:
    assert engine().feed([later(DENIED, 0, kind="dns", host="selftest.vibedom.invalid")]) == []


def test_clean_listed_record_raises_nothing() -> None:
    assert engine().feed([msgspec.structs.replace(SCRUBBED, findings=())]) == []


def test_same_alert_is_given_once_and_the_rest_comes_as_a_count() -> None:
    alerts = engine()
    assert len(alerts.feed([later(SCRUBBED, n, flow=f"f{n}") for n in range(10)])) == 1
    (summary, again) = alerts.feed([later(SCRUBBED, 400)])
    assert (summary.is_summary, summary.count) == (True, 9)
    assert summary.message.endswith("; 9 more")
    assert not again.is_summary


def test_another_secret_host_or_reason_is_another_alert() -> None:
    other = msgspec.structs.replace(KEY, fingerprint="1111222233334444")
    alerts = engine().feed([SCRUBBED, later(SCRUBBED, 1, findings=(other,)), later(SCRUBBED, 2, host="b.test"), DENIED])
    assert len(alerts) == 4
    assert len({alert.id for alert in alerts}) == 4


def test_what_was_folded_is_given_at_the_end() -> None:
    alerts = engine()
    alerts.feed([SCRUBBED, later(SCRUBBED, 1)])
    (summary,) = alerts.flush()
    assert (summary.count, summary.is_summary) == (1, True)
    assert alerts.flush() == []


def test_flood_is_cut_counted_and_reported_but_critical_ones_pass() -> None:
    alerts = engine(limit=3)
    trouble = later(DENIED, 1, reason="stage-raised")
    given = alerts.feed([*(later(DENIED, 0, host=f"h{n}.test") for n in range(10)), trouble])
    assert names(given) == ["host denied"] * 3 + ["alerts held back", "vibedom in trouble"]
    assert given[3].count == 7


def test_flood_of_small_alerts_hides_no_grave_one() -> None:
    flood = [later(DENIED, 0, host=f"h{n}.test") for n in range(200)]
    given = engine().feed([*flood, later(SCRUBBED, 1)])
    assert given[-1].name == "key kept from leaving"
    assert names(given).count("host denied") == 60


def test_flood_that_nothing_follows_is_reported_at_the_end() -> None:
    alerts = engine(limit=1)
    alerts.feed([later(DENIED, 0, host=f"h{n}.test") for n in range(5)])
    assert [(alert.name, alert.count) for alert in alerts.flush()] == [("alerts held back", 4)]


def test_count_within_a_window_is_one_alert() -> None:
    rule = AlertRule(name="many", reasons=("not-listed",), count=3, window_seconds=10, severity="high")
    assert engine([rule]).feed([later(DENIED, n * 20) for n in range(5)]) == []
    (alert,) = engine([rule]).feed([later(DENIED, n, host=f"h{n}.test") for n in range(5)])
    assert (alert.name, alert.count) == ("many", 3)


def test_probing_many_hosts_is_grave_with_the_default_rules() -> None:
    given = engine(minimum="high").feed([later(DENIED, n / 10, host=f"h{n}.test") for n in range(60)])
    assert names(given) == ["many hosts denied"]


def test_one_host_that_is_asked_for_again_and_again_is_not_many_hosts() -> None:
    retried = [later(DENIED, n / 10, flow=f"f{n}") for n in range(300)]
    assert names(engine().feed(retried)) == ["host denied"]
    slowly = [later(DENIED, 2 * n, host=f"h{n}.test") for n in range(200)]
    assert engine(minimum="high").feed(slowly) == []


def test_different_hosts_are_counted_within_the_window_only() -> None:
    rule = AlertRule(name="many", count=3, window_seconds=10, different_hosts=True)
    hosts = [(0, "a"), (1, "b"), (2, "a"), (9, "b"), (11.5, "c"), (11.6, "d"), (11.7, "d")]
    given = [bool(engine([rule]).feed([later(DENIED, at, host=host) for at, host in hosts[:n]])) for n in range(1, 8)]
    assert given == [False, False, False, False, True, True, True]
    (alert,) = engine([rule]).feed([later(DENIED, at, host=host) for at, host in hosts])
    assert (alert.count, alert.host) == (3, "c")


@pytest.mark.parametrize(("minimum", "count"), [("low", 2), ("medium", 1), ("high", 1), ("critical", 0)])
def test_minimum_severity_is_a_minimum(minimum: Severity, count: int) -> None:
    assert len(engine(minimum=minimum).feed([SCRUBBED, DENIED])) == count


@pytest.mark.parametrize(
    ("criteria", "is_match"),
    [
        ({"rules": ("github-*",)}, True),
        ({"rules": ("aws-*",)}, False),
        ({"classes": ("credential",), "direction": "request"}, True),
        ({"classes": ("credential",), "direction": "response"}, False),
        ({"hosts": ("*.test",), "rules": ("*",)}, True),
        ({"hosts": ("*.example",), "rules": ("*",)}, False),
        ({"hosts": ("*.test", "!good.test")}, False),
        ({"hosts": ("!evil.test",)}, True),
        ({"actions": ("block",)}, False),
        ({"at_home": False}, True),
        ({"contexts": ("internal",)}, False),
        ({"reasons": ("listed",)}, True),
        ({"unscanned": False, "rules": ("*",)}, True),
    ],
)
def test_all_criteria_of_a_rule_must_hold(criteria: dict[str, object], is_match: bool) -> None:
    rule = AlertRule(name="r", **criteria)  # type: ignore[arg-type]
    assert bool(engine([rule]).feed([SCRUBBED])) is is_match


@pytest.mark.parametrize(
    ("criteria", "is_match"),
    [
        ({"signals": ("random-path",)}, True),
        ({"signals": ("unusual-volume", "random-path")}, True),
        ({"signals": ("unusual-volume",)}, False),
        ({"signals": ("random-path",), "hosts": ("good.test",)}, False),
        ({"contexts": ("external",), "reasons": ("not-listed",)}, True),
        ({"contexts": ("internal",), "reasons": ("not-listed",)}, False),
        ({"unscanned": True}, False),
    ],
)
def test_criteria_of_a_rule_that_is_not_about_findings(criteria: dict[str, object], is_match: bool) -> None:
    rule = AlertRule(name="r", **criteria)  # type: ignore[arg-type]
    record = msgspec.structs.replace(DENIED, signals=("random-path", "random-name"), context="external")
    assert bool(engine([rule]).feed([record])) is is_match


def test_what_passed_unscanned_can_be_asked_for() -> None:
    rule = AlertRule(name="r", unscanned=True)
    passed = msgspec.structs.replace(DENIED, verdict="allow", reason="listed", unscanned="oversize")
    assert names(engine([rule]).feed([passed])) == ["r"]
    assert engine([rule]).feed([msgspec.structs.replace(passed, verdict="deny")]) == []


def test_criteria_of_findings_are_about_one_and_the_same_finding() -> None:
    other = msgspec.structs.replace(KEY, rule="jwt", direction="response")
    rule = AlertRule(name="r", rules=("jwt",), direction="request")
    assert engine([rule]).feed([msgspec.structs.replace(SCRUBBED, findings=(KEY, other))]) == []


def test_same_records_give_the_same_alerts() -> None:
    records = [SCRUBBED, DENIED, later(SCRUBBED, 500), later(DENIED, 1, reason="non-http")]
    assert engine().feed(records) == engine().feed(records)


class Unreliable:
    """A delivery that fails as often as it is told to."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.delivered: list[Alert] = []
        self.is_closed = False

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        if self.failures:
            self.failures -= 1
            raise DeliveryError("down")
        self.delivered += alerts

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.mark.anyio
async def test_records_given_again_after_a_failure_are_counted_once() -> None:
    delivery = Unreliable(2)
    sink = AlertSink("x", engine(), delivery)
    for _ in range(2):
        with pytest.raises(DeliveryError):
            await sink.write([SCRUBBED, DENIED])
    await sink.write([SCRUBBED, DENIED])
    await sink.aclose()
    assert names(delivery.delivered) == ["key kept from leaving", "host denied"]
    assert delivery.is_closed


@pytest.mark.anyio
async def test_alerts_of_dropped_records_are_kept_and_an_excess_is_counted() -> None:
    delivery = Unreliable(MAX_PENDING + 5)
    sink = AlertSink("x", engine(limit=10**6), delivery)
    for number in range(MAX_PENDING + 5):
        with pytest.raises(DeliveryError):
            await sink.write([later(DENIED, number / 1000, host=f"h{number}.test")])
    await sink.write([later(SCRUBBED, 2)])
    assert len(delivery.delivered) == MAX_PENDING + 1
    assert {"key kept from leaving", "many hosts denied"} <= set(names(delivery.delivered))
    # One for each host, one for there being so many, one for the key: seven more than are kept, all of them `low`.
    assert (delivery.delivered[-1].name, delivery.delivered[-1].count) == ("alerts held back", 7)


@pytest.mark.anyio
async def test_delivery_is_closed_even_where_its_last_words_fail() -> None:
    delivery = Unreliable(1)
    sink = AlertSink("x", engine(), delivery)
    with pytest.raises(DeliveryError):
        await sink.write([SCRUBBED])
    delivery.failures = 1
    with pytest.raises(DeliveryError):
        await sink.aclose()
    assert delivery.is_closed


@pytest.mark.anyio
async def test_alert_file_holds_one_alert_a_line_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    with path.open("wb") as file:
        file.write(b'{"half":')
    sink = AlertSink("alerts", engine(), AlertFile(path))
    await sink.write([SCRUBBED, DENIED, later(SCRUBBED, 1)])
    await sink.aclose()
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [line["name"] for line in lines] == ["key kept from leaving", "host denied", "key kept from leaving"]
    assert lines[2]["is_summary"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb"])
def test_alert_rule_needs_a_name_people_can_read(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        AlertRule(name=name)
