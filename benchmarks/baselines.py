"""What the engine is measured against: the loops that tools of this kind run. All of them judge matches alike."""

import re
from collections.abc import Callable, Sequence

import re2

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.engine import reference_engine
from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.match import Match
from pipeline.scrubber.regex_tree import to_text
from pipeline.scrubber.rules import RuleSet

Search = Callable[[bytes], Sequence[Match]]
"""Finds matches in a body."""


def acceptors_of(rule_set: RuleSet) -> Sequence[Acceptor]:
    """The rules as the engine reads them."""
    return reference_engine(rule_set).acceptors


def naive_loop(acceptors: Sequence[Acceptor]) -> Search:
    """Python's `re`, every rule as it is written over the whole body."""
    patterns = [(acceptor, _python_pattern(acceptor.rule.regex or "")) for acceptor in acceptors]

    def search(data: bytes) -> Sequence[Match]:
        return [match for acceptor, pattern in patterns for match in _found(acceptor, pattern, data)]

    return search


def keyword_loop(acceptors: Sequence[Acceptor]) -> Search:
    """The same where one of the rule's keywords is in the body (`in`)."""
    patterns = [(acceptor, _python_pattern(acceptor.rule.regex or "")) for acceptor in acceptors]

    def search(data: bytes) -> Sequence[Match]:
        lowered = data.lower()
        found: list[Match] = []
        for acceptor, pattern in patterns:
            if not acceptor.keywords or any(word in lowered for word in acceptor.keywords):
                found.extend(_found(acceptor, pattern, data))
        return found

    return search


def re2_set(acceptors: Sequence[Acceptor]) -> Search:
    """One RE2 set of all keywords, then RE2 for the rules whose keywords are there, lazy prefixes taken off."""
    options = re2.Options()
    options.case_sensitive = False
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 256 << 20
    keywords = re2.Set.SearchSet(options)
    owners = [acceptor for acceptor in acceptors for word in acceptor.keywords if keywords.Add(re2.escape(word)) >= 0]
    keywords.Compile()
    always = [acceptor for acceptor in acceptors if not acceptor.keywords]

    def search(data: bytes) -> Sequence[Match]:
        wanted = {owners[index].index: owners[index] for index in keywords.Match(data) or ()}
        found = []
        for acceptor in (*always, *wanted.values()):
            at = 0
            while (groups := acceptor.pattern.search(data, at)) is not None:
                match = acceptor.accept(data, groups)
                found += [match] if match else []
                at = max(groups[0][1], groups[0][0] + 1)
        return found

    return search


def _python_pattern(regex: str) -> re.Pattern[bytes]:
    return re.compile(to_text(parse_go(regex)).replace(r"\z", r"\Z").encode())


def _found(acceptor: Acceptor, pattern: re.Pattern[bytes], data: bytes) -> Sequence[Match]:
    found = []
    for match in pattern.finditer(data):
        groups = [match.span(group) for group in range(pattern.groups + 1)]
        groups += [(-1, -1)] * (acceptor.pattern.groups + 1 - len(groups))
        accepted = acceptor.accept(data, groups)
        found += [accepted] if accepted else []
    return found
