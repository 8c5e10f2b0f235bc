"""A canary token is blocked wherever it goes, whatever the policy says, and its record calls for a critical alert."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.context import ContextRule, ContextTable
from pipeline.events import Context, Direction, Scan, Target
from pipeline.patterns import parse_pattern
from pipeline.ports import StreamBrokenError
from pipeline.scrubber.exact import exact_engine
from pipeline.scrubber.exact_values import ExactValues
from pipeline.scrubber.flow_stream import StreamOpener
from pipeline.scrubber.model import Engine
from pipeline.scrubber.scrubber import Scrubber
from sinks.alert_rules import DEFAULT_RULES
from tests.support.detection import small_detection
from tests.support.events import captured, run
from vibedom.preflight.canary import canary_values, new_canaries
from vibedom.settings import compose
from vibedom.wiring import stages as wired

CANARIES = new_canaries()
ENGINE: Engine = exact_engine(small_detection().engine, ExactValues(canary_values(CANARIES)))
VALUES = [canary.value for canary in CANARIES]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("spelled", [lambda v: v.encode(), lambda v: base64.b64encode(v.encode())])
def test_every_spelling_of_a_canary_has_its_class_even_where_another_rule_knows_its_form(
    value: str, spelled: Callable[[str], bytes]
) -> None:
    spans = ENGINE.find(b"key = " + spelled(value) + b"\n")
    assert [ENGINE.rules[span.rule].secret_class for span in spans] == ["canary"]


@pytest.mark.parametrize("direction", ["request", "response"])
@pytest.mark.parametrize("context", ["external", "internal", "public", "registry"])
def test_no_policy_lets_a_canary_pass(context: Context, direction: Direction) -> None:
    rule = next(rule for rule in ENGINE.rules if rule.secret_class == "canary")
    home = ContextRule(pattern=parse_pattern("good.test"), auth_headers="pass", is_login=True, home_for=(rule.id,))
    table = ContextTable([home])
    choice = table.choose(
        rule,
        host="good.test",
        context=context,
        direction=direction,
        location="header authorization",
    )
    assert choice == ("block", False)
    assert table.severity(rule, direction=direction, is_home=False) == "critical"


def test_a_streamed_body_is_cut_before_a_canary_leaves() -> None:
    opener = StreamOpener(ENGINE, ContextTable(), fingerprint=lambda secret: "f" * 16)
    target = Target(scheme="https", host="good.test", port=443)
    stream = opener(Scan(plan="stream", media="text"), target, "request")
    sent = stream(b"some words before\n")
    with pytest.raises(StreamBrokenError) as cut:  # noqa: PT012  # which chunk it is depends on the window
        for chunk in (VALUES[2][:20].encode(), VALUES[2][20:].encode(), b"\nand words behind\n" * 400, b""):
            sent += stream(chunk)
    assert cut.value.reason == "finding-blocked"
    assert VALUES[2].encode() not in sent
    assert [finding.secret_class for finding in stream.findings()] == ["canary"]


def test_the_record_of_a_canary_gives_a_critical_alert() -> None:
    policy = compose("good.test", "", config=Path("/"), clients=tuple)
    stages = wired(policy, policy.hosts, Scrubber(ENGINE, fingerprint=lambda secret: "f" * 16))
    judged = run(stages, captured(body=b'{"note": "' + VALUES[0].encode() + b'"}'))
    record = stages.record(judged)
    assert (judged.decision.verdict, judged.decision.reason) == ("deny", "finding-blocked")
    assert record.signals == ("canary",)
    grave = [rule.name for rule in DEFAULT_RULES if list(rule.matches(record)) and rule.severity == "critical"]
    assert grave == ["canary token seen"]
