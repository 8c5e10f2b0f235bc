"""Decoding in two ways shows the same, and positions map there and back."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scrubber.base64_text import base64_view
from pipeline.scrubber.edges import whole_escapes
from pipeline.scrubber.edit import Edit, merge, splice
from pipeline.scrubber.flatten import flatten
from pipeline.scrubber.hints import HintFinder
from pipeline.scrubber.lexeme import decode_lexemes
from pipeline.scrubber.percent import PercentView

ESCAPES = (
    rb"%4 %41 %2F %25 %3d \ \n \/ \u0041 \u00e9 \ud83d\ude00 \ud83d \u4f60 \\u0041 \x4A &amp; &quot; &#65;".split()
)
PIECES = st.sampled_from([b"a", b"Z9", b" ", b"\n", b"%", b"%%", b"=", b"\xc3\xa9", b"\xff", *ESCAPES])
TEXTS = st.lists(PIECES, max_size=12).map(b"".join)
NATIVE, PORTABLE = HintFinder(native=None), HintFinder(native=False)


@settings(max_examples=500, deadline=None)
@given(data=TEXTS)
def test_flat_text_is_what_the_view_shows_once_nothing_is_left_to_decode(data: bytes) -> None:
    flat = flatten(data, NATIVE(data).lexemes)
    if flat is None or NATIVE(flat).lexemes or b"%" in data.replace(b"%25", b""):
        return
    assert _ascii(flat) == _ascii(decode_lexemes(data).data)


@settings(max_examples=300, deadline=None)
@given(data=st.lists(st.sampled_from([b"a", b"%41", b"%3D", b"%0a", b"=", b"&"]), max_size=12).map(b"".join))
def test_the_fast_percent_view_is_the_slow_one(data: bytes) -> None:
    flat = flatten(data, ("percent",))
    assert flat is not None
    fast, slow = PercentView(data, flat), decode_lexemes(data)
    assert fast.data == slow.data
    for at in range(len(fast.data) + 1):
        assert fast.raw_span(at, at) == slow.raw_span(at, at)


@settings(max_examples=300, deadline=None)
@given(data=TEXTS)
def test_every_place_of_a_view_maps_to_raw_bytes_that_decode_to_it(data: bytes) -> None:
    view = decode_lexemes(data)
    assert view.raw_span(0, len(view.data)) == (0, len(data))
    for start in range(len(view.data)):
        raw_start, raw_end = view.raw_span(start, start + 1)
        assert 0 <= raw_start < raw_end <= len(data)
        view_start, view_end = view.view_span(raw_start, raw_end)
        assert view_start <= start < view_end


@settings(max_examples=300, deadline=None)
@given(data=TEXTS)
def test_native_and_portable_hints_agree(data: bytes) -> None:
    assert NATIVE(data) == PORTABLE(data)


@settings(max_examples=300, deadline=None)
@given(data=TEXTS, start=st.integers(0, 40), length=st.integers(0, 40))
def test_a_span_only_becomes_smaller_and_stays_so(data: bytes, start: int, length: int) -> None:
    start = min(start, len(data))
    end = min(start + length, len(data))
    new_start, new_end = whole_escapes(data, start, end)
    assert start <= new_start
    assert new_end <= end
    if new_start < new_end:
        assert whole_escapes(data, new_start, new_end) == (new_start, new_end)


@settings(max_examples=300, deadline=None)
@given(spans=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10), st.booleans()), max_size=10))
def test_merged_edits_are_disjoint_and_cover_the_same_bytes(spans: list[tuple[int, int, bool]]) -> None:
    edits = [Edit(start, start + size, b"X" if is_new else None, ()) for start, size, is_new in spans]
    merged = merge(edits)
    assert all(a.end <= b.start for a, b in itertools.pairwise(merged))
    assert _covered(edits) == _covered(merged)


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=20, max_size=60),
    is_url=st.booleans(),
    is_padded=st.booleans(),
)
def test_base64_comes_back_as_it_was_when_its_text_stays(text: str, is_url: bool, is_padded: bool) -> None:
    import base64

    encoded = (base64.urlsafe_b64encode if is_url else base64.b64encode)(text.encode())
    if not is_padded:
        encoded = encoded.rstrip(b"=")
    view = base64_view(b'"' + encoded + b'"')
    assert view.data == b'"' + text.encode() + b'"'
    edit = Edit(1, 2, b"REPLACED", ())
    raw = splice(b'"' + encoded + b'"', view.to_raw([edit]))
    again = base64_view(raw)
    assert again.data == b'"REPLACED' + text.encode()[1:] + b'"'


def _ascii(text: bytes) -> bytes:
    """Without backslashes, runs of other bytes as one: the two ways spell them differently."""
    other = bytes(byte if byte < 0x80 else 0xFF for byte in text.replace(b"\\", b""))
    return b"\xff".join(part for part in other.split(b"\xff") if part)


def _covered(edits: list[Edit]) -> set[int]:
    return {at for edit in edits for at in range(edit.start, edit.end)}
