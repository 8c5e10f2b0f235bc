"""Event streams and codings under random bytes: nothing is lost, nothing raises, and no split lets a secret out."""

import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.codings import CODINGS, CodingError, decode, encode, open_decoder
from tests.unit.pipeline.scrubber.chat_streams import APIS, text_of
from tests.unit.pipeline.scrubber.stream_support import EMAIL, PASSWORD, PEM, TOKEN, cut, fragments, new_stream, run

SECRETS = [TOKEN, EMAIL, PEM, b"password = " + PASSWORD]
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@"), max_size=30)
NOISE = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            b"\n\n",
            b"\r\n\r\n",
            b"\r",
            b"data: ",
            b"data:",
            b"data",
            b"event: ping\n",
            b": c\n",
            b"id: 1\n",
            b'{"delta":"a"}',
            b'{"type":"content_block_delta","index":0,"delta":{"text":"ab"}}',
            b'{"type":"content_block_delta","index":[],"delta":{"text":1}}',
            b'{"choices":[{"delta":{"content":"a b"}},3,{"delta":{"tool_calls":[{"function":{"arguments":"x"}},1]}}]}',
            b'{"candidates":[{"content":{"parts":[{"text":"a"},2]}},null]}',
            b'{"done":false,"message":{"content":"x"},"response":"y"}',
            b'{"type":"x.delta","delta":"d","id":{}}',
            b'{"a":{"text":"x"},"a":{"text":"y"}}',
            b"[[[[[[[[[[",
            b'"text"',
            b"[DONE]",
            b"null",
            b" " + TOKEN + b" ",
        ]
    ),
)


@given(st.lists(NOISE, max_size=20).map(b"".join), st.integers(1, 20), st.sampled_from(["sse", "ndjson"]))
@settings(max_examples=400, deadline=None)
def test_any_bytes_in_chunks_of_any_size_give_the_same_and_never_raise(data: bytes, size: int, media: str) -> None:
    whole = run(new_stream(media), [data])  # type: ignore[arg-type]
    assert run(new_stream(media), cut(data, size)) == whole  # type: ignore[arg-type]
    assert TOKEN not in whole


@given(
    st.sampled_from(sorted(APIS)), WORDS, st.sampled_from(SECRETS), WORDS, st.lists(st.integers(0, 3000), max_size=12)
)
@settings(max_examples=300, deadline=None)
def test_a_secret_among_random_text_in_random_deltas_never_leaves(
    api: str, before: str, secret: bytes, after: str, cuts: list[int]
) -> None:
    text = f"{before} {secret.decode()} {after}"
    places = sorted(at % (len(text) + 1) for at in cuts)
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    out = text_of(run(new_stream("sse"), APIS[api](pieces)))
    value = secret.removeprefix(b"password = ").replace(b"PRIVATE KEY", b"")
    assert fragments(value, 12).search(out.encode("utf-8", "surrogatepass")) is None


@given(
    st.sampled_from(sorted(APIS)), st.lists(st.text(st.characters(exclude_characters="@"), max_size=12), max_size=20)
)
@settings(max_examples=300, deadline=None)
def test_random_text_without_a_secret_comes_out_the_same(api: str, pieces: list[str]) -> None:
    data = b"".join(APIS[api](pieces or [""]))
    stream = new_stream("sse")
    out = run(stream, [data])
    assert stream.hits or text_of(out) == text_of(data)


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers() | st.none()), max_size=8))
@settings(max_examples=200, deadline=None)
def test_lines_without_a_secret_leave_byte_for_byte_as_they_came(documents: list[dict[str, object]]) -> None:
    data = b"".join(json.dumps(document).encode() + b"\n" for document in documents)
    stream = new_stream("ndjson")
    out = run(stream, cut(data, 10))
    assert stream.hits or out == data


@given(st.binary(max_size=2000), st.lists(st.sampled_from(sorted(CODINGS)), max_size=3), st.integers(1, 300))
@settings(max_examples=200, deadline=None)
def test_any_stack_of_codings_gives_the_bytes_back(data: bytes, codings: list[str], size: int) -> None:
    encoded, decoder = encode(data, codings), open_decoder(codings)
    assert b"".join([decoder.feed(chunk) for chunk in cut(encoded, size)]) + decoder.finish() == data


@given(st.binary(max_size=300), st.sampled_from(sorted(CODINGS)), st.binary(max_size=20), st.integers(0, 300))
@settings(max_examples=500, deadline=None)
def test_damaged_bodies_raise_no_other_error_than_that_of_codings(
    data: bytes, coding: str, noise: bytes, at: int
) -> None:
    encoded = encode(data, [coding])
    for damaged in (noise, encoded[:at] + noise + encoded[at:], encoded[: at % (len(encoded) + 1)] + noise):
        with suppress(CodingError):
            assert isinstance(decode(damaged, [coding]), bytes)
