"""Marks that cut words are taken out wherever they are, and nothing else is."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scrubber.coloured_text import uncoloured
from pipeline.scrubber.model import default_choose
from tests.support.scrubbing import TOKEN, small_scrubber
from tests.unit.pipeline.scrubber.stream_support import new_stream, run

WIDTHLESS = (
    rb"(?:\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xaf]|\xc2\xad|\xef\xbb\xbf|\xcd\x8f|\xef\xb8[\x80-\x8f]"
    rb"|\xf3\xa0[\x80-\x87][\x80-\xbf]|\xed\xad\x80\xed[\xb0\xb1][\x80-\xbf])"
)
PLAINLY_WRITTEN = re.compile(
    rb"(?:\x1b|\\{1,4}(?:u001[bB]|x1[bB]|033|e))\[[0-9;]{0,24}[mK]"
    rb"|\x1b\]8;[\x20-\x7e]{0,2048}(?:\x07|\x1b\\)"
    rb"|(?<=[0-9A-Za-z_-])" + WIDTHLESS + rb"{1,8}(?=[0-9A-Za-z_-])"
)
pieces = st.lists(
    st.sampled_from(
        b"\x1b~\\~\\\\~[~]8;~31m~0;1K~\x07~u001b~u001B~x1b~033~e~a~Z~-~ ~\n~\xe2\x80\x8b~\xe2\x81\xa0~\xe2\x80~\xc2\xad"
        b"~\xef\xbb\xbf~\xef\xb8\x8f~\xef~\xcd\x8f~\xf3\xa0\x81\x81~\xed\xad\x80\xed\xb0\x80~\x1b[1m~\\u001b[31m".split(
            b"~"
        )
    ),
    max_size=40,
)


@settings(max_examples=500, deadline=None)
@given(pieces)
def test_the_quick_regex_takes_out_what_the_plain_one_does(parts: list[bytes]) -> None:
    data = b"".join(parts)
    assert uncoloured(data) == PLAINLY_WRITTEN.sub(b"", data)


def test_a_coloured_token_beside_a_plain_one_is_found_in_a_body_and_in_a_stream() -> None:
    coloured = TOKEN[:12] + b"\x1b[31m" + TOKEN[12:20] + b"\x1b[0m" + TOKEN[20:]
    text = b"export " + TOKEN + b" and " + coloured + b" end"
    for out in (
        small_scrubber().text(text, default_choose, location="body").data,
        run(new_stream("text"), [text]),
    ):
        assert TOKEN[20:] not in out
        assert TOKEN[:12] not in out
