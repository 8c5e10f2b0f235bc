"""A body in chunks is scrubbed as if it were whole, and leaves as early as it can."""

import json

import pytest

from pipeline.scrubber.hold import HOLD_BACK_BYTES, LONG_MATCH_BYTES
from tests.unit.pipeline.scrubber.stream_support import (
    CARD,
    EMAIL,
    JWT,
    PASSPHRASE,
    PEM,
    PEM_BODY,
    TEXTS,
    TOKEN,
    cut,
    fragments,
    new_stream,
    run,
    whole_hits,
    whole_result,
)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_cut_in_two_at_any_byte_gives_what_the_whole_gives(name: str) -> None:
    text = TEXTS[name]
    wanted = whole_result(text)
    for at in range(len(text) + 1):
        stream = new_stream()
        assert run(stream, [text[:at], text[at:]]) == wanted, at
        assert stream.hits == whole_hits(text)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_a_text_in_chunks_of_one_size_gives_what_the_whole_gives(name: str, size: int) -> None:
    assert run(new_stream(), cut(TEXTS[name], size)) == whole_result(TEXTS[name])


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "nothing"])
def test_the_texts_of_these_tests_hold_secrets(name: str) -> None:
    assert whole_result(TEXTS[name]) != TEXTS[name]


@pytest.mark.parametrize("media", ["text", "json", "xml", "form"])
def test_no_part_of_a_secret_leaves_before_the_rest_of_it_came(media: str) -> None:
    for secret in (TOKEN, PEM, JWT, EMAIL, CARD):
        stream = new_stream(media)  # type: ignore[arg-type]
        for at in range(len(secret)):
            assert stream.feed(secret[at : at + 1]) == b""
        assert fragments(secret, 8).search(stream.finish()) is None


@pytest.mark.parametrize(
    "text",
    [
        b"a line\n",
        b"a line \r\n\r\n",
        b"no secret is open here ",
        b"my password is: ",
        b"the token is a word, and is over ",
        b"{\n",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n",
        "日本語の文章。".encode() + b" ",
    ],
)
def test_text_that_ends_without_an_open_candidate_leaves_at_once(text: bytes) -> None:
    stream = new_stream()
    assert stream.feed(text) == text
    assert stream.finish() == b""


def test_what_announces_a_secret_leaves_and_still_announces_it() -> None:
    stream = new_stream()
    assert stream.feed(b"password: ") == b"password: "
    assert stream.feed(b"abcdefgh12345 and ") == b"[REDACTED_GENERIC_PASSWORD] and "


def test_a_passphrase_in_quotes_waits_for_its_end() -> None:
    stream = new_stream()
    out = stream.feed(b'passphrase = "' + PASSPHRASE[:20] + b" ")
    assert out == b"passphrase = "
    assert stream.feed(PASSPHRASE[20:] + b'"\n') == b'"[REDACTED_QUOTED_PASSPHRASE]"\n'


def test_no_more_than_the_hold_back_waits_in_text_without_white_space() -> None:
    stream = new_stream()
    text = b'{"a":[1,2,3],"b":"c"},' * 4000
    sent = gone = 0
    for chunk in cut(text, 1000):
        sent += len(chunk)
        gone += len(stream.feed(chunk))
        assert sent - gone <= HOLD_BACK_BYTES
    assert gone + len(stream.finish()) == len(text)


def test_a_long_blob_of_base64_passes_and_is_held_back_no_more_than_the_limit() -> None:
    blob = b"QUJD" * 50_000
    stream, sent, gone = new_stream(), 0, b""
    for chunk in cut(b'{"image": "' + blob + b'"}', 4096):
        sent += len(chunk)
        gone += stream.feed(chunk)
        assert sent - len(gone) <= LONG_MATCH_BYTES + 4096
    assert gone + stream.finish() == b'{"image": "' + blob + b'"}'
    assert not stream.hits


def test_a_key_in_fifty_chunks_is_one_hit() -> None:
    text = b"key: " + PEM + b"\n"
    stream = new_stream()
    assert run(stream, cut(text, len(text) // 50)) == b"key: [REDACTED_PRIVATE_KEY]\n"
    assert [hit.length for hit in stream.hits] == [len(PEM)]


def test_a_key_that_does_not_end_within_the_limit_is_replaced_and_the_rest_taken_out_up_to_its_footer() -> None:
    text = b"before\n" + PEM[: PEM.index(b"-----END")] + PEM_BODY * 60 + PEM[PEM.index(b"-----END") :] + b"\nafter\n"
    stream = new_stream()
    out = run(stream, cut(text, 1500))
    assert out == b"before\n[REDACTED_PRIVATE_KEY]\nafter\n"
    assert [hit.rule.id for hit in stream.hits] == ["private-key"]


def test_a_token_that_does_not_end_within_the_limit_is_replaced_and_the_rest_taken_out() -> None:
    text = b"a " + JWT + b"s" * 3 * LONG_MATCH_BYTES + b" after"
    assert run(new_stream(), cut(text, 1500)) == b"a [REDACTED_JWT] after"


def test_talk_about_keys_is_not_held_back_for_long() -> None:
    text = b'if "-----BEGIN PRIVATE KEY-----" in text:\n' + b"    return True  # it is a key, then\n" * 500
    assert new_stream().feed(text) == text
    line = b"data: if '-----BEGIN PRIVATE KEY-----' is in it: \n\n"
    stream, more = new_stream("sse"), b"data: it is a key, then, and we say so. \n\n"
    assert b"it is a key" in [stream.feed(event) for event in (line, *[more] * 16)][-1]
    assert stream.feed(more) == more


def test_a_key_in_lines_of_any_length_is_taken_out() -> None:
    body = b"\n".join(cut(PEM_BODY.replace(b"\n", b""), 20))
    text = b"my key:\n" + PEM[:32] + body + b"\n" + PEM[-29:] + b"\nthe end\n"
    assert whole_result(text) == b"my key:\n[REDACTED_PRIVATE_KEY]\nthe end\n"
    for size in (1, 30, 700):
        assert run(new_stream(), cut(text, size)) == whole_result(text)


def test_an_allowed_hit_passes_and_is_told() -> None:
    text = TEXTS["token"]
    for action, wanted in (("allow", text), ("alert", text), ("block", whole_result(text))):
        stream = new_stream(choose=lambda _, action=action: action)  # type: ignore[misc]
        assert run(stream, cut(text, 5)) == wanted
        assert [(hit.rule.id, hit.action, hit.location, hit.length) for hit in stream.hits] == [
            ("forge-token", action, "body", 40)
        ]


def test_an_empty_stream_is_empty() -> None:
    assert run(new_stream(), []) == b""
    assert run(new_stream(), [b"", b""]) == b""


def test_lines_of_a_key_without_its_header_wait_for_each_other() -> None:
    lines = PEM_BODY.splitlines(keepends=True)
    stream = new_stream()
    assert stream.feed(b"private_key: \n") == b"private_key: \n"
    for line in lines:
        assert stream.feed(line) == b""
    assert stream.feed(b"the end\n") == PEM_BODY + b"the end\n"  # none of the rules here is for such keys


def test_a_putty_key_waits_for_its_end() -> None:
    stream = new_stream()
    assert stream.feed(b"Private-Lines: 24\n" + PEM_BODY) == b""
    assert stream.feed(b"short==\nPrivate-MAC: ") == b""
    assert stream.feed(b"0123456789" * 4 + b"\n").endswith(b"0123456789\n")


def test_an_attachment_in_lines_of_base64_passes() -> None:
    text = PEM_BODY * 200
    stream, sent, gone = new_stream(), 0, 0
    for chunk in cut(text, 4096):
        sent += len(chunk)
        gone += len(stream.feed(chunk))
        assert sent - gone <= 20 * 1024
    assert gone + len(stream.finish()) == len(text)
    assert not stream.hits


def test_the_lines_of_a_putty_key_in_small_chunks_leave_together() -> None:
    head, body = b"Private-Lines: ", b"24\n" + PEM_BODY + b"short==\n"
    tail = b"Private-MAC: " + b"0123456789" * 4
    stream = new_stream()
    assert b"".join([stream.feed(chunk) for chunk in cut(head + body + tail[:-1], 5)]) == head
    assert stream.feed(tail[-1:]) + stream.finish() == body + tail


def test_json_stays_json_where_a_number_looks_like_a_secret() -> None:
    card = CARD.replace(b" ", b"")
    text = b'{"card": %b, "list": [1, %b,\n2], "text": "card: %b, and", "nested": "{\\"card\\":%b}", "end": %b}' % (
        card,
        card,
        card,
        card,
        card,
    )
    for size in (1, 7, len(text)):
        stream = new_stream("json")
        document = json.loads(run(stream, cut(text, size)))
        number = int(card)
        assert document == {
            "card": number,
            "list": [1, number, 2],
            "text": "card: [REDACTED_CARD], and",
            "nested": '{"card":[REDACTED_CARD]}',
            "end": number,
        }
        assert [hit.action for hit in stream.hits] == ["alert", "alert", "scrub", "scrub", "alert"]


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (b'if ("tJ9bGXjTX!yB" ', b"== other) {\n"),
        (b'if ("tJ9bGXjTX!yB" == pass', b"word) {\n"),
        (b"data:\n  password: dGhlIHBhc3N3b3Jk\n", b"kind: Secret\n"),
        (b'{"data": {"key": "dGhlIHBhc3N3b3Jk"}, ', b'"kind": "Secret"}\n'),
    ],
)
def test_a_value_waits_for_what_may_give_it_away(begin: bytes, end: bytes) -> None:
    stream = new_stream()
    first = stream.feed(begin)
    assert b"tJ9b" not in first
    assert b"dGhl" not in first
    assert first + stream.feed(end) + stream.finish() == whole_result(begin + end)


def test_a_match_that_grows_after_it_left_leaves_one_placeholder_only() -> None:
    stream = new_stream("sse")
    first = stream.feed(b"data: " + TOKEN + b"\n\n")
    assert first == b"data: [REDACTED_FORGE_TOKEN]\n\n"
    mail = new_stream("sse")
    assert mail.feed(b"data: " + EMAIL + b"\n\n") == b"data: [REDACTED_EMAIL]\n\n"
    assert mail.feed(b"data: .org is it\n\n") == b"data:  is it\n\n"


def test_the_rest_of_an_allowed_match_leaves_too() -> None:
    stream = new_stream("sse", choose=lambda _: "allow")
    events = [b"data: " + EMAIL + b"\n\n", b"data: .org is it\n\n"]
    assert [stream.feed(event) for event in events] == events
