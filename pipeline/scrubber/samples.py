"""Tests rules against the samples they carry."""

from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.rule import RuleSet


def check_samples(rule_set: RuleSet) -> list[str]:
    """One line for each sample that a rule wrongly misses or matches; no sample's text is in it."""
    engine = build_engine(rule_set)
    index = {info.id: number for number, info in enumerate(engine.rules)}
    problems = []
    for rule in rule_set.rules:
        for is_wanted, samples in ((True, rule.match), (False, rule.no_match)):
            for number, sample in enumerate(samples, 1):
                is_found = any(match.rule == index.get(rule.id) for match in engine.matches(sample))
                if is_found != is_wanted:
                    kind, outcome = ("match", "is not found") if is_wanted else ("no_match", "is found")
                    problems.append(f"{rule.source}: rule {rule.id}: {kind} sample {number} {outcome}")
    return problems
