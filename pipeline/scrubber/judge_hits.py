"""Hits -> findings: what the policy's table says about each, with everything of the secret left behind."""

from collections.abc import Iterable

import msgspec

from pipeline.context import ContextTable
from pipeline.events import Action, Context, Direction, Finding
from pipeline.scrubber.model import Choose, Hit, RuleInfo

MAX_REMEMBERED = 256


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a flow's bytes go: what the table of actions is asked with."""

    host: str
    context: Context
    direction: Direction


class HitJudge:
    """Answers what to do with a hit, and turns hits into findings."""

    def __init__(self, contexts: ContextTable, place: Place) -> None:
        self._contexts = contexts
        self._place = place
        self._answers: dict[tuple[RuleInfo, str], tuple[Action, bool]] = {}

    def choose(self, location: str) -> Choose:
        """The choice for hits in `location` (`body`, `header authorization`, ...)."""

        def choice(rule: RuleInfo) -> Action:
            return self._ask(rule, location)[0]

        return choice

    def pardon(self, rule: RuleInfo, location: str) -> bool:
        """Whether the table lets a hit of `rule` stay at this very location."""
        return self._ask(rule, location)[0] == "allow"

    def findings(self, hits: Iterable[Hit]) -> list[Finding]:
        """One finding a hit, in their order."""
        return [self._finding(hit) for hit in hits]

    def _finding(self, hit: Hit) -> Finding:
        is_home = hit.action == "allow" and self._ask(hit.rule, hit.location)[1]
        return Finding(
            rule=hit.rule.id,
            secret_class=hit.rule.secret_class,
            action=hit.action,
            direction=self._place.direction,
            location=hit.location,
            length=hit.length,
            fingerprint=hit.fingerprint,
            severity=self._contexts.severity(hit.rule, direction=self._place.direction, is_home=is_home),
            is_home=is_home,
        )

    def _ask(self, rule: RuleInfo, location: str) -> tuple[Action, bool]:
        """The table's answer. A body full of finds asks the same again and again."""
        answer = self._answers.get((rule, location))
        if answer is None:
            place = self._place
            answer = self._contexts.choose(
                rule, host=place.host, context=place.context, direction=place.direction, location=location
            )
            if len(self._answers) < MAX_REMEMBERED:
                self._answers[rule, location] = answer
        return answer
