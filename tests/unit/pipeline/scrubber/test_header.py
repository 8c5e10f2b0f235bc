"""Header values: credentials are decoded and encoded again, cookies stay cookies, URLs stay URLs."""

import base64

import pytest

from pipeline.scrubber.model import Result, default_choose
from tests.support.scrubbing import TOKEN, fingerprint, found, small_scrubber

MARK = b"[REDACTED_GITHUB_PAT]"


def scrub(name: str, value: bytes) -> Result:
    return small_scrubber().header(name, value, default_choose)


def test_clean_header_is_the_very_same_object() -> None:
    value = b'W/"abc-123", text/html; q=0.5'
    assert scrub("etag", value).data is value


def test_a_bearer_token_is_replaced_and_its_scheme_stays() -> None:
    result = scrub("Authorization", b"Bearer " + TOKEN)
    assert result.data == b"Bearer " + MARK
    assert found(result) == [("github-pat", "scrub", "header authorization")]


def test_a_token_in_basic_credentials_is_replaced_inside_of_them() -> None:
    result = scrub("authorization", b"Basic " + base64.b64encode(b"x-token:" + TOKEN))
    scheme, _, credentials = result.data.partition(b" ")
    assert (scheme, base64.b64decode(credentials, validate=True)) == (b"Basic", b"x-token:" + MARK)
    assert result.hits[0].fingerprint == fingerprint(TOKEN)


def test_a_password_no_rule_knows_is_replaced_in_basic_credentials_and_the_user_stays() -> None:
    result = scrub("authorization", b"basic " + base64.b64encode(b"bob:correct horse"))
    assert base64.b64decode(result.data.split()[1]) == b"bob:[REDACTED_BASIC_AUTH]"
    assert result.hits[0].fingerprint == fingerprint(b"correct horse")
    assert scrub("authorization", result.data).data == result.data


def test_cookies_are_scrubbed_one_by_one() -> None:
    result = scrub("cookie", b"theme=dark; password=hunter2hunter2; t=" + TOKEN + b"; n=1")
    assert result.data == b"theme=dark; password=[REDACTED_GENERIC_PASSWORD]; t=" + MARK + b"; n=1"


def test_set_cookie_keeps_its_attributes() -> None:
    result = scrub("Set-Cookie", b"t=" + TOKEN + b"; Path=/; HttpOnly; Max-Age=3600")
    assert result.data == b"t=" + MARK + b"; Path=/; HttpOnly; Max-Age=3600"


@pytest.mark.parametrize("name", ["referer", "location", "content-location"])
def test_urls_in_headers_stay_urls(name: str) -> None:
    result = scrub(name, b"https://a.test/p?t=" + TOKEN + b"&x=1")
    assert result.data == b"https://a.test/p?t=%5BREDACTED_GITHUB_PAT%5D&x=1"
    assert found(result) == [("github-pat", "scrub", f"header {name} query t")]


def test_the_name_gives_context_and_is_not_changed() -> None:
    assert scrub("x-password", b"hunter2hunter2").data == b"[REDACTED_GENERIC_PASSWORD]"


def test_json_in_a_header_stays_json() -> None:
    result = scrub("x-data", b'{"n": 4111111111111111, "t": "' + TOKEN + b'"}')
    assert result.data == b'{"n": 4111111111111111, "t": "' + MARK + b'"}'
    assert found(result)[1] == ("github-pat", "scrub", "header x-data $.t")
