"""From a match of a rule's regex to a finding: secret group, entropy, validator, allowlists."""

from functools import cached_property

from pipeline.scrubber.allowlist_check import AllowlistCheck, checks_of
from pipeline.scrubber.entropy import shannon_entropy
from pipeline.scrubber.line import gitleaks_line, near_line
from pipeline.scrubber.match import Match
from pipeline.scrubber.pattern import Groups, Pattern, compile_pattern
from pipeline.scrubber.plan import Plan
from pipeline.scrubber.rule import Allowlist, Rule
from pipeline.scrubber.validators import VALIDATORS

ALLOW_COMMENT = b"gitleaks:allow"


class Acceptor:
    """Decides over the matches of one rule.

    `index` is the rule's place in the engine; `is_strict`: exactly what gitleaks 8.30.1 finds with decoding depth 0.
    """

    def __init__(
        self, index: int, rule: Rule, plan: Plan, allowlists: tuple[Allowlist, ...], *, is_strict: bool
    ) -> None:
        self.index = index
        self.rule = rule
        self.plan = plan
        self.keywords = tuple(word.encode() for word in rule.keywords)
        self._shortest = 2.0**rule.entropy - 1e-6
        """Of n bytes none have more than log2(n) bits each: what is shorter need not be counted."""
        self.is_strict = is_strict
        self._allowlists = allowlists
        self._validate = VALIDATORS[self.rule.validate] if self.rule.validate else None
        self._path = compile_pattern(self.rule.path) if self.rule.path else None

    @cached_property
    def pattern(self) -> Pattern:
        return compile_pattern(self.plan.regex)

    @cached_property
    def _checks(self) -> tuple[AllowlistCheck, ...]:
        return checks_of(self._allowlists)

    def applies_to(self, path: bytes | None) -> bool:
        """A rule for some file names applies to what has none, unless gitleaks is followed to the letter."""
        if path is None:
            return self._path is None or not self.is_strict
        if self._path is not None and not self._path.is_in(path):
            return False
        return not any(check.allows_path(path) for check in self._checks)

    def accept(self, data: bytes, groups: Groups, path: bytes | None = None) -> Match | None:
        """The finding that a match is, if it is one."""
        return self.judge(data, groups[0], self.secret(data, groups), path)

    def judge(
        self, data: bytes, span: tuple[int, int], secret_span: tuple[int, int], path: bytes | None
    ) -> Match | None:
        """The same, of a match whose secret is known."""
        (start, end), (secret_start, secret_end) = span, secret_span
        secret = data[secret_start:secret_end]
        if not secret and not self.is_strict:
            return None
        if self.rule.entropy and (len(secret) < self._shortest or shannon_entropy(secret) <= self.rule.entropy):
            return None
        if self._validate is not None and not self._validate(secret):
            return None
        if self.is_strict and ALLOW_COMMENT in gitleaks_line(data, start, end):
            return None
        if self._checks and self._is_allowed(data, start, end, secret, path):
            return None
        return Match(self.index, start, end, secret_start, secret_end)

    def secret(self, data: bytes, groups: Groups) -> tuple[int, int]:
        """Where the secret of a match is."""
        start, end = groups[0]
        if self.is_strict:
            # gitleaks matches a second time, on the match alone and without the newlines around it.
            while start < end and data[start] == 0x0A:
                start += 1
            while start < end and data[end - 1] == 0x0A:
                end -= 1
            again = self.pattern.search(data[start:end])
            if again is None:
                return start, end
            groups = [(first + start, last + start) if first >= 0 else (-1, -1) for first, last in again]
            if self.rule.secret_group:
                first, last = groups[self.rule.secret_group]
                return (first, last) if first >= 0 else (start, start)
            return next(((first, last) for first, last in groups[1:] if last > first), (start, end))
        for index in self.plan.groups:
            first, last = groups[index]
            if last > first:
                return first, last
        return start, end

    def _is_allowed(self, data: bytes, start: int, end: int, secret: bytes, path: bytes | None) -> bool:
        def match() -> bytes:
            most, kinds = self.plan.prefix
            before = data[max(0, start - most) : start]
            return data[start - (len(before) - len(before.rstrip(kinds))) if kinds else start : end].strip(b"\n")

        def line() -> bytes:
            return gitleaks_line(data, start, end) if self.is_strict else near_line(data, start, end)

        return any(check.allows(secret, match, line, path) for check in self._checks)
