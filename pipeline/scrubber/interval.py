"""Stretches of the data where matches may begin."""

from collections.abc import Iterable, Sequence

from pipeline.scrubber.trigger import Trigger

Interval = tuple[int, int]
"""First and last offset, both included."""


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted, with what overlaps or touches joined."""
    out: list[Interval] = []
    for low, high in sorted(intervals):
        if out and low <= out[-1][1] + 1:
            if high > out[-1][1]:
                out[-1] = (out[-1][0], high)
        else:
            out.append((low, high))
    return out


def starts(trigger: Trigger, ends: Sequence[int]) -> list[Interval]:
    """Where the matches begin that reports of `trigger` ending at `ends` announce."""
    nearest, farthest = trigger.nearest, trigger.farthest
    if farthest is None:
        return [(0, max(ends) - nearest)]
    return [(max(0, end - farthest), end - nearest) for end in ends if end >= nearest]
