"""What a rule is, once it is read from its file."""

from typing import Literal

import msgspec

from pipeline.scrubber.model import RuleInfo


class Allowlist(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a match no finding. With `OR` any of the checks is enough, with `AND` all that are given must hold."""

    condition: Literal["OR", "AND"] = "OR"
    regex_target: Literal["secret", "match", "line"] = "secret"
    """What `regexes` are searched in; `stopwords` are always searched in the secret."""
    regexes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    stopwords: tuple[str, ...] = ()
    """Lower case."""
    commits: tuple[str, ...] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `regex` and `path` are Go RE2 syntax; a rule without `regex` is about file names only."""

    id: str
    info: RuleInfo
    regex: str | None = None
    path: str | None = None
    keywords: tuple[str, ...] = ()
    """Lower case; at least one must be in the text."""
    secret_group: int = 0
    """0: the first group that matched something, or the whole match."""
    entropy: float = 0.0
    """Bits a byte that the secret must exceed; 0 switches the test off."""
    allowlists: tuple[Allowlist, ...] = ()
    skip_report: bool = False
    validate: str | None = None
    """Name of a function of validators.py."""
    match: tuple[bytes, ...] = ()
    no_match: tuple[bytes, ...] = ()
    source: str = ""

    def __repr__(self) -> str:
        return f"Rule({self.id} of {self.source})"


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """Rules, and the allowlists that hold for all of them."""

    rules: tuple[Rule, ...]
    allowlists: tuple[Allowlist, ...] = ()

    def __repr__(self) -> str:
        return f"RuleSet({len(self.rules)} rules)"
