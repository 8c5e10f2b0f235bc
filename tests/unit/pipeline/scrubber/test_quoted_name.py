"""A quoted local name is held back as a whole, however it is spelled and wherever the text is cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scrubber import quoted_name
from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.quoted_name import quoted_name_start
from pipeline.scrubber.rules import parse_rules
from tests.unit.pipeline.scrubber.chat_streams import anthropic, openai_chat, text_of
from tests.unit.pipeline.scrubber.stream_support import cut, new_stream, run, whole_result

_REGEX = (
    r"""("(?:[^"\\\r\n@]|\\[^\r\n]){1,62}"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24})"""
)
ENGINE = build_engine(
    parse_rules(f"[[rules]]\nid = \"email-quoted\"\ndescription = \"\"\nregex = '''{_REGEX}'''\n", source="here")
)
NAME = "ada king " + "of lovelace"
LONGEST = "ada " * 15 + "xy"
HOST = "@mail.demo" + ".test"
TEXTS = {
    "plain": f'He said "yes" to "{NAME}"{HOST} today.',
    "longest": f'to "{LONGEST}"{HOST} today',
    "long domain": f'to "{NAME}"@' + ("a1" * 31 + ".") * 7 + "demo.test today",
    "escaped quotes inside": f'to "ada \\"the queen\\" {NAME}"{HOST} today',
    "beyond ASCII": f'to "größe {NAME}"{HOST} today',
    "in JSON": f'{{"m": "to \\"{NAME}\\"{HOST} today"}}',
    "in JSON in JSON": f'{{"m": "{{\\"n\\": \\"to \\\\\\"{NAME}\\\\\\"{HOST} today\\"}}"}}',
    "JSON escapes": f'{{"m": "to \\u0022{NAME}\\u0022{HOST} today"}}',
    "references": f"<to>&quot;{NAME}&quot;&#64;mail.demo.test today</to>",
    "numeric references": f"<to>&#34;{NAME}&#x22;{HOST} today</to>",
    "percent": f"to=%22{NAME}%22%40mail.demo.test today",
}


@pytest.mark.parametrize("media", ["text", "json", "xml", "form"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_quoted_name_cut_at_any_byte_comes_out_as_from_the_whole(name: str, media: str) -> None:
    text = TEXTS[name].encode()
    wanted = whole_result(text, ENGINE)
    assert b"[REDACTED_EMAIL_QUOTED]" in wanted
    assert b"king" not in wanted
    for at in range(len(text) + 1):
        assert run(new_stream(media, engine=ENGINE), [text[:at], text[at:]]) == wanted, at  # type: ignore[arg-type]
    for size in (1, 3, 10):
        assert run(new_stream(media, engine=ENGINE), cut(text, size)) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize("api", [anthropic, openai_chat])
@pytest.mark.parametrize("name", ["plain", "longest", "long domain", "escaped quotes inside", "beyond ASCII"])
def test_a_quoted_name_in_two_deltas_comes_out_as_from_the_whole(name: str, api) -> None:  # type: ignore[no-untyped-def]
    text = TEXTS[name]
    wanted = whole_result(text.encode(), ENGINE).decode()
    for at in range(len(text) + 1):
        assert text_of(run(new_stream("sse", engine=ENGINE), api([text[:at], text[at:]]))) == wanted, at


@pytest.mark.parametrize("text", [b'"' + b"word " * 20, b'"open\n', b'"ada@work ', b"'ada king ", b'"b"@c d '])
def test_what_cannot_become_such_a_name_is_not_held(text: bytes) -> None:
    assert quoted_name_start(text, 0) == len(text)


@pytest.mark.parametrize("text", [b'"b" and ', b'he said "yes", and '])
def test_the_quote_that_ends_a_name_may_open_the_next(text: bytes) -> None:
    assert quoted_name_start(text, 0) == text.rindex(b'"')


def test_the_wait_is_bounded() -> None:
    stream = new_stream(engine=ENGINE)
    sent = gone = 0
    for chunk in cut(b'"words and ' * 3 + b'a quotation that goes on and on " ' * 500, 7):
        sent += len(chunk)
        gone += len(stream.feed(chunk))
        assert sent - gone <= 100


_PIECES = [
    b'"',
    b'\\"',
    b'\\\\"',
    b"\\u0022",
    b"\\x22",
    b"&quot;",
    b"&amp;#x22;",
    b"&#34;",
    b"%22",
    b"%2522",
    b"&amp;#1234567;",
]
_PIECES += [
    b"\\",
    b"&",
    b"%",
    b"@",
    b"\n",
    b"\r",
    b" ",
    b"22",
    b";",
    b"ada",
    b"x" * 60,
    b"king " * 12,
    b"\\u00e9" * 30,
    b"\xc3\xbc",
]


@settings(deadline=None, max_examples=400)
@given(st.lists(st.sampled_from(_PIECES) | st.binary(max_size=3), max_size=40).map(b"".join))
def test_the_short_look_sees_what_the_long_one_sees(text: bytes) -> None:
    line = max(text.rfind(b"\n", max(0, len(text) - 1024)), len(text) - 1024, -1) + 1
    found = quoted_name._OPEN_OR_ENDED.search(text, line)
    assert quoted_name_start(text, 0) == (found.start() if found else len(text))
