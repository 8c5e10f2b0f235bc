"""Known values are found in every usual spelling, whole, and never where they are no secret."""

import base64
import json
import pickle
from urllib.parse import quote, quote_plus

import pytest

from pipeline.scrubber.exact import ExactValues, exact_engine
from pipeline.scrubber.exact_values import is_distinctive
from pipeline.scrubber.literal_gate import LONG_BYTES
from pipeline.scrubber.model import Engine
from tests.unit.pipeline.scrubber.stream_support import ENGINE, cut, fragments, new_stream, replaced, run, whole_result

VALUE = b"q7!Kd/x" + b'W"2 +mZ\\9p'
PLAIN = b"Zq81mfPw" + b"Lk20xvTb"
UNICODE = "pä$$wörd-".encode() + b"7Qz1"


def engine_for(*values: bytes, min_bytes: int = 8) -> Engine:
    return exact_engine(ENGINE, ExactValues([(f"N{n}", value) for n, value in enumerate(values)], min_bytes=min_bytes))


def scrubbed(text: bytes, *values: bytes) -> bytes:
    return replaced(text, engine_for(*values))


TEXT_SPELLINGS = {
    "raw": lambda text: text,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "URL": lambda text: quote(text, safe=""),
    "URL in lower case": lambda text: quote(text, safe="").lower() if text.islower() else quote(text),
    "form": lambda text: quote_plus(text),
    "percent, every byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent, every second byte": lambda text: "".join(
        f"%{byte:02X}" if n % 2 or byte > 127 else quote(chr(byte)) for n, byte in enumerate(text.encode())
    ),
    "percent, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "hex": lambda text: text.encode().hex(),
    "hex in upper case": lambda text: text.encode().hex().upper(),
}


@pytest.mark.parametrize("name", TEXT_SPELLINGS)
@pytest.mark.parametrize("value", [VALUE, PLAIN, UNICODE])
def test_a_known_value_is_found_in_this_spelling(name: str, value: bytes) -> None:
    spelling = TEXT_SPELLINGS[name](value.decode()).encode()
    out = scrubbed(b"<a> " + spelling + b" </a>", value)
    assert out.startswith(b"<a> [REDACTED_KNOWN_N0]")
    assert out.endswith(b"] </a>")
    assert fragments(spelling, 8).search(out) is None


@pytest.mark.parametrize("name", TEXT_SPELLINGS)
@pytest.mark.parametrize("value", [VALUE, PLAIN, UNICODE])
def test_it_is_found_in_a_long_body_as_in_a_short_one(name: str, value: bytes) -> None:
    spelling = TEXT_SPELLINGS[name](value.decode()).encode()
    before, after = b"one two " * (LONG_BYTES // 8), b" </a>"
    short = engine_for(value).find(b" " + spelling + after)
    shift = len(before) - 1
    assert short
    assert engine_for(value, PLAIN[::-1]).find(before + spelling + after) == [
        span._replace(start=span.start + shift, end=span.end + shift) for span in short
    ]


@pytest.mark.parametrize("value", [VALUE, PLAIN])
@pytest.mark.parametrize("at", range(16))
def test_one_character_as_a_unicode_escape_does_not_hide_a_value(value: bytes, at: int) -> None:
    text = value.decode()
    head, tail = json.dumps(text[:at])[1:-1], json.dumps(text[at + 1 :])[1:-1]
    spelling = f"{head}\\u{ord(text[at]):04x}{tail}".encode()
    out = scrubbed(b'{"k": "' + spelling + b'"}', value)
    assert json.loads(out) == {"k": "[REDACTED_KNOWN_N0]"}


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", range(6))
@pytest.mark.parametrize("after", range(3))
def test_a_value_within_base64_is_found_at_any_alignment(encode, before: int, after: int) -> None:  # type: ignore[no-untyped-def]
    for value in (VALUE, PLAIN):
        spelling = encode(b"u" * before + value + b"v" * after)
        out = scrubbed(b'x="' + spelling + b'"', value)
        assert b"[REDACTED_KNOWN_N0]" in out
        left = out.replace(b"[REDACTED_KNOWN_N0]", b"")
        assert len(left) <= len(spelling) - len(value) * 8 // 6 + 6
        assert fragments(spelling[-(-8 * before // 6) : 8 * (before + len(value)) // 6], 6).search(left) is None


@pytest.mark.parametrize("before", range(6))
@pytest.mark.parametrize("case", [bytes.upper, bytes.lower])
def test_a_value_within_base32_is_found_at_any_alignment(before: int, case) -> None:  # type: ignore[no-untyped-def]
    spelling = case(base64.b32encode(b"u" * before + PLAIN + b"v"))
    assert b"[REDACTED_KNOWN_N0]" in scrubbed(b"x=" + spelling, PLAIN)


def test_of_overlapping_values_no_fragment_of_either_remains() -> None:
    short, long = b"abc" + b"123", b"abc" + b'123-LONG-tail"x'
    engine = engine_for(short, long, min_bytes=6)
    text = b"one " + short + b" two " + long + b" three " + json.dumps(long.decode()).encode()
    out = replaced(text, engine)
    for fragment in (b"abc", b"123", b"LONG", b"tail"):
        assert fragment not in out
    assert out.startswith(b"one [REDACTED_KNOWN_N0] two [REDACTED_KNOWN_N1] three ")


def test_values_that_overlap_by_their_ends_become_one_span() -> None:
    first, second = b"Zq81mfPw" + b"Lk20", b"Lk20" + b"Tb93mmQa"
    out = scrubbed(b"a " + first + second[4:] + b" b", first, second)
    assert out == b"a [REDACTED_KNOWN_N0] b"


def test_a_rule_s_match_that_overlaps_with_a_value_makes_one_span_with_it() -> None:
    token = b"ghp_" + b"a1B2c3" * 6
    out = scrubbed(b"x " + token + b"/" + PLAIN + b" y", token + b"/" + PLAIN)
    assert out == b"x [REDACTED_KNOWN_N0] y"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"true",
        b"development",
        b"production",
        b"undefined",
        b"us-east-1",
        b"localhost:3000",
        b"127.0.0.1:8080",
        b"server01",
        b"2026-01-31",
        b"12345678",
        b"aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        b"/usr/local/bin",
        b"Zq81mf",
        b"v1.2.3-rc.1",
        b"x" * 20_000,
        b"[REDACTED_AWS_ACCESS_KEY]",
    ],
)
def test_what_also_stands_in_clean_text_is_not_looked_for(value: bytes) -> None:
    assert not is_distinctive(value)
    assert scrubbed(b"a " + value + b" b", value) == b"a " + value + b" b"


@pytest.mark.parametrize(
    "value", [VALUE, PLAIN, UNICODE, b"hunter2" + b"hunter2", b"abc" + b"12345", b"Tr0ub" + b"4dor&3"]
)
def test_a_password_is_looked_for(value: bytes) -> None:
    assert is_distinctive(value)


def test_values_show_up_in_no_representation_and_in_no_pickle() -> None:
    values = ExactValues({"DB_PASSWORD": VALUE, "MODE": b"development", PLAIN.decode(): PLAIN})
    engine = exact_engine(ENGINE, values)
    assert repr(values) == "ExactValues(2 values, 1 left out)"
    assert values.left_out == ("MODE",)
    shown = repr(engine) + repr(engine.rules)
    for secret in (VALUE.decode(), PLAIN.decode(), PLAIN.decode().lower()):
        assert secret not in shown
    assert {rule.id for rule in engine.rules} >= {"known-db-password", "known-secret"}
    with pytest.raises(TypeError):
        pickle.dumps(values)


def test_without_values_the_engine_is_the_inner_one() -> None:
    assert exact_engine(ENGINE, ExactValues({"MODE": b"development"})) is ENGINE


@pytest.mark.parametrize("value", [VALUE, PLAIN, b'two words, and (brackets) "q1"'])
def test_a_value_in_a_stream_is_found_wherever_it_is_cut(value: bytes) -> None:
    engine = engine_for(value)
    for text in (b"a " + value + b" b\n", b'{"k": ' + json.dumps(value.decode()).encode() + b"}"):
        wanted = whole_result(text, engine)
        assert b"[REDACTED_KNOWN_N0]" in wanted
        for at in range(len(text)):
            assert run(new_stream(engine=engine), [text[:at], text[at:]]) == wanted, at
        assert run(new_stream(engine=engine), cut(text, 1)) == wanted


def test_hundreds_of_values_are_found_at_once() -> None:
    values = [b"%dvKq" % n + b"Zx%dMw" % (n * 7919) for n in range(300)]
    text = b"\n".join(values)
    assert replaced(text, engine_for(*values)).count(b"[REDACTED_KNOWN_N") == 300
