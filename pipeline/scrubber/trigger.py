"""What announces a match: a simpler pattern, or literals, that stand in every match near its start."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Literal

import msgspec

from pipeline.scrubber.everyday_words import is_rare
from pipeline.scrubber.regex_tree import (
    ALL_BYTES,
    EMPTY,
    Alt,
    Cat,
    Group,
    Look,
    Node,
    Rep,
    Set,
    byte_set,
    literal,
    map_tree,
    to_text,
    width,
)
from pipeline.scrubber.words import flattened, joined_words, language

_LOOSE_BITS = 24
"""A set of more bytes at the edge of a pattern announces nothing."""
_MOST_WORDS = 8
_WORDS_A_PATTERN = 2
_WORD = byte_set(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_").mask
_DIGITS = byte_set(b"0123456789").mask
_HEX = byte_set(b"0123456789abcdefABCDEF")
_PERCENT_ESCAPE = Cat((byte_set(b"%"), byte_set(b"2345"), _HEX))
_UNICODE_ESCAPE = Cat((*literal(b"u00").items, _HEX, _HEX))
_DIGIT_FRONT = Alt(
    (
        Look(r"\A"),
        Set(ALL_BYTES & ~_DIGITS),
        _PERCENT_ESCAPE,
        _UNICODE_ESCAPE,
    )
)
"""What stands before a digit that a boundary or an escape stands before. In a long run of digits an automaton would
otherwise begin anew at each of them."""
LITERAL_BYTES = 3
"""A shorter literal is in every other word."""


Shelf = Literal["literal", "words", "digits"]
"""A literal (caseless), a pattern, or a pattern without a literal that begins with a digit or a sign. The last have a
database of their own: they would slow down all others in bodies of numbers."""


class Trigger(msgspec.Struct, frozen=True, array_like=True):
    """Where it ends, a match began between `nearest` and `farthest` bytes before (None: anywhere before)."""

    text: str
    """A pattern for Hyperscan, or a literal in lower case."""
    nearest: int
    farthest: int | None
    shelf: Shelf = "words"


def pattern_triggers(tree: Node) -> tuple[Trigger, ...]:
    """Patterns one of which is in every match: without captures, optional ends and claims about places. None where
    one of them would be empty.

    A rule that begins with one of many words is given as a few words each: Hyperscan then finds the words as literals
    and looks further only where one stands. Of words that are rare in any text the word alone is enough.
    """
    items = flattened((tree,))
    first, low, high = _lead(items)
    core = items[first:]
    front = _DIGIT_FRONT if first and _ends_digits(items[first - 1]) else EMPTY
    if core and isinstance(core[0], Rep) and core[0].low != core[0].high:
        most = width(core[0].item)[1]
        slack = None if most is None or core[0].high is None else (core[0].high - core[0].low) * most
        high = None if high is None or slack is None else high + slack
        core = (core[0]._replace(high=core[0].low), *core[1:])
        front = EMPTY  # it does not stand before the shortened repeat
    found = [_trigger(part, low, high, front) for part in _split(core)]
    return () if None in found else tuple(trigger for trigger in found if trigger is not None)


def _ends_digits(node: Node) -> bool:
    """No run of digits goes on from what `node` matches into a digit behind it, unless as _DIGIT_FRONT says."""
    match node:
        case Look(kind):
            return kind in (r"\b", r"\A")
        case Set(mask):
            return not mask & _DIGITS
        case Group(item):
            return _ends_digits(item)
        case Alt(choices):
            return all(_ends_digits(choice) for choice in choices)
        case Cat(items) if items:
            return _ends_digits(items[-1]) or items[-3:] == _PERCENT_ESCAPE.items or items[-5:] == _UNICODE_ESCAPE.items
    return False


def _trigger(items: tuple[Node, ...], low: int, high: int | None, front: Node) -> Trigger | None:
    """`front` is put before what begins with a digit; its width does not count."""
    words = language(items[0]) if len(items) == 1 else None
    if words is not None and len(words) == 1 and b"" not in words:
        (word,) = words
        return Trigger(word.decode("latin-1"), low + len(word), None if high is None else high + len(word), "literal")
    shortened = _simple(_shortest_end(Cat(items)))
    least, most = width(shortened)
    if least == 0:
        return None
    farthest = None if high is None or most is None else high + most
    shelf = _shelf(shortened)
    if shelf == "digits" and not _first_bytes(shortened)[0] & ~_DIGITS:
        shortened = Cat((front, shortened))
    return Trigger(to_text(shortened), low + least, farthest, shelf)


def _shelf(node: Node) -> Shelf:
    begins_with_word = _first_bytes(node)[0] & _WORD & ~_DIGITS
    return "words" if begins_with_word or _literals(node) else "digits"


def _first_bytes(node: Node) -> tuple[int, bool]:
    """Bytes that a match of `node` can begin with, and whether it can be empty."""
    match node:
        case Set(mask):
            return mask, False
        case Cat(items):
            mask = 0
            for item in items:
                more, is_empty = _first_bytes(item)
                mask |= more
                if not is_empty:
                    return mask, False
            return mask, True
        case Alt(choices):
            found = [_first_bytes(choice) for choice in choices]
            return reduce(or_, (mask for mask, _ in found), 0), any(is_empty for _, is_empty in found)
        case Rep(item, low):
            mask, is_empty = _first_bytes(item)
            return mask, is_empty or low == 0
        case Group(item):
            return _first_bytes(item)
    return 0, True


def _split(core: tuple[Node, ...]) -> list[tuple[Node, ...]]:
    """`core`, or parts that are `core` together, a few of the words it begins with in each."""
    if not core or not isinstance(core[0], Alt) or len(core[0].choices) <= _MOST_WORDS or not _literals(core[0]):
        return [core]
    parts: list[tuple[Node, ...]] = []
    rest: list[Node] = []
    for choice in core[0].choices:
        words = language(choice)
        if words and all(is_rare(word) for word in words):
            parts.extend((literal(word),) for word in sorted(words))
        else:
            rest.append(choice)
    for at in range(0, len(rest), _WORDS_A_PATTERN):
        parts.append((Alt(tuple(rest[at : at + _WORDS_A_PATTERN])), *core[1:]))
    return parts


def _lead(items: Sequence[Node]) -> tuple[int, int, int | None]:
    """How many items at the front can be left out, and how wide they are."""
    low, high = 0, 0
    for number, item in enumerate(items):
        least, most = width(item)
        if least and not (_is_loose(item) and number < len(items) - 1):
            return number, low, high
        low += least
        if most is None:
            return number + 1, low, None
        high += most
    return len(items), low, high


def _is_loose(item: Node) -> bool:
    """A byte or two out of so many that they announce nothing."""
    if isinstance(item, Rep):
        return item.low <= 2 and _is_loose(item.item)
    return isinstance(item, Set) and item.mask.bit_count() > _LOOSE_BITS


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


def _simple(node: Node) -> Node:
    """`node` without captures, and without claims that are about what is outside of the match."""
    return map_tree(node, _unclaimed)


def _unclaimed(part: Node) -> Node:
    if isinstance(part, Group):
        return part.item
    return Cat(()) if isinstance(part, Look | Rep) and width(part)[1] == 0 else part


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
