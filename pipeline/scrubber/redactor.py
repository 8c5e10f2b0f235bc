"""Decides what becomes of each secret a stream finds, and keeps what may be told of it."""

from collections.abc import Callable, Sequence

from pipeline.scrubber.lexeme import meant
from pipeline.scrubber.model import Choose, Hit, RuleInfo, Span

Fingerprint = Callable[[bytes], str]


class Redactor:
    """Replaces secrets with their placeholder and gathers the hits of one stream."""

    def __init__(
        self, rules: Sequence[RuleInfo], choose: Choose, fingerprint: Fingerprint, location: str, hits: list[Hit]
    ) -> None:
        self.hits = hits
        self._rules = rules
        self._choose = choose
        self._fingerprint = fingerprint
        self._location = location

    def at(self, place: str) -> "Redactor":
        """The same, for hits in a part of the stream (`$.delta.text`)."""
        return Redactor(self._rules, self._choose, self._fingerprint, f"{self._location} {place}", self.hits)

    def splice(self, data: bytes, start: int, end: int, spans: Sequence[Span]) -> bytes:
        """`data[start:end]` with the `spans` (sorted, disjoint, within) replaced as the policy says."""
        if not spans:
            return data[start:end]
        pieces = []
        for span in spans:
            secret = data[span.start : span.end]
            replacement = self.replace(self._rules[span.rule], secret)
            pieces += [data[start : span.start], secret if replacement is None else replacement]
            start = span.end
        pieces.append(data[start:end])
        return b"".join(pieces)

    def replace(self, rule: RuleInfo, secret: bytes) -> bytes | None:
        """The placeholder, or None where the secret is let through. A stream cannot be taken back, so `block` removes
        the secret here, too; who closes the flow sees it in the hits."""
        action = self._choose(rule)
        secret = meant(secret)
        fingerprint = self._fingerprint(secret)
        self.hits.append(
            Hit(rule=rule, action=action, location=self._location, length=len(secret), fingerprint=fingerprint)
        )
        return rule.placeholder if action in ("scrub", "block") else None

    def replace_by_name(self, rule_id: str, secret: bytes) -> bytes:
        """What to put in the place of a secret that was recognised without the engine."""
        rule = next((rule for rule in self._rules if rule_id in rule.id), RuleInfo(id=rule_id))
        replacement = self.replace(rule, secret)
        return secret if replacement is None else replacement
