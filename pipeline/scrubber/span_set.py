"""From matches, which overlap, to spans, which do not."""

from collections.abc import Iterable

from pipeline.scrubber.escape import clear_of_escapes
from pipeline.scrubber.match import Match
from pipeline.scrubber.model import Span


def resolve(spans: Iterable[Span]) -> list[Span]:
    """Sorted by start and disjoint: the leftmost wins, of two that start together the longer, then the earlier rule. A
    tail that sticks out of the winner is added to it: dropping it would let the end of a secret out."""
    resolved: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.rule)):
        if resolved and span.start < resolved[-1].end:
            if span.end > resolved[-1].end:
                resolved[-1] = resolved[-1]._replace(end=span.end)
            continue
        resolved.append(span)
    return resolved


def to_spans(data: bytes, matches: list[Match], *, escape_aware: bool) -> list[Span]:
    """The secrets of `matches`; with `escape_aware` no span tears a backslash escape apart."""
    spans = []
    has_escapes = escape_aware and b"\\" in data
    for match in matches:
        start, end = match.secret_start, match.secret_end
        if has_escapes:
            start, end = clear_of_escapes(data, start, end)
        if start < end:
            spans.append(Span(start, end, match.rule))
    return resolve(spans)
