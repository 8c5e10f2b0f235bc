"""Allowlists made ready to test a match."""

import re
from collections.abc import Callable
from functools import lru_cache

from ahocorasick_rs import BytesAhoCorasick

from pipeline.scrubber.pattern import compile_pattern
from pipeline.scrubber.rule import Allowlist

_TRIE_FROM = 8
"""Stop words from which an automaton is faster than one search each."""
_FLAG = re.compile(r"\(\?[A-Za-z-]+\)")
_AT_START = re.compile(r"\(\?i:\^(?:[^()|\\]|\\.|\((?:[^()\\]|\\.)*\))*\)|\^(?:[^()|\\]|\\.|\((?:[^()\\]|\\.)*\))*")
"""No flag for what follows; no choice outside of brackets, all of it behind one `^`."""


class AllowlistCheck:
    """One allowlist, compiled."""

    def __init__(self, allowlist: Allowlist) -> None:
        self._is_and = allowlist.condition == "AND"
        self._target = allowlist.regex_target
        # gitleaks joins its regexes before it compiles them, so a flag of one holds for those after it.
        parts = ((), allowlist.regexes) if self._is_and else _parted(allowlist.regexes)
        self._regexes = tuple(compile_pattern(joined(part)) for part in parts if part)
        self._paths = compile_pattern(joined(allowlist.paths)) if allowlist.paths else None
        self._has_stopword = _stopword_test(allowlist.stopwords)
        self._has_commits = bool(allowlist.commits)

    def allows_path(self, path: bytes | None) -> bool:
        """The whole file is none of the rule's business."""
        if self._paths is None or path is None:
            return False
        if self._is_and and (self._regexes or self._has_stopword or self._has_commits):
            return False
        return self._paths.is_in(path)

    def allows(self, secret: bytes, match: Callable[[], bytes], line: Callable[[], bytes], path: bytes | None) -> bool:
        """The match is no finding. `match` and `line` give their text when asked."""
        if not self._is_and:
            return self._stopped(secret) or self._matches(secret, match, line)
        if self._has_commits:
            return False
        if self._paths is not None and (path is None or not self._paths.is_in(path)):
            return False
        if self._has_stopword is not None and not self._stopped(secret):
            return False
        return not self._regexes or self._matches(secret, match, line)

    def _stopped(self, secret: bytes) -> bool:
        return self._has_stopword is not None and self._has_stopword(secret.lower())

    def _matches(self, secret: bytes, match: Callable[[], bytes], line: Callable[[], bytes]) -> bool:
        if not self._regexes:
            return False
        text = secret if self._target == "secret" else match() if self._target == "match" else line()
        return bool(text) and any(pattern.is_in(text) for pattern in self._regexes)


@lru_cache(maxsize=256)
def checks_of(allowlists: tuple[Allowlist, ...]) -> tuple[AllowlistCheck, ...]:
    """Allowlists of which one is enough, as few checks as there can be: those of one target are one, if any of their
    own conditions is enough."""
    alone = [allowlist for allowlist in allowlists if allowlist.condition == "AND"]
    by_target: dict[str, list[Allowlist]] = {}
    for allowlist in allowlists:
        if allowlist.condition == "OR":
            by_target.setdefault(allowlist.regex_target, []).append(allowlist)
    # What is about the secret alone needs no text to be cut out.
    targets = sorted(by_target, key=("secret", "match", "line").index)
    return tuple(AllowlistCheck(allowlist) for allowlist in (*(_union(by_target[t]) for t in targets), *alone))


def _parted(patterns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that match at the start of the text only, and the others: in one automaton they would all be tried at every
    byte, which takes it many more states."""
    if any(_FLAG.search(pattern) and not pattern.startswith("(?:") for pattern in patterns):
        return (), patterns
    first = tuple(pattern for pattern in patterns if _AT_START.fullmatch(pattern))
    return first, tuple(pattern for pattern in patterns if pattern not in first)


def _union(allowlists: list[Allowlist]) -> Allowlist:
    """Allowlists with `OR` and of one target, as one."""
    return Allowlist(
        regex_target=allowlists[0].regex_target,
        regexes=tuple(pattern for each in allowlists for pattern in _scoped(each.regexes)),
        paths=tuple(joined(each.paths) for each in allowlists if each.paths),
        stopwords=tuple(word for each in allowlists for word in each.stopwords),
    )


def _scoped(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """`patterns` for a longer list: a flag of one holds for those after it in its own list, and no further."""
    return (joined(patterns),) if any(map(_FLAG.search, patterns)) else patterns


def joined(patterns: tuple[str, ...]) -> str:
    """One pattern that matches where any of `patterns` does."""
    return "(?:" + "|".join(patterns) + ")"


@lru_cache(maxsize=256)
def _stopword_test(words: tuple[str, ...]) -> Callable[[bytes], bool] | None:
    if not words:
        return None
    encoded = [word.encode() for word in words]
    if len(encoded) < _TRIE_FROM:
        return lambda text: any(word in text for word in encoded)
    automaton = BytesAhoCorasick(encoded)
    return lambda text: bool(automaton.find_matches_as_indexes(text))
