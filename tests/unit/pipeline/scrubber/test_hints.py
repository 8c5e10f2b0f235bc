"""The quick look says what there is to decode, whatever way it takes to see it."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scrubber.coloured_text import ESCAPE, MARK
from pipeline.scrubber.hints import HintFinder
from pipeline.scrubber.lexeme import LEXEMES
from pipeline.scrubber.prose import PROSE

FINDERS = [HintFinder(native=True), HintFinder(native=False)]
PLAIN = b'one two {"three": [4]} \xff \n' * 800
ESCAPED = b'one\\ntwo \\"three\\" \\\\ ' * 800
"""Longer than what is looked at in one scan, with few backslashes and with many."""

pieces = st.sampled_from(
    b'\\u0041~\\/~\\x41~%41~&#65;~&#x41;~&amp;~\\u001b[1m~\\e[0m~\x1b[1m~\\"@example~\\~%~&~\\n~\\"'
    b'~curl -u x:y \\"h\\"~wget --password=x \\"~kind: Secret'.split(b"~")
)


def written(data: bytes) -> tuple[set[str], bool, bool]:
    """Kinds of escapes, prose and colours, by the regexes themselves."""
    kinds = {kind for kind, regex in LEXEMES.items() if re.search(regex, data)}
    is_escaped = b"\\" in data
    prose = is_escaped and any(re.search(regex, data) for regex in PROSE)
    return kinds, prose, ESCAPE in data or re.search(MARK, data) is not None


@settings(max_examples=60, deadline=None)
@given(st.lists(pieces, max_size=3), st.sampled_from([b"", PLAIN, ESCAPED]), st.sampled_from([b"", PLAIN, ESCAPED]))
def test_escapes_prose_and_colours_are_seen_in_short_and_long_text(
    parts: list[bytes], before: bytes, after: bytes
) -> None:
    data = before + b" ".join(parts) + after
    for finder in FINDERS:
        hints = finder(data)
        assert (set(hints.lexemes), hints.prose, hints.coloured) == written(data)
