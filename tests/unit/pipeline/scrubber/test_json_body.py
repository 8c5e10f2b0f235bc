"""JSON bodies: strings are scrubbed, everything else stays byte for byte."""

import base64
import json

import pytest

from pipeline.events import Action
from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.json_body import MAX_RESCANNED
from pipeline.scrubber.model import RuleInfo, default_choose
from pipeline.scrubber.rules import parse_rules
from pipeline.scrubber.scrubber import Scrubber
from tests.support.scrubbing import CARD, CLOUD_KEY, KEY_BLOCK, TOKEN, fingerprint, found, scrub_json, small_scrubber

MARK = b"[REDACTED_GITHUB_PAT]"


def escaped(text: bytes) -> bytes:
    return b"".join(b"\\u%04x" % byte for byte in text)


def test_clean_body_is_the_very_same_object() -> None:
    data = b'{"a": "b", "n": [1, 2.50, true, null], "u": "\\u00e9 \\/ %41"}'
    assert scrub_json(data).data is data


def test_a_secret_is_replaced_and_every_other_byte_stays() -> None:
    data = b'{ "max_tokens" :4096,\n "m":[1.0e5, {"content" : "use ' + TOKEN + b' \\u00e9"}] }\n'
    result = scrub_json(data)
    assert result.data == data.replace(TOKEN, MARK)
    assert found(result) == [("github-pat", "scrub", "body $.m[1].content")]
    assert result.hits[0].length == len(TOKEN)


def test_key_and_value_give_each_other_context() -> None:
    data = b'{"user": "x", "password": "hunter2hunter2", "n": 1}'
    assert scrub_json(data).data == b'{"user": "x", "password": "[REDACTED_GENERIC_PASSWORD]", "n": 1}'


@pytest.mark.parametrize(
    "spelling",
    [
        TOKEN,
        escaped(TOKEN),
        TOKEN[:8] + escaped(TOKEN[8:9]) + TOKEN[9:],
        escaped(TOKEN[:1]).upper().replace(b"\\U", b"\\u") + TOKEN[1:],
        b"\\n" + TOKEN,
        b"\\t" + TOKEN + b"\\n",
        b"\\ud83d\\ude00" + TOKEN,
        b"\\u00e9" + TOKEN + b"\\u00e9",
        b"\\\\" + TOKEN,
        b'\\"' + TOKEN + b'\\"',
    ],
)
def test_escapes_do_not_hide_a_secret(spelling: bytes) -> None:
    result = scrub_json(b'{"a":"x ' + spelling + b' y","b":1}')
    text = json.loads(result.data)["a"]
    assert TOKEN.decode() not in text
    assert MARK.decode() in text
    assert text == json.loads(b'{"a":"x ' + spelling + b' y"}')["a"].replace(TOKEN.decode(), MARK.decode())


def test_escaped_slashes_do_not_hide_a_secret() -> None:
    data = b'{"secret_key":"' + CLOUD_KEY.replace(b"/", b"\\/") + b'"}'
    result = scrub_json(data)
    assert result.data == b'{"secret_key":"[REDACTED_CLOUD_SECRET_KEY]"}'
    assert result.hits[0].fingerprint == fingerprint(CLOUD_KEY)


def test_a_private_key_with_escaped_line_breaks_is_replaced_whole() -> None:
    result = scrub_json(json.dumps({"k": KEY_BLOCK.decode() + "\n", "z": 1}).encode())
    assert json.loads(result.data) == {"k": "[REDACTED_PRIVATE_KEY]\n", "z": 1}
    assert result.hits[0].fingerprint == fingerprint(KEY_BLOCK)
    assert result.hits[0].length == len(KEY_BLOCK)


def test_a_private_key_in_an_array_of_lines_is_replaced_in_each_and_reported_once() -> None:
    lines = KEY_BLOCK.decode().split("\n")
    result = scrub_json(json.dumps({"k": lines, "role": "user"}).encode())
    assert json.loads(result.data) == {"k": ["[REDACTED_PRIVATE_KEY]"] * len(lines), "role": "user"}
    assert len(result.hits) == 1


def test_what_lies_between_the_halves_of_a_key_is_no_part_of_it() -> None:
    begin, *middle, end = KEY_BLOCK.decode().split("\n")
    assert middle
    between = {"role": "assistant", "content": "and then there are a few lines of base64"}
    messages = [{"role": "user", "content": f"it starts with {begin}"}, between, {"role": "user", "content": end}]
    scrubbed = json.loads(scrub_json(json.dumps(messages).encode()).data)
    assert [message["role"] for message in scrubbed] == ["user", "assistant", "user"]
    assert scrubbed[1] == between
    assert scrubbed[0]["content"] == "it starts with [REDACTED_PRIVATE_KEY]"


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("is_ascii", [True, False])
def test_json_in_json_strings_stays_json(layers: int, is_ascii: bool) -> None:
    value: object = {"c": f"é\n{TOKEN.decode()}", "card": int(CARD)}
    for _ in range(layers):
        value = {"body": json.dumps(value, ensure_ascii=is_ascii)}
    result = scrub_json(json.dumps(value, ensure_ascii=is_ascii).encode())
    inner = json.loads(result.data)
    for _ in range(layers):
        inner = json.loads(inner["body"])
    assert inner == {"c": "é\n" + MARK.decode(), "card": int(CARD)}
    root = "body" + " $.body" * layers
    assert found(result) == [("github-pat", "scrub", f"{root} $.c"), ("credit-card", "alert", f"{root} $.card")]


def test_numbers_stay_and_are_alerted() -> None:
    data = b'{"max_tokens":4096,"password":12345678,"card":' + CARD + b',"list":[' + CARD + b"]}"
    result = scrub_json(data)
    assert result.data is data
    assert ("credit-card", "alert", "body $.card") in found(result)
    assert ("credit-card", "alert", "body $.list[0]") in found(result)
    assert all(hit.action == "alert" for hit in result.hits)


def test_a_key_that_is_a_secret_is_scrubbed_and_not_in_any_location() -> None:
    data = b'{"' + TOKEN + b'": {"x": "' + TOKEN + b'"}}'
    result = scrub_json(data)
    assert json.loads(result.data) == {MARK.decode(): {"x": MARK.decode()}}
    assert all(TOKEN.decode() not in hit.location for hit in result.hits)


def test_long_and_odd_keys_are_cut_and_made_printable_in_locations() -> None:
    data = json.dumps({"k" * 100: {"a\x1b[31m\u202e": TOKEN.decode()}}).encode()
    location = scrub_json(data).hits[0].location
    assert location.startswith("body $." + "k" * 64 + "[")
    assert location.isprintable()


@pytest.mark.parametrize("layers", [1, 2])
def test_base64_of_text_is_decoded_and_encoded_again(layers: int) -> None:
    text = b"my token is " + TOKEN + b", keep it"
    encoded = text
    for _ in range(layers):
        encoded = base64.b64encode(encoded)
    result = scrub_json(b'{"data":"' + encoded + b'"}')
    decoded = json.loads(result.data)["data"].encode()
    for _ in range(layers):
        decoded = base64.b64decode(decoded, validate=True)
    assert decoded == text.replace(TOKEN, MARK)
    assert result.hits[0].fingerprint == fingerprint(TOKEN)


@pytest.mark.parametrize("layers", [0, 1])
def test_rules_over_lines_and_quotes_see_the_text_inside_of_strings(layers: int) -> None:
    rules = """
    [[rules]]
    id = "manifest"
    regex = "kind: Secret\\ndata:\\n {2}\\\\w+: (\\\\w{8,})"
    [[rules]]
    id = "command"
    regex = "curl [^\\n]*-u \\"[a-z]+:([^\\"]+)\\""
    """
    engine = build_engine(parse_rules(rules, source="test rules"))
    text = 'x\nkind: Secret\ndata:\n  key: bXlwYXNz\n\ncurl -s -u "bob:tr0ub\\4dor" a.test\n'
    data = text
    for _ in range(layers + 1):
        data = json.dumps({"a": data})
    result = Scrubber(engine, fingerprint=fingerprint).body(data.encode(), "json", choose=default_choose)
    scrubbed = result.data.decode()
    for _ in range(layers + 1):
        scrubbed = json.loads(scrubbed)["a"]
    assert scrubbed == text.replace("bXlwYXNz", "[REDACTED_MANIFEST]").replace("tr0ub\\4dor", "[REDACTED_COMMAND]")


def test_a_base64_image_is_not_touched() -> None:
    image = base64.b64encode(bytes(i * 7919 % 251 for i in range(60_000)))
    data = b'{"source":{"type":"base64","data":"' + image + b'"}}'
    assert scrub_json(data).data is data


def test_a_token_whose_claims_hold_personal_data_is_not_taken_apart_when_it_may_pass() -> None:
    claims = base64.urlsafe_b64encode(b'{"email":"somebody@mail.test"}').rstrip(b"=")
    data = b'{"password":"' + b"e30." + claims + b'.c2ln"}'

    def choose(rule: RuleInfo) -> Action:
        return "allow" if rule.id == "generic-password" else "scrub"

    result = small_scrubber().body(data, "json", choose=choose)
    assert result.data is data
    assert found(result) == [("generic-password", "allow", "body $.password")]


@pytest.mark.parametrize("action", ["allow", "alert", "block"])
def test_what_is_not_to_be_scrubbed_stays_and_is_reported(action: Action) -> None:
    data = b'{"a":"' + TOKEN + b'"}'
    result = small_scrubber().body(data, "json", choose=lambda rule: action)
    assert result.data is data
    assert found(result) == [("github-pat", action, "body $.a")]


def test_what_is_no_json_is_scrubbed_as_text() -> None:
    data = b"password=hunter2hunter2 and " + CARD + b' {"a": "' + TOKEN
    assert scrub_json(data).data == (b'password=[REDACTED_GENERIC_PASSWORD] and [REDACTED_CREDIT_CARD] {"a": "' + MARK)


def test_nan_and_lone_surrogates_do_not_turn_json_into_text() -> None:
    data = b'{"x": NaN, "s": "\\ud800", "card": ' + CARD + b', "t": "' + TOKEN + b'"}'
    assert scrub_json(data).data == data.replace(TOKEN, MARK)


def test_a_deeply_nested_document_is_scrubbed() -> None:
    data = b'{"a":' * 20_000 + b'"' + TOKEN + b'"' + b"}" * 20_000
    assert scrub_json(data).data == data.replace(TOKEN, MARK)


def test_one_byte_that_is_not_utf8_hides_nothing_and_stays() -> None:
    data = b'{"a":"\xff ' + TOKEN + b' \xe9","n":' + CARD + b"}"
    assert scrub_json(data).data == data.replace(TOKEN, MARK)


def test_the_result_and_its_hits_show_no_secret() -> None:
    result = scrub_json(b'{"a":"' + TOKEN + b'"}')
    assert TOKEN.decode() not in repr(result) + repr(result.hits)


def test_fifty_secrets_cost_time_in_proportion() -> None:
    row = b'{"role":"user","content":"' + b"some words \\n " * 60 + TOKEN + b'"}'
    data = b"[" + b",".join([row] * 50) + b"]"
    result = small_scrubber().body(data, "json", choose=default_choose)
    assert len(result.hits) == 50
    assert [hit.location for hit in result.hits[:2]] == ["body $[0].content", "body $[1].content"]


def test_a_find_over_thousands_of_strings_is_cut_out_of_all_that_are_not_looked_at() -> None:
    begin, *_, end = KEY_BLOCK.decode().split("\n")
    rows = [{"r": "user name"} for _ in range(MAX_RESCANNED)]
    scrubbed = json.loads(scrub_json(json.dumps([begin, *rows, end]).encode()).data)
    assert scrubbed[1] == {"r": "user name"}
    assert scrubbed[-2] == {"[REDACTED_PRIVATE_KEY]": "[REDACTED_PRIVATE_KEY]"}


def test_a_pardoned_place_keeps_its_secret_and_no_other_place_does() -> None:
    data = b'{"auth": {"token": "' + TOKEN + b'"}, "text": "' + TOKEN + b'"}'
    result = small_scrubber().body(
        data, "json", choose=default_choose, pardon=lambda rule, location: location == "body $.auth.token"
    )
    assert json.loads(result.data) == {"auth": {"token": TOKEN.decode()}, "text": MARK.decode()}
    assert [action for _, action, _ in found(result)] == ["allow", "scrub"]
