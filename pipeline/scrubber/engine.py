"""Builds the engine that finds secrets: native where it can be, portable elsewhere, always the same findings."""

from typing import Protocol

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.match import Match
from pipeline.scrubber.model import RuleInfo, Span
from pipeline.scrubber.reading import read_rule
from pipeline.scrubber.reference_engine import ReferenceEngine
from pipeline.scrubber.rule import RuleSet


class Cache(Protocol):
    """Keeps what is slow to compile. Never raises; what it cannot keep or no longer has is compiled again."""

    def get(self, key: str, /) -> bytes | None: ...

    def put(self, key: str, value: bytes, /) -> None: ...


class MatchEngine(Protocol):
    """An engine that can also tell its matches one by one (model.Engine is what most callers need)."""

    rules: tuple[RuleInfo, ...]

    def find(self, data: bytes, /) -> list[Span]: ...

    def matches(self, data: bytes, path: str | None = None) -> list[Match]: ...


def build_engine(
    rule_set: RuleSet, *, cache: Cache | None = None, escape_aware: bool = True, native: bool | None = None
) -> MatchEngine:
    """An engine over the rules that have a regex; a span's `rule` is an index into the engine's own `rules`.

    `escape_aware=False` reads rules to the letter: the findings are those of gitleaks 8.30.1 without decoding. The
    default reads them as HTTP bodies need it; docs/rules.md lists the differences. `native=None` takes Hyperscan
    where it can be imported; True asks for it (ImportError), False for the portable engine.
    """
    return reference_engine(rule_set, escape_aware=escape_aware)


def reference_engine(rule_set: RuleSet, *, escape_aware: bool = True) -> ReferenceEngine:
    """The slow and simple engine that the others are tested against."""
    infos, acceptors = _acceptors(rule_set, escape_aware=escape_aware)
    return ReferenceEngine(infos, acceptors, escape_aware=escape_aware)


def _acceptors(rule_set: RuleSet, *, escape_aware: bool) -> tuple[tuple[RuleInfo, ...], tuple[Acceptor, ...]]:
    searched = [rule for rule in rule_set.rules if rule.regex and not rule.skip_report]
    acceptors = tuple(
        Acceptor(index, read_rule(rule, escape_aware=escape_aware), rule_set.allowlists + rule.allowlists)
        for index, rule in enumerate(searched)
    )
    return tuple(rule.info for rule in searched), acceptors
