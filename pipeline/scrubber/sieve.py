"""Tells texts that surely hold no secret from those that have to be searched, at a fraction of the price.

Most files of a source tree have a few escapes in them, and no secret. EngineSearch decodes such a file as a whole, and
searches it again. Here only what stands near an escape is decoded: whatever shows there alone has an escape within it.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from pipeline.scrubber.coloured_text import uncoloured
from pipeline.scrubber.engine import MatchEngine
from pipeline.scrubber.flatten import flatten
from pipeline.scrubber.hints import HintFinder
from pipeline.scrubber.lexeme import Kind, decode_lexemes

REACH_BYTES = 2560
"""So far around an escape it is decoded; further, to the end of a line or a quoted text."""
_WIDEST_BYTES = 1792
"""Matches of up to so many bytes show within that, with the words around them that they depend on."""
_EDGE = re.compile(rb"[\r\n\"']")
_EDGES = b"\r", b"\n", b'"', b"'"


class Sieve:
    """Thread-safe."""

    def __init__(self, engine: MatchEngine, hints: HintFinder) -> None:
        self._engine = engine
        self._hints = hints
        widest = [plan.reach.widest for plan in engine.plans]
        self._open_ended = {rule for rule, most in enumerate(widest) if most is None or most > _WIDEST_BYTES}
        announcers = [trigger for plan in engine.plans for trigger in plan.patterns]
        self._is_narrow = all(each.farthest is None or each.farthest <= _WIDEST_BYTES for each in announcers)

    def passes(self, data: bytes, name: str) -> bool:
        """False where a search of `data`, of a file of that name, finds nothing."""
        candidates = self._engine.announced(data)
        if candidates and self._engine.judged(data, candidates, name):
            return True
        escapes = self._hints.escapes(data)
        if escapes is None or any(self._hints.packed(data)):
            return True
        if not escapes:
            return False
        if not self._is_narrow or not self._open_ended.isdisjoint(candidates):
            return True
        near = b"\n".join(_near(data, [end for _, end in escapes]))
        return self._shows(near, {kind for kind, _ in escapes}, name)

    def _shows(self, data: bytes, kinds: Collection[Kind], name: str) -> bool:
        """Whether anything shows in `data` when it is decoded, or may when it is decoded again."""
        decoded = flatten(data, kinds)
        if decoded is None:
            decoded = decode_lexemes(data).data
        hints = self._hints(decoded)
        if hints.lexemes or hints.prose or hints.base64 or hints.hex or self._is_found(decoded, name):
            return True
        if not hints.coloured:
            return False
        plain = uncoloured(decoded)
        return plain != decoded and self._is_found(plain, name)

    def _is_found(self, data: bytes, name: str) -> bool:
        """Whether there is a secret in `data`, or may be one that ends beyond it."""
        candidates = self._engine.announced(data)
        return not self._open_ended.isdisjoint(candidates) or bool(self._engine.judged(data, candidates, name))


def _near(data: bytes, ends: Sequence[int]) -> Iterator[bytes]:
    """Stretches of `data` around the escapes that end there, disjoint and in order."""
    first = last = 0
    for end in ends:
        if end + REACH_BYTES <= last:
            continue
        low = _start(data, end - REACH_BYTES, last)
        if low > last:
            yield data[first:last]
            first = low
        last = _end(data, end + REACH_BYTES)
    yield data[first:last]


def _start(data: bytes, at: int, floor: int) -> int:
    """The last place for an edge before `at`, or `floor`."""
    if at <= floor:
        return floor
    return max(floor, *(data.rfind(edge, floor, at) for edge in _EDGES))


def _end(data: bytes, at: int) -> int:
    edge = _EDGE.search(data, at)
    return edge.end() if edge else len(data)
