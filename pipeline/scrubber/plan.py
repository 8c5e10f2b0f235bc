"""How the engines search for one rule: worked out once from its regex, kept with the compiled database."""

import msgspec

from pipeline.scrubber.front import is_announced, lead_bytes
from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.http_reading import rewrite
from pipeline.scrubber.keyword import keyword_triggers
from pipeline.scrubber.literal_trigger import literal_triggers
from pipeline.scrubber.pattern_trigger import pattern_triggers
from pipeline.scrubber.reach import Reach, reach_of
from pipeline.scrubber.regex_tree import to_text
from pipeline.scrubber.rule import Rule
from pipeline.scrubber.trigger import Trigger
from pipeline.scrubber.words import implies


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule is searched with."""

    regex: str
    """For RE2, over bytes."""
    groups: tuple[int, ...] = ()
    """Groups that may hold the secret, in order of choice; none: the whole match. Not used to the letter."""
    prefix: tuple[int, bytes] = (0, b"")
    """How many bytes the rule takes in front of the regex, and out of which: of the match, not of the search."""
    reach: Reach
    is_announced: bool
    """A word stands in front of the secret, or it begins with one."""
    lead: bytes = b""
    """Bytes of which a match may begin with any number."""
    patterns: tuple[Trigger, ...]
    """For Hyperscan; none where a match may be empty, or no pattern announces one."""
    literals: tuple[Trigger, ...]
    """For Aho-Corasick; none where there are no good ones."""
    is_gated: bool
    """Its keywords have to be looked for, because the regex does not imply one of them."""


def make_plan(rule: Rule, *, escape_aware: bool) -> Plan:
    """The plan of a rule that has a regex. Raises GoSyntaxError."""
    tree = parse_go(rule.regex or "")
    groups: tuple[int, ...] = ()
    prefix = (0, b"")
    if escape_aware:
        rewritten = rewrite(tree, rule.secret_group)
        tree, groups, prefix = rewritten.tree, rewritten.groups, rewritten.prefix
    keywords = tuple(word.encode() for word in rule.keywords)
    is_gated = bool(keywords) and not implies(tree, keywords)
    patterns = pattern_triggers(tree)
    if is_gated and escape_aware and any(trigger.shelf == "runs" for trigger in patterns):
        patterns = keyword_triggers(keywords) or patterns
    return Plan(
        regex=to_text(tree),
        groups=groups,
        prefix=prefix,
        reach=reach_of(tree),
        is_announced=is_announced(tree, groups),
        lead=lead_bytes(tree),
        patterns=patterns,
        literals=literal_triggers(tree),
        is_gated=is_gated,
    )
