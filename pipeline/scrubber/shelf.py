"""What wakes a pattern: a look for all of one kind costs what one look costs, and some need none in most bodies."""

from functools import reduce
from itertools import product
from operator import mul, or_

from pipeline.scrubber.literal_trigger import LITERAL_BYTES, literal_triggers
from pipeline.scrubber.number_gate import is_number
from pipeline.scrubber.regex_tree import Alt, Cat, Group, Node, Rep, Set, byte_set, members, width
from pipeline.scrubber.trigger import Shelf
from pipeline.scrubber.words import flattened, unrolled

_SIGNS = b"@~$!+^"
"""Bytes that many bodies have nowhere, and that some rules cannot do without: to look for a byte takes a hundredth of
what a pass of an automaton takes."""
_NUMBER_START = byte_set(b"0123456789+(").mask
_MOST_SPELLINGS = 48
_MOST_BYTES = 24
"""In a class that is spelled out: hexadecimal digits in both cases."""


def shelved(node: Node) -> tuple[Node, Shelf, str]:
    """What wakes a pattern, and the sign without which there is no match; the pattern with more of it spelled out where
    only then it has a literal."""
    if begins_number(node) and is_number(node):
        return node, "numbers", ""
    spelled = node if _has_literal(node) else _spelled(node)
    if spelled is not None:
        return spelled, "words", ""
    sign = next((chr(sign) for sign in _SIGNS if _always_has(node, 1 << sign)), "")
    return node, "signs" if sign else "runs", sign


def begins_number(node: Node) -> bool:
    """Every match begins with a digit, or with what stands before the first one of a number."""
    return not _first_bytes(node)[0] & ~_NUMBER_START


def _has_literal(node: Node) -> bool:
    """A literal is in every match, wherever it stands in it."""
    part: list[Node] = []
    for item in flattened((node,)):
        if width(item)[1] is not None:
            part.append(item)
        elif literal_triggers(Cat(tuple(part))):
            return True
        else:
            part = []
    return bool(literal_triggers(Cat(tuple(part))))


def _always_has(node: Node, mask: int) -> bool:
    """Every match of `node` has one of the bytes of `mask`."""
    match node:
        case Set(own):
            return bool(own) and not own & ~mask
        case Group(item):
            return _always_has(item, mask)
        case Rep(item, low):
            return low > 0 and _always_has(item, mask)
        case Cat(items):
            return any(_always_has(item, mask) for item in items)
        case Alt(choices):
            return all(_always_has(choice, mask) for choice in choices)
    return False


def _spelled(node: Node) -> Node | None:
    """`node` with a few bytes in a row written as a choice of literals, as short as literals may be; None where these
    would be too many. An automaton without a literal is awake at every byte."""
    if isinstance(node, Group):
        return _spelled(node.item)
    if isinstance(node, Alt):
        choices = [choice if _has_literal(choice) else _spelled(choice) for choice in node.choices]
        return None if None in choices else Alt(tuple(choice for choice in choices if choice is not None))
    if not isinstance(node, Cat):
        return None
    items = unrolled(node.items)
    best: tuple[int, int, list[list[Set]]] | None = None
    for first in range(len(items) - LITERAL_BYTES + 1):
        letters = [_letters(item) for item in items[first : first + LITERAL_BYTES]]
        count = reduce(mul, map(len, letters))
        if 0 < count <= _MOST_SPELLINGS and (best is None or count < best[0]):
            best = count, first, letters
    if best is not None:
        _, first, letters = best
        spellings = Alt(tuple(Cat(spelling) for spelling in product(*letters)))
        return Cat((*items[:first], spellings, *items[first + LITERAL_BYTES :]))
    for number, item in enumerate(items):
        inner = _spelled(item) if isinstance(item, Alt | Group) else None
        if inner is not None:
            return Cat((*items[:number], inner, *items[number + 1 :]))
    return None


def _letters(item: Node) -> list[Set]:
    """The bytes of a class, each with its other case if that is in it, too; none where `item` is no small class."""
    if not isinstance(item, Set) or not 0 < item.mask.bit_count() <= _MOST_BYTES:
        return []
    masks: dict[bytes, int] = {}
    for byte in members(item):
        letter = bytes((byte,))
        masks[letter.lower()] = masks.get(letter.lower(), 0) | byte_set(letter).mask
    return [Set(mask) for mask in masks.values()]


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
