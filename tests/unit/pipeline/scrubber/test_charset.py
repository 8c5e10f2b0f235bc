"""Character sets: none hides a secret, and what is not scrubbed stays byte for byte."""

import codecs

import pytest

from pipeline.scrubber.model import default_choose
from tests.support.scrubbing import TOKEN, small_scrubber

MARK = "[REDACTED_GITHUB_PAT]"


def body(token: str) -> str:
    return f'{{"a": "é ü {token} ß", "n": 1}}'


@pytest.mark.parametrize(
    ("mark", "codec", "label"),
    [
        (b"", "utf-8", None),
        (b"", "utf-8", "utf-8"),
        (codecs.BOM_UTF8, "utf-8", None),
        (b"", "latin-1", "iso-8859-1"),
        (b"", "latin-1", None),
        (b"", "latin-1", "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", None),
        (b"", "utf-16-le", "utf-16"),
        (b"", "utf-16-be", "UTF-16"),
        (b"", "utf-16-le", None),
        (b"", "utf-16-le", "utf-16le"),
        (codecs.BOM_UTF32_LE, "utf-32-le", None),
        (b"", "utf-32-be", "utf-32"),
        (b"", "cp037", "cp037"),
    ],
)
def test_a_secret_is_found_and_everything_else_stays(mark: bytes, codec: str, label: str | None) -> None:
    data = mark + body(TOKEN.decode()).encode(codec)
    result = small_scrubber().body(data, "json", charset=label, choose=default_choose)
    assert result.data == mark + body(MARK).encode(codec)
    assert result.hits[0].location == "body $.a"


@pytest.mark.parametrize("codec", ["shift_jis", "iso2022_jp", "utf-7", "gbk"])
def test_asian_and_seven_bit_charsets_are_read(codec: str) -> None:
    data = ('{"a": "日本 ' + TOKEN.decode() + ' 日本"}').encode(codec)
    result = small_scrubber().body(
        data, "json", charset=codec.replace("iso2022_jp", "iso-2022-jp"), choose=default_choose
    )
    assert result.data.decode(codec) == '{"a": "日本 ' + MARK + ' 日本"}'


def test_a_lone_surrogate_and_an_odd_byte_in_utf16_stay() -> None:
    data = body(TOKEN.decode()).encode("utf-16-le") + b"\x00\xd8" + b"x"
    result = small_scrubber().body(data, "text", charset="utf-16le", choose=default_choose)
    assert result.data == body(MARK).encode("utf-16-le") + b"\x00\xd8" + b"x"


@pytest.mark.parametrize("label", ["utf-16", "utf-16le", "utf-32", "cp037", "utf-7", "nonsense", "utf-8; x", ""])
def test_a_label_that_lies_hides_nothing(label: str) -> None:
    data = b"abc " + TOKEN + b" d"
    result = small_scrubber().body(data, "text", charset=label, choose=default_choose)
    assert TOKEN not in result.data


def test_clean_utf16_is_the_very_same_object() -> None:
    data = "nichts".encode("utf-16")
    assert small_scrubber().body(data, "text", choose=default_choose).data is data
