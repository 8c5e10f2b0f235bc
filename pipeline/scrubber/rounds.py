"""Scrubs until nothing is found any more: what a replacement brings together may be a find of its own."""

from collections.abc import Callable

import msgspec

from pipeline.scrubber.edit import Placed, splice
from pipeline.scrubber.model import Hit, Result

MAX_ROUNDS = 16
"""Times a changed buffer is looked at again. Every round leaves fewer bytes that are no placeholder, but a text can be
made in which each brings the next find about."""


def settle(data: bytes, look: Callable[[bytes], list[Placed]]) -> Result:
    """`data` with the edits that `look` gives for it carried out, until it gives none that changes anything. What does
    not come to that end must not leave: its hits are blocked, and nothing is left of it but a placeholder."""
    placed = look(data)
    hits = _hits(placed)
    scrubbed = splice(data, placed)
    if scrubbed is data:
        return Result(data, hits)
    for _ in range(MAX_ROUNDS):
        more = [part for part in look(scrubbed) if part.new is not None]
        if not more:
            return Result(scrubbed, hits)
        hits += _hits(more)
        scrubbed = splice(scrubbed, more)
    return unsettled(hits)


def unsettled(hits: tuple[Hit, ...]) -> Result:
    """What becomes of a buffer in which there is always one more find."""
    scrubbed = [hit for hit in hits if hit.action == "scrub"]
    blocked = tuple(msgspec.structs.replace(hit, action="block") if hit.action == "scrub" else hit for hit in hits)
    return Result(scrubbed[0].rule.placeholder if scrubbed else b"", blocked)


def _hits(placed: list[Placed]) -> tuple[Hit, ...]:
    return tuple(hit for part in placed for hit in part.hits)
