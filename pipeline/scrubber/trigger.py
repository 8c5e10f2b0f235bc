"""What announces a match: a simpler pattern, or literals, that stand in every match near its start."""

from collections.abc import Sequence

import msgspec

from pipeline.scrubber.regex_tree import Alt, Cat, Group, Look, Node, Rep, Set, map_tree, to_text, width
from pipeline.scrubber.words import flattened, joined_words, language

_LOOSE_BITS = 24
"""A set of more bytes at the edge of a pattern announces nothing."""
LITERAL_BYTES = 3
"""A shorter literal is in every other word."""


class Trigger(msgspec.Struct, frozen=True, array_like=True):
    """Where it ends, a match began between `nearest` and `farthest` bytes before (None: anywhere before)."""

    text: str
    """A pattern for Hyperscan, or a literal in lower case."""
    nearest: int
    farthest: int | None


def pattern_trigger(tree: Node) -> Trigger | None:
    """A pattern without captures, optional ends and claims about places; None where nothing is left of `tree`."""
    items = flattened((tree,))
    first, low, high = _lead(items)
    core = items[first:]
    if core and isinstance(core[0], Rep) and core[0].low != core[0].high:
        more = None if core[0].high is None else width(core[0].item)[1]
        slack = None if more is None or core[0].high is None else (core[0].high - core[0].low) * more
        high = None if high is None or slack is None else high + slack
        core = (core[0]._replace(high=core[0].low), *core[1:])
    shortened = _plain(_shortest_end(Cat(core)))
    least, most = width(shortened)
    if least == 0:
        return None
    return Trigger(to_text(shortened), low + least, None if high is None or most is None else high + most)


def _lead(items: Sequence[Node]) -> tuple[int, int, int | None]:
    """How many items at the front can be left out, and how wide they are."""
    low, high = 0, 0
    for number, item in enumerate(items):
        least, most = width(item)
        is_loose = isinstance(item, Rep) and least <= 2 and isinstance(item.item, Set) and _is_loose(item.item)
        if least and not (is_loose and number < len(items) - 1):
            return number, low, high
        low += least
        if most is None:
            return number + 1, low, None
        high += most
    return len(items), low, high


def _is_loose(item: Set) -> bool:
    return item.mask.bit_count() > _LOOSE_BITS


def _shortest_end(node: Node) -> Node:
    """`node` as short as it can end, so that one match is reported once and not for each of its ends."""
    match node:
        case Cat(items):
            kept = list(items)
            while kept:
                last = _shortest_end(kept[-1])
                if width(last)[1] != 0:
                    return Cat((*kept[:-1], last))
                kept.pop()
            return Cat(())
        case Group(item):
            return _shortest_end(item)
        case Alt(choices):
            shortened = [_shortest_end(choice) for choice in choices]
            return Cat(()) if any(width(choice)[0] == 0 for choice in shortened) else Alt(tuple(shortened))
        case Rep(item, low):
            return Rep(item, low, low) if low else Cat(())
        case Look():
            return Cat(())
    return node


def _plain(node: Node) -> Node:
    """Without captures, and without claims that Hyperscan would have to look outside of the match for."""

    def change(part: Node) -> Node:
        if isinstance(part, Group):
            return part.item
        return Cat(()) if isinstance(part, Look | Rep) and width(part)[1] == 0 else part

    return map_tree(node, change)


def literal_triggers(tree: Node) -> tuple[Trigger, ...]:
    """Literals one of which is in every match; none where there are no good ones."""
    found = _literals(tree)
    return () if found is None else tuple(found)


def _literals(node: Node) -> list[Trigger] | None:
    """The best literals of `node`, as distances from its start."""
    match node:
        case Group(item):
            return _literals(item)
        case Alt(choices):
            parts = [_literals(choice) for choice in choices]
            return None if None in parts else [trigger for part in parts for trigger in part or ()]
        case Rep(item, low) if low > 0:
            inner = _literals(item)
            return None if inner is None else inner
        case Cat():
            return _best_of(flattened((node,)))
    words = language(node)
    return _from_words(words, 0, 0) if words else None


def _best_of(items: tuple[Node, ...]) -> list[Trigger] | None:
    """The best literals among stretches of `items` and what is within one of them."""
    best: list[Trigger] | None = None
    low, high = 0, 0  # width of what stands before the item
    run, run_low, run_high = frozenset((b"",)), 0, 0
    for item in items:
        part = language(item)
        joined = None if part is None else joined_words(run, part)
        if joined is None:
            run, run_low, run_high = (part, low, high) if part is not None else (frozenset((b"",)), 0, 0)
        else:
            run_low, run_high = (low, high) if run == {b""} else (run_low, run_high)
            run = joined
        candidates = [_from_words(run, run_low, run_high), _shifted(_inner(item), low, high)]
        best = max((best, *candidates), key=_quality)
        least, most = width(item)
        low += least
        if most is None:
            break
        high += most
    return best


def _inner(item: Node) -> list[Trigger] | None:
    return _literals(item) if isinstance(item, Alt | Rep) and language(item) is None else None


def _shifted(found: list[Trigger] | None, low: int, high: int) -> list[Trigger] | None:
    if found is None:
        return None
    return [Trigger(t.text, t.nearest + low, None if t.farthest is None else t.farthest + high) for t in found]


def _from_words(words: frozenset[bytes], low: int, high: int) -> list[Trigger] | None:
    if not words or min(map(len, words)) < LITERAL_BYTES:
        return None
    kept = [word for word in sorted(words) if not any(other != word and word.startswith(other) for other in words)]
    return [Trigger(word.decode("latin-1"), low + len(word), high + len(word)) for word in kept]


def _quality(found: list[Trigger] | None) -> tuple[int, int]:
    """The longer the shortest literal, the better; then the fewer."""
    if not found:
        return 0, 0
    return min(min(len(trigger.text) for trigger in found), 8), -len(found)
