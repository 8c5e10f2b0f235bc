"""How a rule is read: to the letter as gitleaks does, or as what HTTP bodies carry needs it."""

import msgspec

from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.http_reading import rewrite
from pipeline.scrubber.regex_tree import Node, to_text
from pipeline.scrubber.rule import Rule

KEYWORD_REACH_BYTES = 256
"""How far from a match a keyword may stand that the regex itself does not ask for. (To the letter: anywhere.)"""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A rule and what it is searched with."""

    rule: Rule
    regex: str
    tree: Node
    """`regex` parsed."""
    groups: tuple[int, ...] = ()
    """Groups that may hold the secret, in order of choice; none: the whole match. Not used to the letter."""
    is_strict: bool
    """Exactly what gitleaks 8.30.1 finds with decoding depth 0."""


def read_rule(rule: Rule, *, escape_aware: bool) -> Reading:
    """`rule` (with a regex) made ready for searching. Raises GoSyntaxError."""
    regex = rule.regex or ""
    tree = parse_go(regex)
    if not escape_aware:
        return Reading(rule=rule, regex=regex, tree=tree, is_strict=True)
    rewritten = rewrite(tree, rule.secret_group)
    return Reading(
        rule=rule, regex=to_text(rewritten.tree), tree=rewritten.tree, groups=rewritten.groups, is_strict=False
    )
