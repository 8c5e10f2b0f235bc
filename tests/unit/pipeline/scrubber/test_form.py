"""Form bodies: fields stay fields, values are decoded to look at and encoded where they change."""

import json
from urllib.parse import parse_qsl, quote, urlencode

import pytest

from pipeline.scrubber.model import Result, default_choose
from tests.support.scrubbing import CARD, TOKEN, found, small_scrubber

MARK = "[REDACTED_GITHUB_PAT]"


def scrub(data: bytes) -> Result:
    return small_scrubber().body(data, "form", choose=default_choose)


def test_clean_form_is_the_very_same_object() -> None:
    data = b"a=1&b=x%20y+z&c=%22%7B&&d"
    assert scrub(data).data is data


@pytest.mark.parametrize("encoded", [quote(TOKEN.decode(), safe=""), "".join(f"%{byte:02x}" for byte in TOKEN)])
def test_a_secret_is_replaced_and_its_neighbours_stay(encoded: str) -> None:
    result = scrub(b"a=%41&text=use+" + encoded.encode() + b"%21&b=2")
    assert parse_qsl(result.data.decode()) == [("a", "A"), ("text", f"use {MARK}!"), ("b", "2")]
    assert result.data.startswith(b"a=%41&text=use+%5B")
    assert found(result) == [("github-pat", "scrub", "form text")]
    assert result.hits[0].length == len(TOKEN)


def test_a_field_ends_where_it_ends() -> None:
    result = scrub(b"password=hunter2hunter2&user=bob&n=1")
    assert result.data == b"password=%5BREDACTED_GENERIC_PASSWORD%5D&user=bob&n=1"


def test_a_plus_is_a_space_too() -> None:
    grouped = "+".join(CARD.decode()[i : i + 4] for i in range(0, 16, 4))
    result = scrub(f"card={grouped}&n=1".encode())
    assert result.data == b"card=%5BREDACTED_CREDIT_CARD%5D&n=1"


def test_json_in_a_field_stays_json() -> None:
    payload = json.dumps({"text": f"é {TOKEN.decode()}\n", "card": int(CARD)})
    result = scrub(urlencode({"payload": payload, "x": "1"}).encode())
    fields = dict(parse_qsl(result.data.decode()))
    assert json.loads(fields["payload"]) == {"text": f"é {MARK}\n", "card": int(CARD)}
    assert found(result) == [
        ("github-pat", "scrub", "form payload $.text"),
        ("credit-card", "alert", "form payload $.card"),
    ]


def test_a_field_name_that_is_a_secret_is_not_in_the_location() -> None:
    result = scrub(TOKEN + b"=1&b=2")
    assert result.data == b"%5BREDACTED_GITHUB_PAT%5D=1&b=2"
    assert result.hits[0].location == "form [REDACTED_GITHUB_PAT]"


def test_doubly_encoded_secrets_are_found() -> None:
    once = "".join(f"%{byte:02x}" for byte in TOKEN)
    assert TOKEN not in scrub(b"a=" + quote(once, safe="").encode()).data
    assert found(scrub(b"a=" + quote(once, safe="").encode())) == [("github-pat", "scrub", "form a")]
