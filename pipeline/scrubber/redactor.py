"""Finds the secrets of one stream, decides what becomes of each, and keeps what may be told of them."""

from collections.abc import Callable, Sequence

import msgspec

from pipeline.events import Action
from pipeline.scrubber.edit import Edit, splice
from pipeline.scrubber.hints import hint_finder
from pipeline.scrubber.json_body import place_json
from pipeline.scrubber.model import Choose, Engine, Hit, RuleInfo
from pipeline.scrubber.rounds import settle
from pipeline.scrubber.search import EngineSearch, Fingerprint


class Redactor:
    """Replaces secrets with their placeholder and gathers the hits of one stream.

    A stream cannot be taken back, so `block` removes the secret here, too; who closes the flow sees it in the hits.
    """

    def __init__(self, engine: Engine, choose: Choose, fingerprint: Fingerprint, location: str) -> None:
        self.hits: list[Hit] = []
        self.search = EngineSearch(engine, hint_finder(), fingerprint, lambda rule: _in_stream(choose(rule)))
        self.open_from: Callable[[bytes, int], int] | None = getattr(engine, "open_from", None)
        """Of an engine with known values: where one of them begins that the end of the data cuts."""
        self._rules = engine.rules
        self._choose = choose
        self._location = location

    def text(self, data: bytes, start: int, end: int, edits: Sequence[Edit], place: str) -> bytes:
        """`data[start:end]` with `edits` (disjoint, in order, within) carried out. `place` says where in the body it
        is, as `$.delta.text`, or is empty."""
        if not edits:
            return data[start:end]
        for edit in edits:
            self._tell(edit, place)
        return splice(data[start:end], [edit.moved(-start) for edit in edits])

    def whole(self, data: bytes) -> bytes:
        """A text that is all there."""
        return self.text(data, 0, len(data), self.search(data), "")

    def document(self, document: bytes) -> bytes:
        """A JSON document, which stays one; what is none is scrubbed as text. The very same object where nothing
        changed."""
        result = settle(document, lambda data: place_json(self.search, data, self._location))
        self.hits += [self._asked(hit) for hit in result.hits]
        return result.data

    def unfinished(self, rule_id: str, secret: bytes, place: str) -> bytes:
        """What to put in the place of a secret that was recognised without the engine, by the rule named like this."""
        rule = next((rule for rule in self._rules if rule_id in rule.id), RuleInfo(id=rule_id))
        found = self.search.found(rule, secret)
        new = rule.placeholder if found.action == "scrub" else None
        return self.text(secret, 0, len(secret), [Edit(0, len(secret), new, (found,))], place)

    def _tell(self, edit: Edit, place: str) -> None:
        location = f"{self._location} {place}" if place else self._location
        for found in edit.found:
            hit = Hit(
                rule=found.rule,
                action=found.action,
                location=location,
                length=found.length,
                fingerprint=found.fingerprint,
            )
            self.hits.append(self._asked(hit))

    def _asked(self, hit: Hit) -> Hit:
        """The hit with the action that was asked for."""
        is_blocked = hit.action == "scrub" and self._choose(hit.rule) == "block"
        return msgspec.structs.replace(hit, action="block") if is_blocked else hit


def _in_stream(action: Action) -> Action:
    return "scrub" if action == "block" else action
