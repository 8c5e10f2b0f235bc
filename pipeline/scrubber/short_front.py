"""Works around a mistake of Vectorscan 5.4.12: in `y[ \\t]{0,30}word` it passes over `y word`, and over ` xword` in
`[ \\n]x[a-z]{0,30}word`.

It happens where few bytes stand before a literal, as few as can or two, and a bounded repeat is among what may stand
there. What may stand there in so few bytes is announced by itself, written out byte by byte.
"""

from collections.abc import Iterator

from pipeline.scrubber.regex_tree import Alt, Cat, Group, Node, Rep, Set, children
from pipeline.scrubber.words import flattened, joined_words, language

MOST_BYTES = 5
_SHORT_REPEAT = 3
"""One up to here is written out by Vectorscan, and found."""
_LITERAL_BYTES = 3
_MOST_WAYS = 64

Fronts = dict[int, tuple[int, ...]]
"""By their length, the masks of the bytes at each of their places."""


def with_short_front(items: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """`items` with what stands before their literal spelled out in MOST_BYTES or less, for each way to come to one;
    nothing where Vectorscan finds it all."""
    ways = [way for way in _ways(flattened(items), _MOST_WAYS) if way[0]]
    if any(_has_repeat(node) for front, _ in ways for node in front):
        for front, rest in ways:
            fronts = _fronts(Cat(front))
            choices = [Cat(tuple(map(Set, masks))) for size, masks in sorted(fronts.items()) if size]
            if choices:
                yield (Alt(tuple(choices)), *rest)


def _ways(items: tuple[Node, ...], most: int) -> Iterator[tuple[tuple[Node, ...], tuple[Node, ...]]]:
    """What stands before the first literal, and what begins with it."""
    for number, item in enumerate(items):
        if _begins_with_literal(items[number:]):
            yield items[:number], items[number:]
            return
        if isinstance(item, Alt) and len(item.choices) <= most and any(map(_has_literal, item.choices)):
            for choice in item.choices:
                rest = flattened((choice, *items[number + 1 :]))
                for front, end in _ways(rest, most // len(item.choices)):
                    yield (*items[:number], *front), end
            return


def _begins_with_literal(items: tuple[Node, ...]) -> bool:
    run = frozenset((b"",))
    for item in items:
        part = language(item)
        joined = None if part is None else joined_words(run, part)
        if part is None or joined is None or b"" in part:  # nor one that may begin with what follows
            return False
        run = joined
        if min(map(len, run)) >= _LITERAL_BYTES:
            return True
    return False


def _has_literal(node: Node) -> bool:
    items = flattened((node,))
    return any(_begins_with_literal(items[number:]) for number in range(len(items))) or any(
        map(_has_literal, children(node))
    )


def _has_repeat(node: Node) -> bool:
    if isinstance(node, Rep) and (node.high is None or node.high > _SHORT_REPEAT):
        return True
    return any(map(_has_repeat, children(node)))


def _fronts(node: Node) -> Fronts:
    """What `node` can be in at most MOST_BYTES, and a little more: at each place the bytes of all its ways together."""
    match node:
        case Set(mask):
            return {1: (mask,)}
        case Group(item):
            return _fronts(item)
        case Alt(choices):
            found: Fronts = {}
            for choice in choices:
                found = _either(found, _fronts(choice))
            return found
        case Cat(items):
            found = {0: ()}
            for item in items:
                found = _then(found, _fronts(item))
            return found
        case Rep(item, low, high):
            return _repeated(_fronts(item), low, MOST_BYTES + low if high is None else high)
    return {0: ()}


def _repeated(once: Fronts, low: int, high: int) -> Fronts:
    found: Fronts = {}
    turn: Fronts = {0: ()}
    for number in range(min(high, low + MOST_BYTES) + 1):
        if number >= low:
            found = _either(found, turn)
        turn = _then(turn, once)
        if not turn:
            break
    return found


def _either(first: Fronts, second: Fronts) -> Fronts:
    merged = dict(first)
    for size, masks in second.items():
        known = merged.get(size)
        merged[size] = masks if known is None else tuple(a | b for a, b in zip(known, masks, strict=True))
    return merged


def _then(first: Fronts, second: Fronts) -> Fronts:
    found: Fronts = {}
    for size, masks in first.items():
        for more, others in second.items():
            if size + more <= MOST_BYTES:
                found = _either(found, {size + more: masks + others})
    return found
