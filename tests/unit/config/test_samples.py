"""Every shipped rule against its own samples, in all the places where HTTP bodies carry a secret."""

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from pipeline.scrubber.engine import MatchEngine
from pipeline.scrubber.rule import Rule, RuleSet
from pipeline.scrubber.samples import check_samples
from tests.unit.config.redaction import Redaction

FILES = ("gitleaks.toml", "pii.toml")
PLACES: dict[str, Callable[[str], str]] = {
    "a JSON string": lambda text: json.dumps({"content": text}, ensure_ascii=False),
    "JSON in a JSON string": lambda text: json.dumps({"body": json.dumps({"content": text}, ensure_ascii=False)}),
    "a list": lambda text: f"[{text},1]",
    "a form field": lambda text: f"a=1&v={text}&b=2",
    "an element": lambda text: f"<v>{text}</v>",
    "braces": lambda text: "{" + text + "}",
    "the end of a sentence": lambda text: f"It is {text}.",
    "a line of many": lambda text: f"first\n{text}\nlast\n",
}


def secrets(engine: MatchEngine, rule: Rule) -> list[tuple[str, str]]:
    """The samples that are one line, with what the rule takes for the secret."""
    index = next(i for i, info in enumerate(engine.rules) if info.id == rule.id)
    pairs = []
    for sample in rule.match:
        found = [m for m in engine.matches(sample) if m.rule == index]
        if found and b"\n" not in sample and sample.isascii():
            pairs.append((sample.decode(), sample[found[0].secret_start : found[0].secret_end].decode()))
    return pairs


def test_every_rule_finds_its_positive_samples_and_none_of_its_negative_ones(shipped: RuleSet) -> None:
    assert check_samples(shipped) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_found_wherever_a_body_carries_it(
    shipped: RuleSet, engine: MatchEngine, redact: Redaction, place: str
) -> None:
    # Quotes and backslashes of the sample itself need the structure to be read first, which is not the rules' work.
    plain = [
        (rule.id, sample, secret)
        for rule in shipped.rules
        for sample, secret in secrets(engine, rule)
        if not set('"\\<>&') & set(sample)
    ]
    assert len(plain) > 300
    missed = [rule for rule, sample, secret in plain if secret in redact(PLACES[place](sample))]
    assert missed == []


def test_a_secret_is_found_between_percent_encoded_delimiters(
    shipped: RuleSet, engine: MatchEngine, redact: Redaction
) -> None:
    bare = [
        (rule.id, sample)
        for rule in shipped.rules
        for sample, secret in secrets(engine, rule)
        if sample == secret and quote(sample, safe="") == sample
    ]
    assert len(bare) > 100
    assert [rule for rule, sample in bare if sample in redact(f"q=%22{sample}%22")] == []


def test_scrubbing_twice_is_scrubbing_once(shipped: RuleSet, redact: Redaction) -> None:
    samples = [sample.decode() for rule in shipped.rules for sample in rule.match]
    once = [redact(sample) for sample in samples]
    assert [text for text in once if redact(text) != text] == []


def test_a_sample_is_never_written_out_whole_where_it_is_a_token_by_itself(
    shipped: RuleSet, engine: MatchEngine, request: pytest.FixtureRequest
) -> None:
    folder = request.config.rootpath / "vibedom" / "config"
    for name in FILES:
        lines = (folder / name).read_text().splitlines()
        rules = {info.id for info in engine.rules if info.secret_class in ("secret", "credential")}
        hits = [
            engine.rules[span.rule].id
            for line in lines
            if line.startswith(("match", "no_match"))
            for span in engine.find(line.encode())
            if engine.rules[span.rule].id in rules and "generic" not in engine.rules[span.rule].id
        ]
        assert len(hits) <= len(lines) // 50, hits
