"""Searches with a rule's own regex where a trigger has announced a match, and finds what a search of all would."""

from collections.abc import Iterator, Sequence

from pipeline.scrubber.interval import Interval
from pipeline.scrubber.pattern import Groups, Pattern
from pipeline.scrubber.reach import Reach


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


def find_near(
    pattern: Pattern,
    data: bytes,
    intervals: Sequence[Interval],
    reach: Reach,
    low: int = 0,
    high: int | None = None,
) -> Iterator[Groups]:
    """The matches of `find_all(pattern, data, low, high)`, given disjoint `intervals`, ascending, that hold all their
    starts.

    Linear: no stretch is searched twice, but for what a match that begins in an interval can reach beyond it. Where
    that is not limited, one search goes on to the next match wherever it is, and the intervals before it are passed
    over.
    """
    size = len(data) if high is None else high
    pending: Groups | None = None  # a match that has been found ahead of its interval
    for first, last in intervals:
        low, last = max(low, first), min(last, size)
        while low <= last:
            limit = None
            if pending is None or pending[0][0] < low:
                limit = reach.limit(data, last, size)
                pending = pattern.search(data, low, size if limit is None else limit)
                if pending is None and limit is None:
                    return
            if pending is None or pending[0][0] > last:
                pending = pending if limit is None else None
                break
            yield pending
            start, end = pending[0]
            low = end if end > start else end + 1
            pending = None
