"""How the engines search for one rule: worked out once from its regex, kept with the compiled database."""

import msgspec

from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.http_reading import rewrite
from pipeline.scrubber.regex_tree import to_text, width
from pipeline.scrubber.rule import Rule
from pipeline.scrubber.trigger import Trigger, literal_triggers, pattern_trigger
from pipeline.scrubber.words import implies

KEYWORD_REACH_BYTES = 512
"""How far around a keyword a rule is searched whose regex does not ask for the keyword itself (to the letter: in all
of the data). So what is found depends on what is near, and is the same in a stream."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule is searched with."""

    regex: str
    """For RE2, over bytes."""
    groups: tuple[int, ...] = ()
    """Groups that may hold the secret, in order of choice; none: the whole match. Not used to the letter."""
    widest: int | None
    """Bytes of the longest match."""
    pattern: Trigger | None
    """None: the regex can match nothing, so no pattern announces it."""
    literals: tuple[Trigger, ...]
    is_gated: bool
    """Its keywords have to be looked for, because the regex does not imply one of them."""


def make_plan(rule: Rule, *, escape_aware: bool) -> Plan:
    """The plan of a rule that has a regex. Raises GoSyntaxError."""
    tree, groups = parse_go(rule.regex or ""), tuple[int, ...]()
    if escape_aware:
        rewritten = rewrite(tree, rule.secret_group)
        tree, groups = rewritten.tree, rewritten.groups
    keywords = tuple(word.encode() for word in rule.keywords)
    return Plan(
        regex=to_text(tree),
        groups=groups,
        widest=width(tree)[1],
        pattern=pattern_trigger(tree),
        literals=literal_triggers(tree),
        is_gated=bool(keywords) and not implies(tree, keywords),
    )
