"""What all long numbers have in common, so that one cheap look tells whether there is any."""

from functools import reduce
from typing import NamedTuple

from pipeline.scrubber.regex_tree import Alt, Cat, Group, Node, Rep, Set, byte_set, union, width
from pipeline.scrubber.words import flattened

_DIGITS = byte_set(b"0123456789").mask
GATE_DIGITS = 9
GATE_GAP_BYTES = 2
_SEPARATORS = byte_set(b" .()/+\t-").mask
GATE = rf"[0-9](?:[\x20.()/+\x09\x2d]{{0,{GATE_GAP_BYTES}}}[0-9]){{{GATE_DIGITS - 1}}}"
"""In every match of what `is_number` holds for. What else may stand between digits would be base64."""


class _Gaps(NamedTuple):
    """Of the matches of a node: fewest digits that are surely there, and the most other bytes before the first of
    them, between two of them, and behind the last (None: no limit)."""

    digits: int
    before: int | None
    between: int | None
    behind: int | None


def is_number(node: Node) -> bool:
    """Whether every match of `node` has GATE_DIGITS digits in it, each near the next, with nothing between but what
    separates digits."""
    if isinstance(node, Alt):
        return all(map(is_number, node.choices))
    items = flattened((node,))
    stretches = (Cat(items[first:last]) for first in range(len(items)) for last in range(first + 1, len(items) + 1))
    return any(isinstance(item, Alt) and is_number(item) for item in items) or any(
        _is_enough(_gaps(part)) and not union(part) & ~(_DIGITS | _SEPARATORS) for part in stretches
    )


def _is_enough(gaps: _Gaps) -> bool:
    return gaps.digits >= GATE_DIGITS and gaps.between is not None and gaps.between <= GATE_GAP_BYTES


def _gaps(node: Node) -> _Gaps:
    match node:
        case Set(mask):
            return _Gaps(0, 1, 0, 1) if mask & ~_DIGITS else _Gaps(1, 0, 0, 0)
        case Group(item):
            return _gaps(item)
        case Cat(items):
            return _joined([_gaps(item) for item in items])
        case Alt(choices):
            return _either(node, [_gaps(choice) for choice in choices])
        case Rep(item, low, high):
            inner = _gaps(item)
            if inner.digits and low and (high is None or high > 1):
                # All turns after the first are as one that may be left out or not.
                between = _most(inner.between, _sum(inner.behind, inner.before))
                return _Gaps(inner.digits * low, inner.before, between, inner.behind)
            if inner.digits and low:
                return inner
            return _blank(width(node)[1])
    return _blank(0)


def _blank(most: int | None) -> _Gaps:
    """A part that may have no digit at all."""
    return _Gaps(0, most, 0, most)


def _either(node: Node, parts: list[_Gaps]) -> _Gaps:
    if not all(part.digits for part in parts):
        return _blank(width(node)[1])
    digits = min(part.digits for part in parts)
    return _Gaps(
        digits,
        reduce(_most, (part.before for part in parts)),
        reduce(_most, (part.between for part in parts)),
        reduce(_most, (part.behind for part in parts)),
    )


def _joined(parts: list[_Gaps]) -> _Gaps:
    so_far = _blank(0)
    for part in parts:
        if not part.digits:
            gap = part.before
            if not so_far.digits:
                so_far = so_far._replace(before=_sum(so_far.before, gap), behind=_sum(so_far.behind, gap))
            else:
                so_far = so_far._replace(behind=_sum(so_far.behind, gap))
        elif not so_far.digits:
            so_far = part._replace(before=_sum(so_far.before, part.before))
        else:
            between = _most(_most(so_far.between, part.between), _sum(so_far.behind, part.before))
            if _is_enough(so_far) and (between is None or between > GATE_GAP_BYTES):
                so_far = so_far._replace(behind=None)  # what comes after a wide gap is not needed
                continue
            so_far = _Gaps(so_far.digits + part.digits, so_far.before, between, part.behind)
    return so_far


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _most(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else max(first, second)
