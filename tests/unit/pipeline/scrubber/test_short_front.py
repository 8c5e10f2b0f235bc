"""What Vectorscan passes over by mistake is found all the same."""

import pytest

from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.rules import parse_rules

FAR = b"." * 100
"""In short texts another of its engines is at work, which makes no mistake."""


@pytest.mark.parametrize(
    ("regex", "text"),
    [
        (r"[ \n]x[a-z]{0,30}passw=[0-9]{7}", b" xpassw=1234567"),
        (r"[ \n][xz][a-z]{0,30}(?:passw|token)=[0-9]{7}", b" ztoken=1234567"),
        (r"x[ \n][^\n]{0,40}passw=[0-9]{7}", b"x passw=1234567"),
        (r"[ \n]{1,2}x[a-z]{0,30}passw=[0-9]{7}", b" xpassw=1234567"),
        (r"[ \n]{2}[a-z]{0,30}passw=[0-9]{7}", b"  passw=1234567"),
        (r"(?:[ \n]x[a-z]{0,30}passw=|login:)[0-9]{7}", b" xpassw=1234567"),
        (r"((?:[ \n]x)[a-z]{0,30}(?:passw|token))=[0-9]{7}", b" xpassw=1234567"),
        (r"[ \n](?:x[a-z]{0,30}passw=|login:)[0-9]{7}", b" xpassw=1234567"),
        (r"[ \n](?:x|y)[a-z]{0,30}passw=[0-9]{7}", b" xpassw=1234567"),
        (r"\s--?[\w-]{0,30}(?:passw|token)=[0-9]{7}", b" -token=1234567"),
        (r"[ \n](?:a|(?:b|x[a-z]{0,30}))passw=[0-9]{7}", b" xpassw=1234567"),
        (r"[ \n](?:q|(?:(?:x|z)[a-z]{0,30}passw=|login:))[0-9]{7}", b" xpassw=1234567"),
        (r"(?:x[\w-]{1,20}y?|[ \n][xz])passw=[0-9]{7}", b" xpassw=1234567"),
    ],
)
@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
def test_a_repeat_that_is_empty_hides_no_match(regex: str, text: bytes, native: bool) -> None:
    rules = parse_rules(f"[[rules]]\nid = 'r'\nregex = '''{regex}'''\n", source="r")
    engine = build_engine(rules, native=native)
    for filler in (b"", b"abc", b"a" * 20):
        head, word = (text[:2], text[2:])
        body = FAR + head + filler + word
        assert len(engine.find(body)) == 1, body


@pytest.mark.parametrize(
    ("regex", "text"),
    [
        (r"y[ \t]{0,20}(?:passw|token)=[0-9]{7}", b"y token=1234567"),
        (r"y[ \t]{1,20}passw=[0-9]{7}", b"y passw=1234567"),
        (r"[a-z][ \t]{2,20}passw=[0-9]{7}", b"x  passw=1234567"),
        (r"(?:xy)?[\w-]{2,30}[xz][ \t]{1,30}[0-9]{0,4}passw=[0-9]{7}", b"-_x passw=1234567"),
    ],
)
def test_a_repeat_that_is_short_hides_no_match(regex: str, text: bytes) -> None:
    rules = parse_rules(f"[[rules]]\nid = 'r'\nregex = '''{regex}'''\n", source="r")
    assert len(build_engine(rules, native=True).find(FAR + text)) == 1
