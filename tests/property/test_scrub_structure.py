"""Whatever comes in: nothing raises, JSON stays JSON, scrubbing twice is scrubbing once, and what is clean stays."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.events import Media
from pipeline.scrubber.model import default_choose
from tests.support.scrubbing import CARD, CLOUD_KEY, KEY_BLOCK, TOKEN, scrub_json, small_scrubber

SECRETS = [
    TOKEN.decode(),
    KEY_BLOCK.decode(),
    "bob@mail.test",
    "password: hunter2hunter2",
    f"secret_key={CLOUD_KEY.decode()}",
]
PLACEHOLDER = "[REDACTED_GITHUB_PAT]"
PIECES = st.sampled_from(
    [
        *SECRETS,
        CARD.decode(),
        PLACEHOLDER,
        '"',
        "\\",
        "\n",
        "é",
        "你",
        "😀",
        "%20",
        "&",
        "=",
        "\\n",
        "\\u00",
        "[RED",
        "a" * 30,
        "\x00",
        "/",
        " ",
        "{",
        "}",
        "password=",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=8).map("".join)
NOISE = st.text(max_size=30) | st.sampled_from(["\\", "\n", '"', "é", "%20", "{", "password: "])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(int(CARD)) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4) | inner.map(json.dumps),
    max_leaves=12,
)
MEDIA: list[Media] = ["json", "ndjson", "sse", "form", "multipart", "xml", "text", "binary"]
BYTES = st.lists(
    PIECES.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=8), max_size=12
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(value=VALUES, is_ascii=st.booleans())
@example(value={"a": "[REDACTED_X"}, is_ascii=True)
def test_json_stays_json_and_only_strings_change(value: Any, is_ascii: bool) -> None:
    data = json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    scrubbed = json.loads(scrub_json(data).data)
    assert _shape(scrubbed) == _shape(value)


@settings(max_examples=300, deadline=None)
@given(value=VALUES, is_ascii=st.booleans())
def test_scrubbing_json_twice_is_scrubbing_it_once(value: Any, is_ascii: bool) -> None:
    once = scrub_json(json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")).data
    assert scrub_json(once).data == once


@settings(max_examples=500, deadline=None)
@given(
    data=BYTES,
    media=st.sampled_from(MEDIA),
    charset=st.sampled_from([None, "utf-8", "latin-1", "utf-16", "shift_jis", "utf-7", "cp037", "nonsense"]),
)
def test_no_bytes_raise_and_twice_is_once(data: bytes, media: Media, charset: str | None) -> None:
    scrubber = small_scrubber()
    once = scrubber.body(data, media, charset=charset, boundary=b"a", choose=default_choose).data
    assert scrubber.body(once, media, charset=charset, boundary=b"a", choose=default_choose).data == once


@settings(max_examples=300, deadline=None)
@given(data=BYTES, name=st.sampled_from(["authorization", "cookie", "set-cookie", "referer", "x-other"]))
def test_no_header_raises_and_twice_is_once(data: bytes, name: str) -> None:
    scrubber = small_scrubber()
    once = scrubber.header(name, data, default_choose).data
    assert scrubber.header(name, once, default_choose).data == once


@settings(max_examples=300, deadline=None)
@given(data=BYTES)
def test_no_target_raises_and_twice_is_once(data: bytes) -> None:
    scrubber = small_scrubber()
    once = scrubber.target(data, default_choose).data
    assert scrubber.target(once, default_choose).data == once


@settings(max_examples=200, deadline=None)
@given(front=NOISE, back=NOISE, layers=st.integers(0, 2), is_ascii=st.booleans())
def test_a_planted_token_never_survives_in_json(front: str, back: str, layers: int, is_ascii: bool) -> None:
    value: Any = {"text": f"{front} {TOKEN.decode()} {back}"}
    for _ in range(layers):
        value = {"inner": json.dumps(value, ensure_ascii=is_ascii)}
    scrubbed = scrub_json(json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")).data
    assert TOKEN not in scrubbed


def _shape(value: Any) -> Any:
    """The value without what strings say. Keys count only where none has become the same as another one."""
    if isinstance(value, str):
        return str
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if isinstance(value, dict):
        return dict if any("REDACTED" in key or _has_secret(key) for key in value) else [*map(_shape, value.values())]
    return value


def _has_secret(key: str) -> bool:
    return bool(scrub_json(json.dumps({key: 0}).encode("utf-8", "surrogatepass")).hits)
