"""Where a rule is searched that does not ask for its keywords itself."""

import random

import pytest

from pipeline.scrubber.interval import merged
from pipeline.scrubber.keyword import KEYWORD_REACH_BYTES, keyword_places


@pytest.mark.parametrize("seed", range(20))
def test_the_places_are_those_around_every_occurrence(seed: int) -> None:
    rng = random.Random(seed)
    data = b"".join(rng.choices((b"aaaa", b"ab", b"key", b"." * 700, b"x"), k=rng.randrange(2, 80)))
    keywords = (b"aaa", b"key")
    ends = [at + 3 for word in keywords for at in range(len(data)) if data.startswith(word, at)]
    reach = KEYWORD_REACH_BYTES
    assert keyword_places(data, keywords) == merged((max(0, end - reach), min(len(data), end + reach)) for end in ends)
