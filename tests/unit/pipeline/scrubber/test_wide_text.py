"""Streams in UTF-16 and UTF-32 are scrubbed, and come back as they came."""

import pytest

from pipeline.scrubber.scrubber import Scrubber
from pipeline.scrubber.wide_text import wide_codec
from tests.unit.pipeline.scrubber.chat_streams import anthropic, text_of
from tests.unit.pipeline.scrubber.stream_support import ENGINE, TOKEN, cut, new_stream, run, whole_result

CODECS = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
TEXT = f'{{"größe": "日本語 \U0001f600", "key": "{TOKEN.decode()}", "end": true}}\n'


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("is_labelled", [True, False])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_wide_text_is_scrubbed_and_nothing_else_of_it_changes(
    codec: str, mark: str, is_labelled: bool, size: int
) -> None:
    data = (mark + TEXT).encode(codec)
    stream = new_stream("json", charset=codec if is_labelled else None)
    out = run(stream, cut(data, size))
    assert out == data.replace(TOKEN.decode().encode(codec), "[REDACTED_FORGE_TOKEN]".encode(codec))
    assert [hit.length for hit in stream.hits] == [len(TOKEN)]


def test_the_label_utf_16_goes_with_the_byte_order_mark_or_with_the_zero_bytes() -> None:
    for codec in CODECS[:2]:
        for mark in ("", "\ufeff"):
            data = (mark + TEXT).encode(codec)
            assert TOKEN.decode().encode(codec) not in run(new_stream(charset="UTF-16"), cut(data, 5))


@pytest.mark.parametrize(
    "data", [b"", b"x", b"\xff", b"\xff\xfe", b"\xff\xfe\x00", b"\0\0\xfe\xff\0", b"a\0b", b"\xff\xfea"]
)
def test_too_short_a_text_comes_back_as_it_came(data: bytes) -> None:
    for charset in (None, "utf-8", "utf-16"):
        assert run(new_stream(charset=charset), [data]) == data
        assert run(new_stream(charset=charset), cut(data, 1)) == data


def test_half_a_surrogate_pair_and_an_odd_byte_come_back_as_they_came() -> None:
    data = b"\xff\xfe" + "ab".encode("utf-16-le") + b"\x3d\xd8" + "c ".encode("utf-16-le") + b"\x41"
    assert run(new_stream(charset="utf-16"), cut(data, 1)) == data


def test_invalid_utf_32_never_raises() -> None:
    data = b"\xff\xfe\0\0" + b"\xff\xff\xff\xff" + "a ".encode("utf-32-le")
    assert run(new_stream(charset="utf-32"), [data]).endswith("a ".encode("utf-32-le"))


def test_events_in_utf_16_are_matched_across_deltas() -> None:
    events = b"".join(anthropic(["a " + TOKEN.decode()[:9], TOKEN.decode()[9:] + " b "])).decode()
    out = run(new_stream("sse", charset="utf-16le"), cut(events.encode("utf-16-le"), 7))
    assert text_of(out.decode("utf-16-le").encode()) == "a [REDACTED_FORGE_TOKEN] b "


def test_a_first_chunk_of_plain_text_leaves_at_once() -> None:
    stream = new_stream()
    assert stream.feed(b"a\n") == b"a\n"
    assert wide_codec(b"a", None) is None
    assert wide_codec(b"a\n", None) == ""
    assert wide_codec(b"a", None, is_all=True) == ""


@pytest.mark.parametrize("charset", ["latin-1", "iso-8859-15", "utf-8", "windows-1252", "nonsense", ""])
def test_charsets_with_ascii_in_single_bytes_are_scrubbed_as_bytes(charset: str) -> None:
    data = b"gr\xf6\xdfe " + TOKEN + b" \xff\xfe \x80"
    assert run(new_stream(charset=charset), cut(data, 3)) == data.replace(TOKEN, b"[REDACTED_FORGE_TOKEN]")


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
@pytest.mark.parametrize("charset", [None, "utf-16", "utf-32"])
@pytest.mark.parametrize("length", [0, 900, 1023, 5000])
@pytest.mark.parametrize("size", [1, 700, 10_000])
def test_a_byte_order_mark_or_a_label_hides_no_plain_text(
    mark: bytes, charset: str | None, length: int, size: int
) -> None:
    data = mark + b"-" * length + b" hello " + TOKEN + b" bye"
    expected = data.replace(TOKEN, b"[REDACTED_FORGE_TOKEN]")
    assert run(new_stream(charset=charset), cut(data, size)) == expected
    assert whole_result(data) == expected


def test_wide_text_of_another_script_is_scrubbed_however_late_its_first_letter_comes() -> None:
    data = ("\ufeff" + "日本語" * 1000 + " " + TOKEN.decode() + " ").encode("utf-16-be")
    out = run(new_stream(), cut(data, 100))
    assert out.decode("utf-16-be") == "\ufeff" + "日本語" * 1000 + " [REDACTED_FORGE_TOKEN] "


@pytest.mark.parametrize("front", [b"\xfe\xff\0a", b"\xff\xfea\0", b"\xff\xfea\0b\0" * 300])
@pytest.mark.parametrize("size", [1, 700, 10_000])
def test_plain_text_behind_wide_letters_is_not_hidden(front: bytes, size: int) -> None:
    data = front + b" hello " + TOKEN + b" bye"
    assert run(new_stream(), cut(data, size)) == data.replace(TOKEN, b"[REDACTED_FORGE_TOKEN]")
    body = Scrubber(ENGINE, fingerprint=lambda _: "f").body(data, "text", choose=lambda _: "scrub")
    assert body.data == data.replace(TOKEN, b"[REDACTED_FORGE_TOKEN]")
