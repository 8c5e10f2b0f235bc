"""What the parts of the scrubber share: rules, spans, hits, and the choice of what to do with a hit."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from pipeline.events import Action, SecretClass, Severity


class RuleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a rule apart from how it matches."""

    id: str
    """Lower case with `-`, as in the rule file; the placeholder is made from it."""
    description: str = ""
    secret_class: SecretClass = "secret"  # noqa: S105
    severity: Severity = "high"
    homes: tuple[str, ...] = ()
    """Host patterns (hosts.py) this credential is for."""

    @property
    def placeholder(self) -> bytes:
        """`[REDACTED_RULE_ID]`."""
        return b"[REDACTED_" + self.id.upper().replace("-", "_").encode() + b"]"


class Span(NamedTuple):
    """Bytes `start:end` of the searched buffer are a secret of `rule` (an index into the rule set)."""

    start: int
    end: int
    rule: int


class Engine(Protocol):
    """Finds secrets in bytes. Linear in the length of `data`, thread-safe, deterministic."""

    rules: tuple[RuleInfo, ...]

    def find(self, data: bytes, /) -> list[Span]:
        """Spans sorted by start, not overlapping: leftmost, then longest; overlapping tails are merged."""
        ...


Choose = Callable[[RuleInfo], Action]
"""What to do with a hit of a rule, by the policy for its class, the flow's context and direction, and its homes."""


def default_choose(rule: RuleInfo, /) -> Action:
    """The choice where no policy says otherwise: whatever is found is scrubbed."""
    return "scrub"


Pardon = Callable[[RuleInfo, str], bool]
"""Whether a hit that `Choose` would have scrubbed may stay after all, now that its exact location is known: a
credential in the field of a body that its home reads it from."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One secret found: where, by what rule, and what was done. No byte of it."""

    rule: RuleInfo
    action: Action
    location: str
    length: int
    fingerprint: str


class Result(msgspec.Struct, frozen=True):
    """A scrubbed buffer (the very same object where nothing changed) and what was found in it."""

    data: bytes
    hits: tuple[Hit, ...] = ()

    def __repr__(self) -> str:
        return f"Result({len(self.data)} bytes, {len(self.hits)} hits)"
