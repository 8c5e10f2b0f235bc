"""Which look a pattern gets: the cheapest that passes over none of its matches."""

import random
import re

import pytest

from pipeline.scrubber.engine import build_engine, reference_engine
from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.plan import make_plan
from pipeline.scrubber.regex_tree import to_text
from pipeline.scrubber.rules import parse_rules
from pipeline.scrubber.shelf import shelved
from tests.support.regex_samples import sample
from vibedom.rule_files import load_shipped


@pytest.mark.parametrize(
    ("regex", "shelf", "sign"),
    [
        ("abc[0-9]{4}", "words", ""),
        ("[a-z]+xyz", "words", ""),  # wherever the literal stands
        ("SK[0-9a-f]{8}", "words", ""),  # with the first digit in all its spellings
        ("[0-9]{3}-[0-9]{2}-[0-9]{4}", "numbers", ""),
        ("[a-z]{2}@[a-z]{5}", "signs", "@"),
        ("(?:[a-z]@|[0-9]~?@)[a-z]{5}", "signs", "@"),
        ("[a-z]@?[a-z]{5}", "runs", ""),
        ("(?:@|~)[a-z]{5}", "runs", ""),
    ],
)
def test_a_pattern_is_looked_for_by_the_rarest_thing_that_all_its_matches_have(
    regex: str, shelf: str, sign: str
) -> None:
    assert shelved(parse_go(regex))[1:] == (shelf, sign)


@pytest.mark.parametrize(
    "regex", ["SK[0-9a-f]{8}", "(?i)f[cd][0-9a-f]{2}:", "(?:[0-2]/[0-9]{5}|ab-[0-9])x", "[ab][cd][ef]+"]
)
def test_a_pattern_that_is_spelled_out_means_the_same(regex: str) -> None:
    rng = random.Random(regex)
    spelled = re.compile(to_text(shelved(parse_go(regex))[0]).encode())
    plain = re.compile(to_text(parse_go(regex)).encode())
    for _ in range(300):
        text = sample(parse_go(regex), rng)
        broken = bytearray(text)
        broken[rng.randrange(len(text))] = rng.randrange(256)
        for data in (text, bytes(broken), text[1:]):
            assert bool(spelled.fullmatch(data)) == bool(plain.fullmatch(data)), data


def test_every_shipped_rule_behind_a_sign_has_it_in_all_its_samples() -> None:
    checked = 0
    for rule in load_shipped().rules:
        if rule.regex:
            for trigger in make_plan(rule, escape_aware=True).patterns:
                assert (trigger.shelf == "signs") == (len(trigger.sign) == 1)
                if trigger.sign:
                    assert all(trigger.sign in text.decode("latin-1") for text in rule.match), rule.id
                    checked += 1
    assert checked >= 4


@pytest.mark.parametrize("gap", [b"", b" ", b" " * 400, b" " * 600])
@pytest.mark.parametrize("is_before", [True, False])
def test_what_only_a_keyword_announces_is_found_near_it_on_both_sides(gap: bytes, is_before: bool) -> None:
    rules = parse_rules(
        """
        [[rules]]
        id = "run"
        description = "nothing but a run"
        regex = '''\\b([0-9a-z]{40})\\b'''
        keywords = ["Acme"]
        """,
        source="test",
    )
    token = random.Random(1).randbytes(20).hex().encode()
    data = b"acme," + gap + token if is_before else token + gap + b", ACME"
    engine, reference = build_engine(rules, native=True), reference_engine(rules)
    assert engine.find(data) == reference.find(data)
    assert bool(engine.find(data)) == (len(gap) < 500)
