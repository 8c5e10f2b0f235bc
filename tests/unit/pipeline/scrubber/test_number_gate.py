"""The look for long numbers that goes before the patterns for them."""

import re

import pytest

from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.number_gate import GATE, is_number
from pipeline.scrubber.pattern_trigger import pattern_triggers
from vibedom.rule_files import load_shipped


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
    for rule in load_shipped().rules:
        triggers = pattern_triggers(parse_go(rule.regex)) if rule.regex else ()
        if triggers and all(trigger.shelf == "numbers" for trigger in triggers):
            assert all(re.search(GATE.encode(), sample) for sample in rule.match), rule.id
            checked += 1
    assert checked >= 3
