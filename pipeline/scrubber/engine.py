"""Builds the engine that finds secrets: native where it can be, portable elsewhere, always the same findings."""

import importlib.util
from contextlib import suppress
from hashlib import sha256
from typing import Protocol

import msgspec

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.cache import Cache
from pipeline.scrubber.match import Match
from pipeline.scrubber.model import RuleInfo, Span
from pipeline.scrubber.plan import Plan, make_plan
from pipeline.scrubber.reference_engine import ReferenceEngine
from pipeline.scrubber.rule import Rule, RuleSet
from pipeline.scrubber.triggered_engine import Candidates

FORMAT = 19
"""Of what the cache holds; counted up whenever a plan is made or read differently."""


class MatchEngine(Protocol):
    """An engine that can also tell its matches one by one (model.Engine is what most callers need)."""

    rules: tuple[RuleInfo, ...]
    plans: tuple[Plan, ...]

    def find(self, data: bytes, /) -> list[Span]: ...

    def matches(self, data: bytes, path: str | None = None) -> list[Match]: ...

    def announced(self, data: bytes) -> Candidates: ...

    def judged(self, data: bytes, candidates: Candidates, path: str | None = None) -> list[Match]: ...


def build_engine(
    rule_set: RuleSet, *, cache: Cache | None = None, escape_aware: bool = True, native: bool | None = None
) -> MatchEngine:
    """An engine over the rules that have a regex; a span's `rule` is an index into the engine's own `rules`.

    `escape_aware=False` reads rules to the letter: the findings are those of gitleaks 8.30.1 without decoding. The
    default reads them as HTTP bodies need it; docs/rules.md lists the differences. `native=None` takes Hyperscan
    where it can be imported; True asks for it (ImportError), False for the portable engine.
    """
    if native is None:
        native = importlib.util.find_spec("hyperscan") is not None
    rules = _searched(rule_set)
    key = _key(rules, escape_aware=escape_aware)
    acceptors = _acceptors(rule_set, _plans(rules, cache, key, escape_aware=escape_aware), escape_aware=escape_aware)
    infos = tuple(rule.info for rule in rules)
    if native:
        from pipeline.scrubber.hyperscan_engine import HyperscanEngine, TooLargeError

        # A repeat of repeats in a user's rule: the portable engine finds the same, more slowly.
        with suppress(TooLargeError):
            return HyperscanEngine(infos, acceptors, escape_aware=escape_aware, cache=cache)
    from pipeline.scrubber.portable_engine import PortableEngine

    return PortableEngine(infos, acceptors, escape_aware=escape_aware)


def reference_engine(rule_set: RuleSet, *, escape_aware: bool = True) -> ReferenceEngine:
    """The slow and simple engine that the others are tested against."""
    rules = _searched(rule_set)
    plans = [make_plan(rule, escape_aware=escape_aware) for rule in rules]
    acceptors = _acceptors(rule_set, plans, escape_aware=escape_aware)
    return ReferenceEngine(tuple(rule.info for rule in rules), acceptors, escape_aware=escape_aware)


def _searched(rule_set: RuleSet) -> list[Rule]:
    return [rule for rule in rule_set.rules if rule.regex and not rule.skip_report]


def _key(rules: list[Rule], *, escape_aware: bool) -> str:
    """Changes with all that plans are made from."""
    parts = [[rule.id, rule.regex, rule.secret_group, rule.keywords] for rule in rules]
    return sha256(msgspec.msgpack.encode([FORMAT, escape_aware, parts])).hexdigest()


def _plans(rules: list[Rule], cache: Cache | None, key: str, *, escape_aware: bool) -> list[Plan]:
    name = f"plans-{key}"
    blob = None if cache is None else cache.get(name)
    if blob is not None:
        try:
            plans = msgspec.msgpack.decode(blob, type=list[Plan])
        except msgspec.MsgspecError:
            plans = []  # damaged: made again
        if len(plans) == len(rules):
            return plans
    plans = [make_plan(rule, escape_aware=escape_aware) for rule in rules]
    if cache is not None:
        cache.put(name, msgspec.msgpack.encode(plans))
    return plans


def _acceptors(rule_set: RuleSet, plans: list[Plan], *, escape_aware: bool) -> list[Acceptor]:
    return [
        Acceptor(index, rule, plan, rule_set.allowlists + rule.allowlists, is_strict=not escape_aware)
        for index, (rule, plan) in enumerate(zip(_searched(rule_set), plans, strict=True))
    ]
