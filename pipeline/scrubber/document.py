"""Scrubs the documents within a stream: the JSON of an event or of a line, whole and with its structure."""

from functools import cache

import msgspec

from pipeline.events import Action
from pipeline.scrubber.edit import splice
from pipeline.scrubber.hints import HintFinder
from pipeline.scrubber.json_body import place_json
from pipeline.scrubber.model import Choose, Engine, Hit
from pipeline.scrubber.redactor import Fingerprint
from pipeline.scrubber.search import EngineSearch

_MAX_ROUNDS = 4


class DocumentScrubber:
    """JSON stays JSON; what is none is scrubbed as text."""

    def __init__(
        self, engine: Engine, choose: Choose, fingerprint: Fingerprint, location: str, hits: list[Hit]
    ) -> None:
        self._search = EngineSearch(engine, _hint_finder(), fingerprint, lambda rule: _in_stream(choose(rule)))
        self._choose = choose
        self._location = location
        self._hits = hits

    def __call__(self, document: bytes) -> bytes:
        """The scrubbed document, the very same object where nothing changed."""
        placed = place_json(self._search, document, self._location)
        for _ in range(_MAX_ROUNDS):  # what a replacement brings together may be a find of its own
            self._hits += [self._told(hit) for part in placed for hit in part.hits]
            scrubbed = splice(document, placed)
            if scrubbed is document:
                break
            document = scrubbed
            placed = [part for part in place_json(self._search, document, self._location) if part.new is not None]
        return document

    def _told(self, hit: Hit) -> Hit:
        """The hit with the action that was asked for, where the document made a scrub of it."""
        asked = self._choose(hit.rule)
        return msgspec.structs.replace(hit, action="block") if asked == "block" and hit.action == "scrub" else hit


def _in_stream(action: Action) -> Action:
    """A stream cannot be taken back: what closes the flow must not leave, too."""
    return "scrub" if action == "block" else action


@cache
def _hint_finder() -> HintFinder:
    """One for all streams: it takes tens of milliseconds to build, and is thread-safe."""
    return HintFinder()
