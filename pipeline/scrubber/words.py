"""The few texts that a part of a regex can be, where they are few: literals to look for, keywords it implies."""

from functools import lru_cache
from itertools import product

from pipeline.scrubber.regex_tree import Alt, Cat, Group, Look, Node, Rep, Set, members

MOST_WORDS = 64
_MOST_BYTES = 4
"""A set of more bytes is no choice of spellings."""


def language(node: Node) -> frozenset[bytes] | None:
    """All texts `node` can match in lower case, or None where they are more than MOST_WORDS."""
    match node:
        case Set():
            return _spellings(node)
        case Look():
            return frozenset((b"",))
        case Group(item):
            return language(item)
        case Alt(choices):
            parts = [language(choice) for choice in choices]
            return None if None in parts else _few(frozenset().union(*(part or () for part in parts)))
        case Cat(items):
            return _sequence(items)
        case Rep(item, low, high):
            if high is None or high > 2:
                return None if low != high or low > 32 else _sequence((item,) * low)
            parts = [_sequence((item,) * times) for times in range(low, high + 1)]
            return None if None in parts else _few(frozenset().union(*(part or () for part in parts)))
    raise AssertionError(node)


@lru_cache(maxsize=4096)
def _spellings(node: Set) -> frozenset[bytes] | None:
    """Sets are the greater part of every tree, and few differ."""
    found = members(node) if node.mask.bit_count() <= 2 * _MOST_BYTES else b""
    lowered = frozenset(bytes((byte,)).lower() for byte in found)
    return lowered if 0 < len(lowered) <= _MOST_BYTES else None


def _sequence(items: tuple[Node, ...]) -> frozenset[bytes] | None:
    so_far = frozenset((b"",))
    for item in items:
        part = language(item)
        joined = None if part is None else joined_words(so_far, part)
        if joined is None:
            return None
        so_far = joined
    return so_far


def joined_words(first: frozenset[bytes], second: frozenset[bytes]) -> frozenset[bytes] | None:
    """Every text of `first` followed by every one of `second`, or None where they are too many."""
    if len(first) * len(second) > MOST_WORDS:
        return None
    return frozenset(a + b for a, b in product(first, second))


def _few(found: frozenset[bytes]) -> frozenset[bytes] | None:
    return found if len(found) <= MOST_WORDS else None


def implies(node: Node, keywords: tuple[bytes, ...]) -> bool:
    """Every match of `node` has one of `keywords` (lower case) in it, in any case of its letters."""
    match node:
        case Group(item):
            return implies(item, keywords)
        case Rep(item, low):
            return low > 0 and implies(item, keywords)
        case Alt(choices):
            return all(implies(choice, keywords) for choice in choices)
        case Cat(items):
            return any(implies(item, keywords) for item in items) or _runs_imply(items, keywords)
        case Set():
            return _all_have(language(node), keywords)
    return False


def _runs_imply(items: tuple[Node, ...], keywords: tuple[bytes, ...]) -> bool:
    """Some stretch of `items` can only be texts with a keyword in them."""
    run = frozenset((b"",))
    for item in unrolled(items):
        part = language(item)
        joined = None if part is None else joined_words(run, part)
        run = joined if joined is not None else part if part is not None else frozenset((b"",))
        if _all_have(run, keywords):
            return True
    return False


def unrolled(items: tuple[Node, ...]) -> tuple[Node, ...]:
    """`items` with the first turn of every repeat that has one spelled out."""
    out: list[Node] = []
    for item in flattened(items):
        if isinstance(item, Rep) and item.low and language(item) is None:
            out.extend(flattened((item.item,)))
            out.append(item._replace(low=item.low - 1, high=None if item.high is None else item.high - 1))
        else:
            out.append(item)
    return tuple(out)


def _all_have(texts: frozenset[bytes] | None, keywords: tuple[bytes, ...]) -> bool:
    return bool(texts) and all(any(word in text for word in keywords) for text in texts or ())


def flattened(items: tuple[Node, ...]) -> tuple[Node, ...]:
    """`items` with sequences and captures in them spelled out."""
    out: list[Node] = []
    for item in items:
        match item:
            case Cat(inner):
                out.extend(flattened(inner))
            case Group(inner_item):
                out.extend(flattened((inner_item,)))
            case Rep(inner_item, 1, 1):
                out.extend(flattened((inner_item,)))
            case _:
                out.append(item)
    return tuple(out)
