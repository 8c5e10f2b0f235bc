"""Searches with a rule's own regex where a trigger has announced a match, and finds what a search of all would."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from pipeline.scrubber.interval import Interval
from pipeline.scrubber.pattern import Groups, Pattern
from pipeline.scrubber.reach import PROBE_BYTES, Reach

_TOGETHER_BYTES = 4 * PROBE_BYTES
"""Where nothing is found in interval after interval, so many bytes of them are searched at once in the end."""


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
    sure = -1  # up to here `pending` is the first match that begins, or there is none
    together = 0
    for index, (first, last) in enumerate(intervals):
        low, last = max(low, first), min(last, size)
        while low <= last:
            if low > sure or (pending is not None and pending[0][0] < low):
                sure, limit = _stretch(data, intervals, index, reach, low, size, together)
                pending = pattern.search(data, low, limit)
                # RE2 looks at all it is given, even where the match is at the front.
                together = 0 if pending else min(max(2 * together, PROBE_BYTES // 8), _TOGETHER_BYTES)
                if pending is None and sure == size:
                    return
                if pending is not None and pending[0][0] > sure:
                    pending = None  # cut at `limit` it may be another one than it is
            if pending is None or pending[0][0] > last:
                break
            yield pending
            start, end = pending[0]
            low = end if end > start else end + 1
            pending, sure = None, -1


def _stretch(
    data: bytes, intervals: Sequence[Interval], index: int, reach: Reach, low: int, size: int, together: int
) -> tuple[int, int]:
    """How far matches may begin that one search finds, and where it ends: over intervals that stand so near each other
    that what is beyond one would be searched for the next again, as far as they begin in the next `together` bytes."""
    last = min(intervals[index][1], size)
    while (limit := reach.limit(data, last, size)) is not None:
        if not together:
            return last, limit
        further = bisect_right(intervals, (min(limit, low + together), size)) - 1
        if further <= index:
            return last, limit
        index, last = further, min(intervals[further][1], size)
    return size, size
