"""Text inside of JSON strings, undone at once, is what it is one mark after the other, and keeps its places."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pipeline.scrubber.prose import as_prose
from pipeline.scrubber.view import View

MARKS = re.compile(rb"\\++([nrt\"'])|\"")
PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"'": b"'", None: b"\n"}
pieces = st.lists(st.sampled_from(b"\\ \\\\ \" ' n r t x \n \xff {".split(b" ")), max_size=40)


@given(pieces)
def test_all_marks_are_undone_and_every_byte_is_found_again(parts: list[bytes]) -> None:
    data = b"".join(parts)
    view = as_prose(data)
    expected = View(data, ((*match.span(), PLAIN[match[1]]) for match in MARKS.finditer(data)))
    assert view.data == MARKS.sub(lambda match: PLAIN[match[1]], data) == expected.data
    for start in range(len(view.data)):
        assert view.raw_span(start, start + 1) == expected.raw_span(start, start + 1)
    for match in MARKS.finditer(data):
        at, end = view.view_span(*match.span())
        assert view.data[at:end] == PLAIN[match[1]]
