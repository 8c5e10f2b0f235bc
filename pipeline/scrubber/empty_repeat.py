"""Works around a mistake of Vectorscan 5.4.12: in `[ \\n]x[a-z]{0,30}word` it passes over the match without a letter.

It happens where two bytes that are no plain text stand in front of a bounded repeat that may be empty, and a literal
behind it; not with one byte or three, nor behind a literal. The match without the repeat is announced by itself.
"""

from collections.abc import Iterator

from pipeline.scrubber.regex_tree import Alt, Group, Node, Rep, width
from pipeline.scrubber.words import flattened

_LEAST_BYTES, _MOST_BYTES = 1, 4
"""In front of the repeat; two is where it happens."""
_WRONG_BYTES = 2
_SHORT_REPEAT = 3
"""One up to here is written out by Vectorscan, and found."""


def without_repeat(items: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """`items` without the first repeat that Vectorscan may take for one that is never empty, for each way to begin."""
    items = flattened(items)
    before = 0
    for number, item in enumerate(items):
        choices = item.item if isinstance(item, Group) else item
        if isinstance(choices, Alt) and number == 0:
            for choice in choices.choices:
                yield from without_repeat((choice, *items[1:]))
            return
        is_open = isinstance(item, Rep) and item.low == 0 and (item.high is None or item.high > _SHORT_REPEAT)
        if is_open and _LEAST_BYTES <= before <= _MOST_BYTES:
            yield (*items[:number], *items[number + 1 :])
            return
        if isinstance(choices, Alt) and before < _WRONG_BYTES:
            for choice in choices.choices:
                yield from _within(items[:number], flattened((choice,)), items[number + 1 :])
        before += width(item)[0]
        if before > _MOST_BYTES:
            return


def _within(front: tuple[Node, ...], choice: tuple[Node, ...], rest: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """The same for one of several ways to go on, exactly where it happens."""
    before = sum(width(item)[0] for item in front)
    for number, item in enumerate(choice):
        is_open = isinstance(item, Rep) and item.low == 0 and (item.high is None or item.high > _SHORT_REPEAT)
        if is_open and before == _WRONG_BYTES:
            yield (*front, *choice[:number], *choice[number + 1 :], *rest)
        before += width(item)[0]
