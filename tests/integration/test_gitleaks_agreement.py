"""To the letter, every engine finds what the real gitleaks finds: upstream's whole file, bodies made from its rules."""

import json
import random
from urllib.parse import quote

import pytest

from pipeline.scrubber.engine import MatchEngine, build_engine, reference_engine
from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.rules import RuleSet, parse_rules
from tests.support.gitleaks_binary import Found, as_reported, findings, upstream_rules
from tests.support.regex_samples import sample

BODIES = 120
LARGEST_BYTES = 90_000
"""gitleaks reads files in pieces of 100 KB."""


@pytest.fixture(scope="module")
def rule_set() -> RuleSet:
    return parse_rules(upstream_rules(), source="upstream")


@pytest.fixture(scope="module")
def bodies(rule_set: RuleSet) -> dict[str, bytes]:
    """Texts that match rules, in the places where files and bodies have them."""
    rng = random.Random(8_30_1)
    trees = [parse_go(rule.regex) for rule in rule_set.rules if rule.regex]
    made = {}
    for number in range(BODIES):
        samples = [sample(rng.choice(trees), rng).decode("latin-1") for _ in range(rng.randint(1, 25))]
        if number % 4 == 0:  # every rule at least twice
            samples += [sample(tree, rng).decode("latin-1") for tree in trees[number % 10 :: 10]]
        made[f"body{number}.txt"] = _placed(samples, number % 8, rng).encode()
    return made


def _placed(samples: list[str], kind: int, rng: random.Random) -> str:
    filler = ["import { x } from 'y'", "the quick brown fox", "key = value", "", "{", "a,b,c", "// gitleaks:allow"]
    match kind:
        case 0:
            return "\n".join(samples)
        case 1:
            return json.dumps({"items": samples})
        case 2:
            return " ".join(samples)
        case 3:
            return "\r\n".join(f'  name: "{text}",' for text in samples)
        case 4:
            return "&".join(f"v{i}={quote(text)}" for i, text in enumerate(samples)) + "\n"
        case 5:
            return "\n".join(piece for text in samples for piece in (rng.choice(filler), text)) + "\n"
        case 6:
            return "\n\n".join(f"{rng.choice(filler)} {text}, {rng.choice(filler)}" for text in samples)
    return "".join(f"<v a='{text}'>{text}</v>" for text in samples)


@pytest.fixture(scope="module")
def theirs(bodies: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    return findings(bodies, upstream_rules(), tmp_path_factory.mktemp("gitleaks"))


def test_upstreams_file_is_whole_and_loads_unchanged(rule_set: RuleSet) -> None:
    assert len(rule_set.rules) == 222


def test_the_bodies_make_nearly_every_rule_report(theirs: dict[str, Found], rule_set: RuleSet) -> None:
    reported = {rule for found in theirs.values() for rule, _ in found}
    assert sum(map(sum, (found.values() for found in theirs.values()))) > 1500
    assert len(reported) > 200


@pytest.mark.parametrize("kind", ["reference", "native", "portable"])
def test_every_engine_finds_what_gitleaks_finds(
    kind: str, rule_set: RuleSet, bodies: dict[str, bytes], theirs: dict[str, Found]
) -> None:
    assert all(len(body) < LARGEST_BYTES for body in bodies.values())
    engine: MatchEngine
    if kind == "reference":
        engine = reference_engine(rule_set, escape_aware=False)
    else:
        engine = build_engine(rule_set, escape_aware=False, native=kind == "native")
    for name, body in bodies.items():
        ours = as_reported(body, engine.matches(body, path=name), engine.rules)
        assert ours == theirs.get(name, {}), name
