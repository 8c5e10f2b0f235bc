"""Finds secrets in bytes, in the clear and up to two layers of encoding deep."""

import re
from collections import Counter
from collections.abc import Callable, Collection
from functools import partial

from pipeline.scrubber.base64_text import base64_view
from pipeline.scrubber.beside import Beside
from pipeline.scrubber.coloured_text import coloured_view, uncoloured
from pipeline.scrubber.edges import whole_escapes
from pipeline.scrubber.edit import Edit, Found, merge
from pipeline.scrubber.flatten import BACKSLASHED, flatten
from pipeline.scrubber.hex_text import hex_view
from pipeline.scrubber.hints import HintFinder, Hints
from pipeline.scrubber.lexeme import Kind, decode_lexemes, meant
from pipeline.scrubber.model import Choose, Engine, Pardon, RuleInfo, Span
from pipeline.scrubber.percent import PercentView
from pipeline.scrubber.prose import as_prose
from pipeline.scrubber.view import View

LAYERS = 2
"""Encodings that are seen through, one in the other."""

Fingerprint = Callable[[bytes], str]
"""Keyed hash of a secret, as hex digits."""

_PLACEHOLDER = re.compile(rb"(?:\[|%5[Bb])REDACTED_[A-Z0-9_]+(?:\]|%5[Dd])")
_LONGEST_PLACEHOLDER = 128


class EngineSearch:
    """Runs the engine over a buffer and its decoded views.

    Never raises for any bytes. The cost is linear: one pass of the engine where there is nothing to decode, at most
    seven where everything is encoded in every way.
    """

    def __init__(
        self,
        engine: Engine,
        hints: HintFinder,
        fingerprint: Fingerprint,
        choose: Choose,
        pardon: Pardon | None = None,
        beside: Beside | None = None,
    ) -> None:
        """`beside`: long bodies are looked at for what there is to decode while the engine reads them."""
        self._engine = engine
        self._hints = hints
        self._fingerprint = fingerprint
        self._choose = choose
        self._pardon = pardon
        self._beside = beside

    def __call__(self, data: bytes, hints: Hints | None = None) -> list[Edit]:
        """`hints`: of `data`, where they are known."""
        return self._edits(data, LAYERS, hints)

    def found(self, rule: RuleInfo, secret: bytes) -> Found:
        secret = meant(secret)
        return Found(rule, self._choose(rule), len(secret), self._fingerprint(secret), self._pardon)

    def _edits(self, data: bytes, layers: int, known: Hints | None = None) -> list[Edit]:
        hints = (
            self._beside.begin(self._hints, data)
            if layers and self._beside and not known
            else partial(self._hints, data)
        )
        spans = self._spans(data)
        edits = [self._edit(data, span) for span in spans]
        if layers:
            for view in self._views(data, spans, known or hints(), layers):
                edits += view.to_raw(self._edits(view.data, layers - 1))
        return merge(edits) if edits else edits

    def _views(self, data: bytes, spans: list[Span], hints: Hints, layers: int) -> list[View]:
        views: list[View] = []
        if hints.lexemes:
            flat = flatten(data, hints.lexemes)
            if self._is_worth(flat, layers):
                views.append(_decoded(data, hints.lexemes, flat))
        if hints.prose:
            views.append(as_prose(data))
        if hints.base64:
            views.append(base64_view(data))
        if hints.hex:
            views.append(hex_view(data))
        if hints.coloured and self._shows_more(data, spans, uncoloured(data)):
            views.append(coloured_view(data))
        return [view for view in views if view.is_changed]

    def _is_worth(self, flat: bytes | None, layers: int) -> bool:
        """Whether a view may show anything: `flat` is what it would show, made without keeping track of places."""
        if flat is None or self._spans(flat):
            return True
        hints = self._hints(flat)
        if not BACKSLASHED.isdisjoint(hints.lexemes):
            return True
        if layers == 1:
            return False
        if hints.base64 or hints.hex or hints.prose:
            return True
        if hints.coloured and self._spans(uncoloured(flat)):
            return True
        return bool(hints.lexemes) and self._is_worth(flatten(flat, hints.lexemes), layers - 1)

    def _shows_more(self, data: bytes, spans: list[Span], view: bytes) -> bool:
        """Whether anything is found in `view` that is not, or not as often, among the `spans` of `data`."""
        known = Counter(data[span.start : span.end] for span in spans)
        return not Counter(view[span.start : span.end] for span in self._spans(view)) <= known

    def _spans(self, data: bytes) -> list[Span]:
        spans = self._engine.find(data)
        if not spans:
            return spans
        whole = (Span(*whole_escapes(data, span.start, span.end), span.rule) for span in spans)
        return outside_placeholders(data, [span for span in whole if span.start < span.end])

    def _edit(self, data: bytes, span: Span) -> Edit:
        found = self.found(self._engine.rules[span.rule], data[span.start : span.end])
        new = found.rule.placeholder if found.action == "scrub" else None
        return Edit(span.start, span.end, new, (found,))


def _decoded(data: bytes, kinds: Collection[Kind], flat: bytes | None) -> View:
    if flat is not None and set(kinds) == {"percent"}:
        return PercentView(data, flat)
    return decode_lexemes(data)


def outside_placeholders(data: bytes, spans: list[Span]) -> list[Span]:
    """`spans` without what has been scrubbed before: a placeholder is no secret, nor part of one."""
    if b"REDACTED_" not in data:
        return spans
    outside: list[Span] = []
    for span in spans:
        position = span.start
        first, last = max(0, span.start - _LONGEST_PLACEHOLDER), span.end + _LONGEST_PLACEHOLDER
        for match in _PLACEHOLDER.finditer(data, first, last):
            if match.end() <= span.start or match.start() >= span.end:
                continue
            if position < match.start():
                outside.append(span._replace(start=position, end=match.start()))
            position = match.end()
        if position < span.end:
            outside.append(span._replace(start=position))
    return outside
