"""Patterns and literals that announce a match: simpler than the rule, and in every match near its start."""

from collections.abc import Sequence

from pipeline.scrubber.everyday_words import is_rare
from pipeline.scrubber.literal_trigger import literal_triggers
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
from pipeline.scrubber.shelf import shelved
from pipeline.scrubber.short_front import with_short_front
from pipeline.scrubber.trigger import Trigger
from pipeline.scrubber.words import flattened, language

_LOOSE_BITS = 24
"""A set of more bytes at the edge of a pattern announces nothing."""
_LONG_BYTES = 16
"""A sign alone is everywhere: it announces something with what follows it, if that is so long."""
_ENOUGH_BYTES = 40
"""A run of so many behind a literal announces a match; what follows would only make the automaton larger."""
_FAR_BYTES = 256
"""What is searched for may stand so far from where the match begins."""
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


def pattern_triggers(tree: Node) -> tuple[Trigger, ...]:
    """Patterns or literals one of which is in every match. None where one of them would be empty.

    Where every match has a word that is rare in any text, the words are enough: an automaton of literals is several
    times faster than one of patterns. Where only some of the words that a rule begins with are rare, these are given
    alone and the others with what follows. Patterns are without captures, optional ends and claims about places.
    """
    items = flattened((tree,))
    rare = _rare(Cat(items))
    if rare:
        return tuple(rare)
    first, low, high = _begin(items)
    core = items[first:]
    front = _DIGIT_FRONT if first and _ends_digits(items[first - 1]) else EMPTY
    if core and isinstance(core[0], Rep) and core[0].low != core[0].high:
        most = width(core[0].item)[1]
        slack = None if most is None or core[0].high is None else (core[0].high - core[0].low) * most
        high = None if high is None or slack is None else high + slack
        core = (core[0]._replace(high=core[0].low), *core[1:])
        front = EMPTY  # it does not stand before the shortened repeat
    rare = [] if high is None else _rare(Cat(core), low, high)
    if rare:
        return tuple(rare)
    literals, parts = _split(core, low, high)
    parts += [rest for part in parts for rest in with_short_front(part)]
    found = [*literals, *(_trigger(part, low, high, front) for part in parts)]
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
    """`front` is put before a number; its width does not count."""
    words = language(items[0]) if len(items) == 1 else None
    if words is not None and len(words) == 1 and b"" not in words:
        (word,) = words
        return Trigger(word.decode("latin-1"), low + len(word), None if high is None else high + len(word), "literal")
    shortened = _simple(_shortest_end(Cat(_enough(items))))
    least, most = width(shortened)
    if least == 0:
        return None
    farthest = None if high is None or most is None else high + most
    pattern, shelf, sign = shelved(shortened)
    if shelf == "numbers":
        pattern = Cat((front, pattern))
    return Trigger(to_text(pattern), low + least, farthest, shelf, sign=sign)


def _enough(items: tuple[Node, ...]) -> tuple[Node, ...]:
    """`items` up to the first long run of no fixed length behind a literal."""
    for number, item in enumerate(items[:-1], 1):
        is_long = isinstance(item, Rep) and item.low >= _ENOUGH_BYTES and item.low != item.high
        if is_long and literal_triggers(Cat(items[:number])):
            return items[:number]
    return items


def _split(core: tuple[Node, ...], low: int, high: int | None) -> tuple[list[Trigger], list[tuple[Node, ...]]]:
    """Literals for the words `core` begins with that are rare, and `core` with the other words."""
    if high is None or not core or not isinstance(core[0], Alt):
        return [], [core]
    triggers: list[Trigger] = []
    others: list[Node] = []
    for choice in core[0].choices:
        found = _rare(Cat((choice, *core[1:])), low, high)
        triggers += found
        others += () if found else (choice,)
    if not triggers:
        return [], [core]
    return triggers, [(Alt(tuple(others)), *core[1:])] if others else []


def _rare(node: Node, low: int = 0, high: int = 0) -> list[Trigger]:
    """Literals one of which is in every match of `node`, if there are such that seldom stand anywhere."""
    found = literal_triggers(node)
    if not all(is_rare(t.text.encode("latin-1")) and (t.farthest or 0) - t.nearest <= _FAR_BYTES for t in found):
        return []
    return [
        Trigger(t.text, t.nearest + low, (t.farthest or 0) + high, "literal", once=len(set(t.text)) == 1) for t in found
    ]


def _begin(items: Sequence[Node]) -> tuple[int, int, int | None]:
    """The item to begin with, and how wide is what stands before it."""
    first, low, high = _lead(items)
    is_vague = _is_vague(items[first:])
    before, after = low, high
    for number in range(first + 1, len(items)):
        least, most = width(items[number - 1])
        if after is None or most is None or after + most > _FAR_BYTES:
            break
        before, after = before + least, after + most
        rest = items[number:]
        if _is_scheme_end(rest) or (is_vague and _is_sign(rest[0]) and width(Cat(tuple(rest)))[0] >= _LONG_BYTES):
            return number, before, after
    return first, low, high


def _is_vague(items: Sequence[Node]) -> bool:
    """No literal, and a choice of signs in front, or a run of letters and digits that may end at several places: an
    automaton would be in many states at once wherever there are such signs, or only letters and digits."""
    if literal_triggers(Cat(tuple(items))):
        return False
    if items and isinstance(items[0], Alt):
        return True
    return any(isinstance(item, Rep) and item.low >= _LONG_BYTES and item.low != item.high for item in items[:2])


def _is_scheme_end(items: Sequence[Node]) -> bool:
    """`://` is in fewer places than the names of schemes, which are short."""
    return Cat(tuple(items[:3])) == literal(b"://")


def _is_sign(item: Node) -> bool:
    """One byte that is no letter: better to begin with than a run of letters and digits."""
    return isinstance(item, Set) and item.mask.bit_count() == 1 and not item.mask & _WORD


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
