"""Event streams: secrets are caught across deltas, and everything else leaves event by event as it came."""

import json
import time

import pytest

from tests.unit.pipeline.scrubber.chat_streams import (
    APIS,
    anthropic,
    chat_chunk,
    event,
    gemini,
    openai_chat,
    openai_responses,
    payloads,
    simple,
    text_of,
)
from tests.unit.pipeline.scrubber.stream_support import (
    CARD,
    EMAIL,
    PASSWORD,
    PEM,
    TOKEN,
    cut,
    fragments,
    new_stream,
    run,
)

TOKEN_TEXT = f"Here it is: {TOKEN.decode()} - take care.\nBye"
CLEAN = 'The quick brown fox, jumps over the lazy dog: größe 日本語 \U0001f600 "quoted" \\ back\n\nNew paragraph.'


@pytest.mark.parametrize("api", APIS)
def test_a_token_cut_into_two_deltas_at_any_place_is_caught(api: str) -> None:
    for at in range(len(TOKEN_TEXT) + 1):
        events = APIS[api]([TOKEN_TEXT[:at], TOKEN_TEXT[at:]])
        stream = new_stream("sse")
        out = run(stream, events)
        assert text_of(out) == "Here it is: [REDACTED_FORGE_TOKEN] - take care.\nBye", at
        assert fragments(TOKEN).search(out) is None
        assert "forge-token" in {hit.rule.id for hit in stream.hits}


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("secret", [TOKEN, EMAIL, CARD, PEM, b"password: " + PASSWORD])
def test_a_secret_in_small_deltas_is_caught(api: str, size: int, secret: bytes) -> None:
    text = f"See {secret.decode()} and go on"
    events = APIS[api]([text[at : at + size] for at in range(0, len(text), size)])
    out = run(new_stream("sse"), events)
    assert fragments(secret.removeprefix(b"password: "), 8).search(out.replace(b"PRIVATE_KEY", b"")) is None
    assert text_of(out).startswith("See ")
    assert text_of(out).endswith("] and go on")


@pytest.mark.parametrize("api", APIS)
def test_a_stream_cut_at_any_byte_gives_the_same(api: str) -> None:
    data = b"".join(APIS[api]([TOKEN_TEXT[:20], TOKEN_TEXT[20:44], TOKEN_TEXT[44:]]))
    wanted = run(new_stream("sse"), [data])
    for at in range(0, len(data), 3):
        assert run(new_stream("sse"), [data[:at], data[at:]]) == wanted, at
    assert run(new_stream("sse"), cut(data, 1)) == wanted


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("size", [1, 3, 17])
def test_text_without_a_secret_comes_out_the_same(api: str, size: int) -> None:
    events = APIS[api]([CLEAN[at : at + size] for at in range(0, len(CLEAN), size)])
    data = b"".join(events)
    stream = new_stream("sse")
    out = run(stream, cut(data, 100))
    assert text_of(out) == text_of(data) == CLEAN
    assert not stream.hits
    kinds = [json.dumps(payload)[:40] for payload in payloads(data)]
    assert [kind for kind in (json.dumps(payload)[:40] for payload in payloads(out)) if kind in kinds]


@pytest.mark.parametrize("api", APIS)
def test_deltas_that_end_with_a_space_or_a_line_leave_byte_for_byte_as_they_came(api: str) -> None:
    events = APIS[api](["One line\n", "and then ", "another one, (really) ", "until the end.\n"])
    stream = new_stream("sse")
    for data in events:
        assert stream.feed(data) == data
    assert stream.finish() == b""


@pytest.mark.parametrize("api", APIS)
def test_every_event_leaves_at_once_as_an_event(api: str) -> None:
    words = [word + " " for word in ("word " * 99).split()] + ["end"]
    stream = new_stream("sse")
    for data in APIS[api](words):
        assert payloads(stream.feed(data))


def test_words_without_a_space_after_them_leave_no_later_than_with_the_next_delta() -> None:
    words = [" word"] * 100
    stream = new_stream("sse")
    gone = 0
    for sent, data in enumerate(anthropic(words)[3:-3]):
        gone += len(text_of(stream.feed(data)))
        assert gone >= (sent - 1) * len(" word")


def test_the_first_event_leaves_with_the_byte_that_completes_it() -> None:
    for first in (b"data: tick 1\n\n", b": hello\n\n", b"event: ping\r\ndata: {}\r\n\r\n", event({"type": "ping"})):
        stream = new_stream("sse")
        out = b"".join([stream.feed(first[at : at + 1]) for at in range(len(first))])
        assert out == first


def test_a_ping_amid_a_secret_passes_at_once_and_does_not_hide_it() -> None:
    events = anthropic(["my " + TOKEN.decode()[:20], TOKEN.decode()[20:] + " ok"])
    stream = new_stream("sse")
    outs = [stream.feed(data) for data in events]
    assert outs[3] == events[3]
    assert text_of(b"".join(outs)) == "my [REDACTED_FORGE_TOKEN] ok"


def test_what_waits_leaves_before_the_event_that_ends_its_text() -> None:
    out = run(new_stream("sse"), anthropic(["the", "end"]))
    kinds = [payload["type"] for payload in payloads(out)]
    assert kinds == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert text_of(out) == "theend"


def test_a_stream_without_an_ending_loses_nothing() -> None:
    events = anthropic(["the", "end"])[:5]
    assert text_of(run(new_stream("sse"), events)) == "theend"
    cut_off = b"".join(events)[:-1]
    assert text_of(run(new_stream("sse"), [cut_off])) == "theend"


def test_choices_side_by_side_are_texts_of_their_own() -> None:
    token = TOKEN.decode()
    chunks = [
        chat_chunk({"content": "a " + token[:9]}, choice=0),
        chat_chunk({"content": "b " + token[:30]}, choice=1),
        chat_chunk({"content": token[9:] + " c"}, choice=0),
        chat_chunk({"content": token[30:] + " d"}, choice=1),
        chat_chunk({}, "stop", choice=0),
        chat_chunk({}, "stop", choice=1),
    ]
    out = run(new_stream("sse"), chunks)
    texts = {0: "", 1: ""}
    for payload in payloads(out):
        choice = payload["choices"][0]
        texts[choice["index"]] += choice["delta"].get("content", "")
    assert texts == {0: "a [REDACTED_FORGE_TOKEN] c", 1: "b [REDACTED_FORGE_TOKEN] d"}


def test_a_summary_of_the_whole_text_is_scrubbed_too() -> None:
    out = run(new_stream("sse"), openai_responses(["my ", TOKEN.decode()[:10], TOKEN.decode()[10:]]))
    assert TOKEN not in out
    assert [p["text"] for p in payloads(out) if p["type"].endswith("text.done")] == ["my [REDACTED_FORGE_TOKEN]"]


def test_half_a_surrogate_pair_at_the_end_of_a_delta_survives() -> None:
    first = b'data: {"choices":[{"index":0,"delta":{"content":"a \\ud83d"}}]}\n\n'
    second = b'data: {"choices":[{"index":0,"delta":{"content":"\\ude00 b "}}]}\n\n'
    out = run(new_stream("sse"), [first, second])
    assert out == first + second


def test_a_secret_spelled_with_unicode_escapes_in_a_delta_is_caught() -> None:
    spelled = "".join(f"\\u{ord(c):04x}" for c in TOKEN.decode())
    data = b'data: {"choices":[{"index":0,"delta":{"content":"a %s b "}}]}\n\n' % spelled.encode()
    out = run(new_stream("sse"), cut(data, 7))
    assert text_of(out) == "a [REDACTED_FORGE_TOKEN] b "


@pytest.mark.parametrize(
    "place", ["id: %s\ndata: x\n\n", ": %s\n\n", "event: %s\ndata: {}\n\n", "data: %s\n\n", "%s\n\n"]
)
def test_a_secret_in_any_field_is_caught(place: str) -> None:
    data = (place % TOKEN.decode()).encode()
    out = run(new_stream("sse"), cut(data, 5))
    assert out == data.replace(TOKEN, b"[REDACTED_FORGE_TOKEN]")


def test_a_secret_in_a_string_that_is_no_delta_is_caught_and_the_delta_stays() -> None:
    payload = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "fine "},
        "note": TOKEN.decode(),
    }
    out = run(new_stream("sse"), [event(payload)])
    assert payloads(out) == [payload | {"note": "[REDACTED_FORGE_TOKEN]"}]


def test_data_over_several_lines_is_one_payload() -> None:
    data = b'event: x\ndata: {"a":\ndata: "%s",\ndata: "b": 1}\nid: 7\n\n' % TOKEN
    assert payloads(run(new_stream("sse"), [data])) == [{"a": "[REDACTED_FORGE_TOKEN]", "b": 1}]
    clean = b'data: {"a":\ndata: 1,\nid: 7\ndata: "b": 1}\n\n'
    assert run(new_stream("sse"), [clean]) == clean


def test_messages_that_are_no_pieces_are_left_whole() -> None:
    for n in range(3):
        message = {"jsonrpc": "2.0", "id": n, "result": {"content": [{"type": "text", "text": f"deploy {n} token"}]}}
        data = event(message)
        stream = new_stream("sse")
        assert stream.feed(data) == data
    feed = [event({"message": f"build {n} finished"}) for n in range(5)]
    stream = new_stream("sse")
    assert [stream.feed(data) for data in feed] == feed


def test_pieces_of_an_unknown_api_are_matched_across_events() -> None:
    text = TOKEN_TEXT
    for at in range(len(text)):
        out = run(new_stream("sse"), simple([text[:at], text[at:]]))
        joined = "".join(payload.get("text", "") for payload in payloads(out))
        assert TOKEN.decode() not in joined
        assert fragments(TOKEN, 8).search(joined.encode()) is None, at
    assert run(new_stream("sse"), simple(["a word", " and", " more"])) == b"".join(simple(["a word", " and", " more"]))


def test_plain_text_pieces_are_matched_across_events() -> None:
    for at in range(len(TOKEN)):
        out = run(new_stream("sse"), [b"data: " + TOKEN[:at] + b"\n\n", b"data: " + TOKEN[at:] + b"\n\n"])
        assert fragments(TOKEN, 8).search(b"".join(out.split(b"\n\ndata: "))) is None, at


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_of_the_standard_are_understood(end: str) -> None:
    events = [
        event({"choices": [{"index": 0, "delta": {"content": piece}}]}, "x", end)
        for piece in (TOKEN[:9].decode(), TOKEN[9:].decode() + " ")
    ]
    out = run(new_stream("sse"), cut(b"".join(events), 11))
    assert text_of(out.replace(end.encode(), b"\n")) == "[REDACTED_FORGE_TOKEN] "
    assert out.count(end.encode() * 2) == 2


def test_an_event_without_an_end_does_not_fill_the_memory() -> None:
    data = b"data: " + b"some words and more " * 200_000 + TOKEN + b" x\n\n" + event({"type": "ping"})
    stream = new_stream("sse")
    gone = 0
    for sent, chunk in enumerate(cut(data, 65536), 1):
        gone += len(out := stream.feed(chunk))
        assert sent * 65536 - gone <= 1024 * 1024 + 2 * 65536
    assert out.endswith(b"[REDACTED_FORGE_TOKEN] x\n\n" + event({"type": "ping"}))


def test_an_invalid_byte_does_not_switch_matching_off() -> None:
    data = b'data: {"choices":[{"index":0,"delta":{"content":"\xff ' + TOKEN + b' "}}]}\n\n'
    assert run(new_stream("sse"), [data]) == data.replace(TOKEN, b"[REDACTED_FORGE_TOKEN]")


def test_a_member_that_stands_twice_hides_nothing() -> None:
    data = b'data: {"choices":[{"index":0,"delta":{"content":"' + TOKEN + b'","content":"x "}}]}\n\n'
    assert TOKEN not in run(new_stream("sse"), [data])


def test_hits_tell_where_they_are() -> None:
    stream = new_stream("sse")
    run(stream, openai_chat([TOKEN.decode()]) + gemini([EMAIL.decode()]))
    assert [(hit.rule.id, hit.location) for hit in stream.hits] == [
        ("forge-token", "body $.choices[0].delta.content"),
        ("email", "body $.candidates[0].content.parts[0].text"),
    ]


def test_allowed_secrets_leave_as_they_came() -> None:
    data = b"".join(openai_chat([f"x {TOKEN.decode()} y "]))
    stream = new_stream("sse", choose=lambda _: "allow")
    assert run(stream, [data]) == data
    assert [hit.action for hit in stream.hits] == ["allow"]


def test_lines_of_ndjson_are_scrubbed_one_by_one() -> None:
    lines = [b'{"n": %d, "text": "some words"}\r\n' % n for n in range(3)] + [
        b"no JSON " + TOKEN + b"\n",
        b'{"k": "' + TOKEN + b'"}',
    ]
    stream = new_stream("ndjson")
    assert [stream.feed(line) for line in lines[:3]] == lines[:3]
    assert stream.feed(lines[3]) == b"no JSON [REDACTED_FORGE_TOKEN]\n"
    assert stream.feed(lines[4]) + stream.finish() == b'{"k": "[REDACTED_FORGE_TOKEN]"}'


def test_pieces_in_ndjson_are_matched_across_lines() -> None:
    def line(piece: str, *, done: bool) -> bytes:
        return (
            json.dumps({"model": "m", "message": {"role": "assistant", "content": piece}, "done": done}).encode()
            + b"\n"
        )

    token = TOKEN.decode()
    for at in range(len(token)):
        out = run(
            new_stream("ndjson"),
            [line("a " + token[:at], done=False), line(token[at:], done=False), line("", done=True)],
        )
        assert (
            "".join(json.loads(text)["message"]["content"] for text in out.splitlines()) == "a [REDACTED_FORGE_TOKEN]"
        )


def test_a_block_that_begins_with_text_is_one_text_with_its_deltas() -> None:
    token = TOKEN.decode()
    events = [
        event(
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "a " + token[:20]}}
        ),
        event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": token[20:] + " b"}}),
        event({"type": "content_block_stop", "index": 0}),
    ]
    out = run(new_stream("sse"), events)
    assert fragments(TOKEN).search(out) is None
    assert text_of(out) == "[REDACTED_FORGE_TOKEN] b"


def test_an_event_that_comes_byte_by_byte_costs_no_more_than_its_length() -> None:
    stream = new_stream("sse")
    start = time.thread_time()
    for _ in range(300_000):
        stream.feed(b"x")
    assert time.thread_time() - start < 20
    assert len(stream.finish()) == 300_000


def test_audio_passes_event_by_event() -> None:
    events = [
        event({"type": "response.audio.delta", "item_id": "i", "delta": "QUJDREVGR0hJSktM" * n}) for n in (9, 1, 50)
    ]
    stream = new_stream("sse")
    assert [stream.feed(data) for data in events] == events


@pytest.mark.parametrize(
    "text",
    [
        "user_joined",
        "order 1700000000000",
        "commit 7f3a9b2c1d",
        "deploy-2026-01-31 build_20260131",
        "key figures: up",
        "see https://example.test/a/b",
        "https://example.test:8080/x",
        'it is (quoted) "here"',
        'they said "something-else"',
        "data: {a: b}",
        "3.14",
        "done.",
    ],
)
def test_events_of_a_feed_that_are_no_chat_stay_whole(text: str) -> None:
    for data in (event({"text": text}), event({"status": text, "id": "x"}), event({"type": "note", "message": text})):
        stream = new_stream("sse")
        assert [stream.feed(data) for _ in range(3)] == [data] * 3
    plain = f"data: {text}\n\n".encode()
    assert new_stream("sse").feed(plain) == plain
