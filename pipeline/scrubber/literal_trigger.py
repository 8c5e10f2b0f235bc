"""Literals one of which stands in every match of a rule."""

from pipeline.scrubber.regex_tree import Alt, Cat, Group, Node, Rep, width
from pipeline.scrubber.trigger import Trigger
from pipeline.scrubber.words import flattened, joined_words, language

LITERAL_BYTES = 3
"""A shorter literal is in every other word."""


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
