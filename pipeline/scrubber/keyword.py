"""Where a rule is searched whose regex does not ask for its keywords itself."""

from collections.abc import Iterable, Iterator

from pipeline.scrubber.interval import Interval, merged
from pipeline.scrubber.literal_trigger import LITERAL_BYTES
from pipeline.scrubber.trigger import Trigger

KEYWORD_REACH_BYTES = 512
"""How far around a keyword. (To the letter: in all of the data.) So what is found depends on what is near, and is the
same in a stream."""


def keyword_triggers(keywords: tuple[bytes, ...]) -> tuple[Trigger, ...]:
    """Announce the matches of a rule near its keywords; none where one of these is too short to look for."""
    if min(map(len, keywords)) < LITERAL_BYTES:
        return ()
    reach = KEYWORD_REACH_BYTES
    return tuple(Trigger(word.decode("latin-1"), -reach, reach, "literal") for word in keywords)


def keyword_places(lowered: bytes, keywords: tuple[bytes, ...]) -> list[Interval]:
    """Stretches of `lowered` around `keywords`, disjoint and ascending; a match must lie within one."""
    size, reach = len(lowered), KEYWORD_REACH_BYTES
    ends = (end for word in keywords for end in _outer_ends(lowered, word, reach))
    return merged((max(0, end - reach), min(size, end + reach)) for end in ends)


def places_near(
    data: bytes, keywords: tuple[bytes, ...], intervals: Iterable[Interval], widest: int | None
) -> list[Interval]:
    """Those of `keyword_places(data.lower(), keywords)` that matter to matches of at most `widest` bytes which begin in
    one of `intervals`: each is whole from where such a match begins to where it ends."""
    reach = KEYWORD_REACH_BYTES + max(map(len, keywords))
    if widest is None:
        return keyword_places(data.lower(), keywords)
    stretches = merged((max(0, low - reach), high + widest + reach) for low, high in intervals)
    found: list[Interval] = []
    for low, high in stretches:
        places = keyword_places(data[low:high].lower(), keywords)
        found.extend((first + low, last + low) for first, last in places)
    return merged(found)


def _outer_ends(data: bytes, word: bytes, reach: int) -> Iterator[int]:
    """Where occurrences of `word` end, without those between two that are no further than `reach` apart: stretches
    around the two hold theirs. Of a word of one letter there may be one at every byte."""
    at = data.find(word)
    while at >= 0:
        yield at + len(word)
        last = data.rfind(word, at + 1, at + reach + len(word))
        at = last if last >= 0 else data.find(word, at + reach)
