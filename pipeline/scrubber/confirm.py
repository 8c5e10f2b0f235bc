"""Searches with a rule's own regex where a trigger has announced a match, and finds what a search of all would."""

from collections.abc import Iterator, Sequence

from pipeline.scrubber.interval import Interval
from pipeline.scrubber.pattern import Groups, Pattern


def find_all(pattern: Pattern, data: bytes, low: int = 0, high: int | None = None) -> Iterator[Groups]:
    """Matches within `low:high`, one after the other, as Go's FindAll does."""
    size = len(data) if high is None else high
    while low <= size:
        groups = pattern.search(data, low, size)
        if groups is None:
            return
        yield groups
        start, end = groups[0]
        low = end if end > start else end + 1


def find_near(pattern: Pattern, data: bytes, intervals: Sequence[Interval], widest: int | None) -> Iterator[Groups]:
    """The matches of `find_all(pattern, data)`, given disjoint `intervals`, ascending, that hold all their starts.

    Linear: no stretch is searched twice. Where a match has a greatest width, nothing is searched beyond what a match
    that begins in an interval can reach; where it has none, one search goes on to the next match wherever it is, and
    the rest is passed over.
    """
    size = len(data)
    low = 0
    pending: Groups | None = None
    for first, last in intervals:
        low = max(low, first)
        while low <= last:
            if pending is None or pending[0][0] < low:
                limit = size if widest is None else min(size, last + widest)
                pending = pattern.search(data, low, limit)
            if pending is None and widest is None:
                return
            if pending is None or pending[0][0] > last:
                if widest is not None:
                    pending = None
                break
            yield pending
            start, end = pending[0]
            low = end if end > start else end + 1
            pending = None
