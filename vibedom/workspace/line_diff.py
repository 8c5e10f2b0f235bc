"""A line diff whose cost is bounded: patience on unique lines, Myers in the gaps, and no more than so much work.

`difflib` needs quadratic time on files with many equal lines; a review must not hang on what an agent generates.
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

Block = tuple[int, int, int]
"""`old[a:a+n] == new[b:b+n]`, as (a, b, n)."""

_MYERS_COST = 4_000_000
"""Steps the searches in one file may take; after that what differs is shown as replaced."""


class Hunk(msgspec.Struct, frozen=True):
    """Lines `old[old_start:old_end]` become `new[new_start:new_end]`, context included."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int
    changes: tuple[tuple[int, int, int, int], ...]
    """The parts that differ, same order of fields, without context."""


def split_lines(data: bytes) -> list[bytes]:
    """Lines with their `\\n`; nothing else ends a line (not `\\r`, not form feed, not U+2028)."""
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def hunks(old: Sequence[bytes], new: Sequence[bytes], context: int = 3) -> list[Hunk]:
    """The differences of two files, with `context` equal lines around them; close ones in one hunk."""
    grouped: list[list[tuple[int, int, int, int]]] = []
    for change in differences(old, new):
        if grouped and change[0] - grouped[-1][-1][1] <= 2 * context:
            grouped[-1].append(change)
        else:
            grouped.append([change])
    return [_hunk(group, len(old), context) for group in grouped]


def _hunk(group: Sequence[tuple[int, int, int, int]], length: int, context: int) -> Hunk:
    before = min(context, group[0][0])
    after = min(context, length - group[-1][1])
    return Hunk(group[0][0] - before, group[-1][1] + after, group[0][2] - before, group[-1][3] + after, tuple(group))


def differences(old: Sequence[bytes], new: Sequence[bytes]) -> list[tuple[int, int, int, int]]:
    """(old start, old end, new start, new end) of every part that differs, in order."""
    numbers: dict[bytes, int] = {}
    one = [numbers.setdefault(line, len(numbers)) for line in old]
    other = [numbers.setdefault(line, len(numbers)) for line in new]
    blocks = [(0, 0, 0), *_matches(one, other), (len(one), len(other), 0)]
    found = []
    for (a, b, n), (next_a, next_b, _) in pairwise(blocks):
        if a + n < next_a or b + n < next_b:
            found.append((a + n, next_a, b + n, next_b))
    return found


def _matches(one: Sequence[int], other: Sequence[int]) -> list[Block]:
    """Equal runs of two sequences, in order. Iterative: nothing a file holds makes it recurse deeply."""
    found: list[Block] = []
    budget = _MYERS_COST
    gaps = [(0, len(one), 0, len(other))]
    while gaps:
        a, a_end, b, b_end = gaps.pop()
        start = _common(one, other, a, b, min(a_end - a, b_end - b), 1)
        if start:
            found.append((a, b, start))
        a, b = a + start, b + start
        end = _common(one, other, a_end - 1, b_end - 1, min(a_end - a, b_end - b), -1)
        a_end, b_end = a_end - end, b_end - end
        if end:
            found.append((a_end, b_end, end))
        if a == a_end or b == b_end:
            continue
        anchors = _anchors(one, other, a, a_end, b, b_end)
        if not anchors:
            blocks, cost = _myers(one, other, (a, a_end, b, b_end), budget)
            budget -= cost
            found.extend(blocks)
            continue
        edges = [(a, b), *anchors, (a_end, b_end)]
        gaps.extend((x, next_x, y, next_y) for (x, y), (next_x, next_y) in pairwise(edges))
    return sorted(found)


def _common(one: Sequence[int], other: Sequence[int], a: int, b: int, limit: int, step: int) -> int:
    count = 0
    while count < limit and one[a + step * count] == other[b + step * count]:
        count += 1
    return count


def _anchors(one: Sequence[int], other: Sequence[int], a: int, a_end: int, b: int, b_end: int) -> list[tuple[int, int]]:
    """Lines that are unique on both sides, as the longest sequence that is in the same order on both."""
    places: dict[int, list[int]] = {}
    for at in range(a, a_end):
        entry = places.setdefault(one[at], [0, 0, 0, 0])
        entry[0], entry[2] = entry[0] + 1, at
    for at in range(b, b_end):
        if (known := places.get(other[at])) is not None:
            known[1], known[3] = known[1] + 1, at
    pairs = sorted((each[2], each[3]) for each in places.values() if each[0] == each[1] == 1)
    return _longest_increasing(pairs)


def _longest_increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    tails: list[int] = []
    tail_values: list[int] = []
    before = [-1] * len(pairs)
    for at, (_, value) in enumerate(pairs):
        place = _bisect(tail_values, value)
        before[at] = tails[place - 1] if place else -1
        tails[place : place + 1] = [at]
        tail_values[place : place + 1] = [value]
    found = []
    at = tails[-1] if tails else -1
    while at != -1:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def _bisect(values: Sequence[int], value: int) -> int:
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if values[middle] < value else (low, middle)
    return low


def _myers(
    one: Sequence[int], other: Sequence[int], gap: tuple[int, int, int, int], budget: int
) -> tuple[list[Block], int]:
    """Myers' greedy search (An O(ND) Difference Algorithm, 1986) and what it cost; no match where that is too much."""
    a, a_end, b, b_end = gap
    n, m = a_end - a, b_end - b
    cost = n + m
    if cost > budget or set(one[a:a_end]).isdisjoint(other[b:b_end]):
        return [], min(cost, budget)
    furthest = {1: 0}
    trail: list[dict[int, int]] = []
    for d in range(n + m + 1):
        trail.append(dict(furthest))
        cost += 2 * d + 1 + len(furthest)
        if cost > budget:
            break
        for k in range(-d, d + 1, 2):
            x = furthest[k + 1] if _goes_down(furthest, k, d) else furthest[k - 1] + 1
            run = _common(one, other, a + x, b + x - k, min(n - x, m - x + k), 1)
            furthest[k] = x + run
            cost += run
            if x + run >= n and x + run - k >= m:
                return _retrace(trail, n, m, a, b), cost
    return [], budget


def _goes_down(furthest: dict[int, int], k: int, d: int) -> bool:
    return k == -d or (k != d and furthest.get(k - 1, -1) < furthest.get(k + 1, -1))


def _retrace(trail: Sequence[dict[int, int]], n: int, m: int, a: int, b: int) -> list[Block]:
    """The equal runs on the way that the search took, from its end back to its start."""
    found: list[Block] = []
    x, y = n, m
    for d in range(len(trail) - 1, 0, -1):
        furthest, k = trail[d], x - y
        down = _goes_down(furthest, k, d)
        before_x = furthest[k + 1] if down else furthest[k - 1]
        before_y = before_x - (k + 1 if down else k - 1)
        start_x, start_y = (before_x, before_y + 1) if down else (before_x + 1, before_y)
        if x > start_x:
            found.append((a + start_x, b + start_y, x - start_x))
        x, y = before_x, before_y
    if x:
        found.append((a, b, x))
    return found
