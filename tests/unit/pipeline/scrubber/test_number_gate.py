"""The look for long numbers that goes before the patterns for them."""

import re

import pytest

from pipeline.scrubber.engine import build_engine, reference_engine
from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.hyperscan_engine import MAX_PLACES
from pipeline.scrubber.number_gate import GATE, is_number
from pipeline.scrubber.pattern_trigger import pattern_triggers
from pipeline.scrubber.rules import RuleSet
from vibedom.rule_files import load_shipped

SHIPPED = load_shipped()
NUMBERS = RuleSet(rules=tuple(rule for rule in SHIPPED.rules if rule.id in ("credit-card", "us-ssn")))
ENGINE, REFERENCE = build_engine(NUMBERS, native=True), reference_engine(NUMBERS)


@pytest.mark.parametrize(
    "regex", [r"\d{9}", r"\d{3}-\d{2}-\d{4}", r"\+?(?:\d[ -]?){8}\d", r"\(\d{3}\) ?\d{3}-\d{4}", r"\d{9}.{0,9}\d"]
)
def test_nine_digits_that_are_near_each_other_are_a_number(regex: str) -> None:
    assert is_number(parse_go(regex))


@pytest.mark.parametrize("regex", [r"\d{8}", r"\d{4}.{0,3}\d{5}", r"\d{1,20}", r"(?:\d{9}|x)", r"\d{4}\s*\d{5}"])
def test_what_may_have_fewer_digits_or_wider_gaps_is_no_number(regex: str) -> None:
    assert not is_number(parse_go(regex))


def test_the_gate_opens_for_every_sample_of_a_rule_that_stands_behind_it() -> None:
    checked = 0
    for rule in SHIPPED.rules:
        triggers = pattern_triggers(parse_go(rule.regex)) if rule.regex else ()
        if triggers and all(trigger.shelf == "numbers" for trigger in triggers):
            assert all(re.search(GATE.encode(), sample) for sample in rule.match), rule.id
            checked += 1
    assert checked >= 3


@pytest.mark.parametrize("count", [1, 3, 40, 2 * MAX_PLACES])
def test_numbers_are_found_wherever_they_stand_however_many_there_are(count: int) -> None:
    number = b"4111-1111-1111-1111"
    for distance in (2, 30, 300):
        gap = b" " + b"x" * (distance - 2) + b" "
        data = number + gap + gap.join([number] * count) + gap + b"or 536-22-8726" + b" " * (distance % 2)
        assert ENGINE.find(data) == REFERENCE.find(data)
        assert len(ENGINE.find(data)) == count + 2
