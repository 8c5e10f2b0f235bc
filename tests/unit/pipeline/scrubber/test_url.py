"""Request targets and URLs: scrubbed, percent-encoded, and still leading to the same host."""

from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.scrubber.model import Result, default_choose
from tests.support.scrubbing import TOKEN, found, small_scrubber

MARK = b"%5BREDACTED_GITHUB_PAT%5D"
EVERY_BYTE_ENCODED = b"".join(b"%%%02X" % byte for byte in TOKEN)


def scrub(target: bytes) -> Result:
    return small_scrubber().target(target, default_choose)


def test_clean_target_is_the_very_same_object() -> None:
    target = b"/v1/%7Euser/messages?beta=true&q=a%20b#top"
    assert scrub(target).data is target


@pytest.mark.parametrize("spelling", [TOKEN, EVERY_BYTE_ENCODED])
def test_path_query_and_fragment_are_scrubbed(spelling: bytes) -> None:
    result = scrub(b"/a/" + spelling + b"/b?x=1&t=" + spelling + b"&y=2#s=" + spelling)
    assert result.data == b"/a/" + MARK + b"/b?x=1&t=" + MARK + b"&y=2#s=" + MARK
    assert [location for _, _, location in found(result)] == ["url path", "url query t", "url fragment s"]


def test_a_query_value_has_its_name_for_context() -> None:
    result = scrub(b"/login?user=bob&password=hunter2hunter2&next=%2Fhome")
    assert parse_qs(urlsplit(result.data).query) == {
        b"user": [b"bob"],
        b"password": [b"[REDACTED_GENERIC_PASSWORD]"],
        b"next": [b"/home"],
    }


def test_a_value_with_a_question_mark_is_not_cut_there() -> None:
    assert scrub(b"/x?password=hunter2?hunter3&y=1").data == b"/x?password=%5BREDACTED_GENERIC_PASSWORD%5D&y=1"


def test_the_host_of_an_absolute_url_stays_and_is_alerted() -> None:
    url = b"http://10.0.0.7:8080/x?token=" + TOKEN
    result = scrub(url)
    assert result.data == b"http://10.0.0.7:8080/x?token=" + MARK
    assert ("private-ipv4", "alert", "url path") in found(result)
