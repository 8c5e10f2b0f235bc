"""Searches with a rule's own regex where a trigger has announced a match, and finds what a search of all would."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

from pipeline.scrubber.interval import Interval
from pipeline.scrubber.pattern import Groups, Pattern
from pipeline.scrubber.reach import PROBE_BYTES, Reach

_TOGETHER_BYTES = 4 * PROBE_BYTES
"""Where nothing is found in interval after interval, so many bytes of them are searched at once in the end."""


Take = Callable[[Groups], int]
"""Gets the matches in the order of their starts, and gives where the next begins at the earliest: behind the start of
this one."""


def find_all(pattern: Pattern, data: bytes, take: Take, low: int = 0, high: int | None = None) -> None:
    """Hands the matches within `low:high` to `take`."""
    size = len(data) if high is None else high
    while low <= size:
        groups = pattern.search(data, low, size)
        if groups is None:
            return
        low = take(groups)


def find_near(
    pattern: Pattern,
    data: bytes,
    intervals: Sequence[Interval],
    reach: Reach,
    take: Take,
    low: int = 0,
    high: int | None = None,
) -> None:
    """The same as `find_all(pattern, data, take, low, high)`, given disjoint `intervals`, ascending, that hold the
    starts of all matches there may be.

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
        first = low
        while low <= last:
            if low > sure or (pending is not None and pending[0][0] < low):
                sure, limit = _stretch(data, intervals, index, reach, low, size, together)
                pending = pattern.search(data, low, limit)
                # RE2 looks at all it is given, even where the match is at the front. What is left of an interval that
                # had a match says nothing about the next one.
                if pending is not None:
                    together = 0
                elif low == first:
                    together = min(max(2 * together, PROBE_BYTES // 8), _TOGETHER_BYTES)
                if pending is None and sure == size:
                    return
                if pending is not None and pending[0][0] > sure:
                    pending = None  # cut at `limit` it may be another one than it is
            if pending is None or pending[0][0] > last:
                break
            low = take(pending)
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
