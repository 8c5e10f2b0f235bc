"""The shipped rules, all of them, are found alike by the engines: in texts made from their own regexes."""

import random

import pytest

from pipeline.scrubber.engine import MatchEngine, reference_engine
from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.match import Match
from tests.support.regex_samples import sample
from tests.support.shipped_rules import RULES, shipped_engine

TREES = [parse_go(rule.regex) for rule in RULES.rules if rule.regex]
GLUE = (b" ", b"\n", b"\\n", b'\\"', b'": "', b"", b",", b"&x=", b"%22", b"=", b" key: ", b"9", b"_")


def _bodies() -> list[bytes]:
    """Every rule five times and more, whole and with a byte or two cut off, between what bodies put between texts."""
    rng = random.Random(2026)
    pieces = [sample(tree, rng) for tree in TREES for _ in range(5)]
    rng.shuffle(pieces)
    bodies = []
    for at in range(0, len(pieces), 12):
        parts = []
        for piece in pieces[at : at + 12]:
            cut = rng.choice((0, 0, 0, 1, 2))
            parts += [rng.choice(GLUE), piece[: len(piece) - cut], rng.choice(GLUE)]
        bodies.append(b"".join(parts))
    return bodies


@pytest.fixture(scope="module")
def expected() -> dict[bytes, list[Match]]:
    reference = reference_engine(RULES)
    return {body: list(reference.matches(body)) for body in _bodies()}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
def test_every_shipped_rule_is_found_alike(native: bool, expected: dict[bytes, list[Match]]) -> None:
    engine: MatchEngine = shipped_engine(native=native)
    for body, matches in expected.items():
        assert engine.matches(body) == matches


def test_the_texts_make_most_of_the_rules_report(expected: dict[bytes, list[Match]]) -> None:
    reported = {match.rule for matches in expected.values() for match in matches}
    assert len(reported) > len(TREES) * 0.8
