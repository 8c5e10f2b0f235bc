"""Whatever the bytes and wherever they are cut, a stream gives what the whole body gives."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.pipeline.scrubber.stream_support import TEXTS, cut, new_stream, run, whole_result

PIECES = st.one_of(
    st.sampled_from(list(TEXTS.values())),
    st.sampled_from(
        [b" ", b"\n", b'"', b": ", b"=", b"password", b"token", b"://", b"@", b"-----BEGIN ", b"\\n", b"4111 "]
    ),
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda text: text.encode()),
)


@given(st.lists(PIECES, max_size=12).map(b"".join), st.lists(st.integers(0, 4000), max_size=8))
@settings(max_examples=400, deadline=None)
def test_any_text_cut_anywhere_gives_what_the_whole_gives(text: bytes, cuts: list[int]) -> None:
    places = sorted(at % (len(text) + 1) for at in cuts)
    chunks = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    assert run(new_stream(), chunks) == whole_result(text)


@given(st.lists(PIECES, max_size=8).map(b"".join), st.integers(1, 30))
@settings(max_examples=200, deadline=None)
def test_any_text_in_small_chunks_gives_what_the_whole_gives(text: bytes, size: int) -> None:
    assert run(new_stream(), cut(text, size)) == whole_result(text)
