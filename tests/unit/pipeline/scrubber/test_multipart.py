"""Multipart bodies: each part by its own type, the framing byte for byte."""

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

from pipeline.scrubber.model import Result, default_choose
from pipeline.scrubber.multipart import MAX_PARTS
from tests.support.scrubbing import TOKEN, found, small_scrubber

MARK = b"[REDACTED_GITHUB_PAT]"


def scrub(data: bytes, boundary: bytes = b"Xx") -> Result:
    return small_scrubber().body(data, "multipart", boundary=boundary, choose=default_choose)


def part(name: str, body: bytes, content_type: str = "", extra: str = "") -> bytes:
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    return f'--Xx\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n{kind}\r\n'.encode() + body + b"\r\n"


END = b"--Xx--\r\n"


def test_parts_are_scrubbed_and_the_framing_stays() -> None:
    data = (
        b"preamble\r\n"
        + part("a", b"t=" + TOKEN)
        + part("b", b'{"n": 1, "k": "' + TOKEN + b'"}', "application/json")
        + END
    )
    result = scrub(data)
    assert result.data == data.replace(TOKEN, MARK)
    assert found(result) == [("github-pat", "scrub", "part a"), ("github-pat", "scrub", "part b $.k")]


def test_binary_parts_are_not_touched_and_a_key_in_one_is_told_as_blocked() -> None:
    data = part("g", b"\0\1" + TOKEN, "application/octet-stream") + END
    result = scrub(data)
    assert result.data is data
    assert [(hit.rule.id, hit.action, hit.location) for hit in result.hits] == [("github-pat", "block", "part g")]


def test_text_in_a_part_that_is_labelled_as_a_picture_is_scrubbed() -> None:
    data = part("f", TOKEN, "image/png", '; filename="x.png"') + END
    assert TOKEN not in scrub(data).data


def test_an_unnamed_type_with_text_in_it_is_scrubbed() -> None:
    data = part("f", b"KEY=" + TOKEN + b"\n", "application/octet-stream", '; filename=".env"') + END
    assert scrub(data).data == data.replace(TOKEN, MARK)


def test_numbers_in_a_json_part_stay() -> None:
    data = part("j", b'{"card": 4111111111111111}', "application/json") + END
    assert scrub(data).data is data


def test_a_file_name_that_is_a_secret_is_scrubbed() -> None:
    data = part("f", b"x", "text/plain", f'; filename="{TOKEN.decode()}.txt"') + END
    result = scrub(data)
    assert result.data == data.replace(TOKEN, MARK)
    assert result.hits[0].location == "part ? head"


def test_an_empty_part_and_a_missing_end_change_nothing() -> None:
    data = part("a", b"") + part("b", TOKEN)
    assert scrub(data).data == data.replace(TOKEN, MARK)


def test_another_boundary_makes_it_text() -> None:
    data = part("a", TOKEN) + END
    result = scrub(data, b"other")
    assert result.data == data.replace(TOKEN, MARK)
    assert found(result) == [("github-pat", "scrub", "body")]


def test_the_result_is_read_by_a_mail_parser() -> None:
    data = part("a", TOKEN) + part("b", b"two") + END
    head = b"Content-Type: multipart/form-data; boundary=Xx\r\n\r\n"
    message = BytesParser(_class=EmailMessage, policy=HTTP).parsebytes(head + scrub(data).data)
    assert [str(each.get_content()).strip() for each in message.iter_parts()] == [MARK.decode(), "two"]


def test_what_is_behind_a_thousand_parts_is_still_scrubbed() -> None:
    data = part("a", b"x") * MAX_PARTS + part("b", TOKEN) + part("c", TOKEN, "image/png") + END
    assert scrub(data).data == data.replace(TOKEN, MARK)
