"""How a rule is read: to the letter as gitleaks does, or as what HTTP bodies carry needs it."""

import msgspec

from pipeline.scrubber.rule import Rule

KEYWORD_REACH_BYTES = 256
"""How far from a match a keyword may stand that the regex itself does not ask for. (To the letter: anywhere.)"""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A rule and the regex it is searched with."""

    rule: Rule
    regex: str
    is_strict: bool
    """Exactly what gitleaks 8.30.1 finds with decoding depth 0."""
    secret_group: int = 0
    is_whole_match: bool = False
    """No group of the regex holds the secret."""


def read_rule(rule: Rule, *, escape_aware: bool) -> Reading:
    """`rule` (with a regex) made ready for searching."""
    regex = rule.regex or ""
    return Reading(rule=rule, regex=regex, is_strict=not escape_aware, secret_group=rule.secret_group)
