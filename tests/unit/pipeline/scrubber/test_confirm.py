"""A search near what was announced finds what a search of everything does."""

import random

import pytest

from pipeline.scrubber.confirm import find_all, find_near
from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.interval import merged
from pipeline.scrubber.pattern import Groups, compile_pattern
from pipeline.scrubber.reach import reach_of

PIECES = (b"ab:", b"ab:xyz@", b"ab:" + b"x" * 300, b"@", b" ", b"q" * 700, b"abab:x", b"\n" * 5000)
REGEXES = ("ab:[a-z]+@", "ab:[a-z]{1,9}", "ab:[^@]*@", "ab[^b]{0,400}?@", r"\bab:x(?:yz)?", "(?s:ab.*?q@)")


class Collector:
    """Goes on behind the end of a match, or right behind its start."""

    def __init__(self, *, overlaps: bool) -> None:
        self.taken: list[Groups] = []
        self._overlaps = overlaps

    def __call__(self, groups: Groups) -> int:
        self.taken.append(groups)
        start, end = groups[0]
        return start + 1 if self._overlaps or end == start else end


@pytest.mark.parametrize("regex", REGEXES)
@pytest.mark.parametrize("seed", range(12))
def test_all_matches_that_begin_in_the_intervals_are_found(regex: str, seed: int) -> None:
    rng = random.Random(f"{regex} {seed}")
    data = b"".join(rng.choices(PIECES, weights=(30, 9, 2, 4, 9, 1, 5, 1), k=rng.choice((8, 90, 900))))
    pattern = compile_pattern(regex)
    # A trigger announces every place that looks like a start, and some that do not.
    places = [at for at in range(len(data)) if data.startswith(b"ab", at)] + rng.choices(range(len(data)), k=20)
    intervals = merged((at, min(at + rng.randrange(40), len(data))) for at in places)
    for overlaps in (False, True):
        wanted, got = Collector(overlaps=overlaps), Collector(overlaps=overlaps)
        find_all(pattern, data, wanted)
        find_near(pattern, data, intervals, reach_of(parse_go(regex)), got)
        assert got.taken == wanted.taken


def test_where_nothing_matches_thousands_of_intervals_take_few_searches() -> None:
    data = b"postgres://u:" * 4000
    pattern, searched = compile_pattern("postgres://[a-z]*:[^:/@]{1,256}@"), []

    class Counting:
        def search(self, data: bytes, start: int = 0, end: int | None = None) -> list[tuple[int, int]] | None:
            searched.append((end or len(data)) - start)
            return pattern.search(data, start, end)

    intervals = [(at, at) for at in range(0, len(data), 13)]
    reach = reach_of(parse_go("postgres://[a-z]*:[^:/@]{1,256}@"))
    collector = Collector(overlaps=False)
    find_near(Counting(), data, intervals, reach, collector)  # type: ignore[arg-type]
    assert not collector.taken
    assert len(searched) < 30
    assert sum(searched) < 3 * len(data)
