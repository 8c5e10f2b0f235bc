"""Go's character classes as ranges of code points, and code points as UTF-8 bytes."""

from functools import lru_cache
from typing import Any

import re2

from pipeline.scrubber.regex_tree import Alt, Cat, Node, Set

Ranges = tuple[tuple[int, int], ...]
"""Code points, both ends included; sorted and disjoint where `normal` made them."""

LAST = 0x10FFFF
_ASCII = 0x7F


def _of(text: str) -> Ranges:
    return tuple((ord(text[i]), ord(text[i + 1])) for i in range(0, len(text), 2))


PERL: dict[str, Ranges] = {"d": _of("09"), "w": _of("09AZ__az"), "s": _of("\t\n\f\r  ")}
POSIX: dict[str, Ranges] = {
    "alnum": _of("09AZaz"),
    "alpha": _of("AZaz"),
    "ascii": _of("\x00\x7f"),
    "blank": _of("\t\t  "),
    "cntrl": _of("\x00\x1f\x7f\x7f"),
    "digit": _of("09"),
    "graph": _of("!~"),
    "lower": _of("az"),
    "print": _of(" ~"),
    "punct": _of("!/:@[`{~"),
    "space": _of("\t\r  "),
    "upper": _of("AZ"),
    "word": _of("09AZ__az"),
    "xdigit": _of("09AFaf"),
}


def normal(ranges: Ranges) -> Ranges:
    """Sorted, with what touches joined."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return tuple(out)


def negated(ranges: Ranges) -> Ranges:
    """All code points that are not in `ranges`."""
    out, at = [], 0
    for low, high in normal(ranges):
        if at < low:
            out.append((at, low - 1))
        at = high + 1
    return (*out, (at, LAST)) if at <= LAST else tuple(out)


def folded(ranges: Ranges) -> Ranges:
    """`ranges` and the other case of what is in them. ASCII letters fold among themselves only: the long s and the
    Kelvin sign, which Go counts as `s` and `k`, are left out, so that a byte stays a byte."""
    more: list[tuple[int, int]] = list(ranges)
    for low, high in ranges:
        for first, last, shift in ((0x41, 0x5A, 32), (0x61, 0x7A, -32)):
            if max(low, first) <= min(high, last):
                more.append((max(low, first) + shift, min(high, last) + shift))
        if high > _ASCII and high - max(low, _ASCII + 1) < 0x1000:
            more.extend(_other_cases(max(low, _ASCII + 1), high))
    return normal(tuple(more))


def _other_cases(low: int, high: int) -> list[tuple[int, int]]:
    cases = []
    for point in range(low, high + 1):
        for other in (chr(point).lower(), chr(point).upper()):
            if len(other) == 1 and ord(other) > _ASCII:
                cases.append((ord(other), ord(other)))
    return cases


@lru_cache(maxsize=64)
def unicode_class(name: str) -> Ranges | None:
    """The ranges of `\\p{name}`, or None for a name that RE2 does not know. RE2 itself is asked."""
    options: Any = re2.Options()
    options.log_errors = False
    try:
        pattern = re2.compile(rf"\p{{{name}}}+", options)
    except re2.error:
        return None
    points = "".join(map(chr, [*range(0xD800), *range(0xE000, LAST + 1)]))
    shift = 0xE000 - 0xD800

    def point(index: int) -> int:
        return index if index < 0xD800 else index + shift

    return normal(tuple((point(m.start()), point(m.end() - 1)) for m in pattern.finditer(points)))


def class_node(ranges: Ranges) -> Node:
    """Bytes that stand for one code point of `ranges`.

    A class with all that is not ASCII in it (`.`, `[^"]`, `\\S`) takes any single byte above 0x7f instead: data need
    not be UTF-8 then, and a repeat counts bytes.
    """
    ranges = normal(ranges)
    mask, wide = 0, []
    for low, high in ranges:
        for byte in range(low, min(high, _ASCII) + 1):
            mask |= 1 << byte
        if high > _ASCII:
            wide.append((max(low, _ASCII + 1), high))
    if wide == [(_ASCII + 1, LAST)]:
        return Set(mask | ((1 << 128) - 1) << 128)
    sequences: list[Node] = [Cat(tuple(parts)) for low, high in wide for parts in _utf8(low, high)]
    if not sequences:
        return Set(mask)
    return Alt((*([Set(mask)] if mask else []), *sequences))


def _utf8(low: int, high: int) -> list[list[Set]]:
    """Sequences of byte sets that encode the code points `low` to `high`."""
    for limit in (0x7FF, 0xFFFF):
        if low <= limit < high:
            return _utf8(low, limit) + _utf8(limit + 1, high)
    for shift in (6, 12, 18):
        tail = (1 << shift) - 1
        if low >> shift != high >> shift:
            if low & tail:
                return _utf8(low, low | tail) + _utf8((low | tail) + 1, high)
            if high & tail != tail:
                return _utf8(low, (high & ~tail) - 1) + _utf8(high & ~tail, high)
    return [[Set(_span(a, b)) for a, b in zip(_encode(low), _encode(high), strict=True)]]


def _span(low: int, high: int) -> int:
    return ((1 << (high - low + 1)) - 1) << low


def _encode(point: int) -> bytes:
    return chr(point).encode("utf-8", "surrogatepass")
