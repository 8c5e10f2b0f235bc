"""NDJSON and whole event streams: each line by itself."""

import json

from pipeline.scrubber.model import default_choose
from tests.support.scrubbing import CARD, KEY_BLOCK, TOKEN, found, small_scrubber

MARK = b"[REDACTED_GITHUB_PAT]"


def test_each_line_of_ndjson_keeps_its_structure() -> None:
    data = b'{"a": "x"}\r\n{"k": "' + TOKEN + b'", "n": ' + CARD + b"}\nno json " + TOKEN + b"\n"
    result = small_scrubber().body(data, "ndjson", choose=default_choose)
    assert result.data == data.replace(TOKEN, MARK)
    assert found(result) == [
        ("github-pat", "scrub", "body $.k"),
        ("credit-card", "alert", "body $.n"),
        ("github-pat", "scrub", "body"),
    ]


def test_data_of_events_keeps_its_structure() -> None:
    data = b': hi\n\nevent: delta\ndata: {"d": {"text": "' + TOKEN + b'"}, "n": ' + CARD + b"}\n\ndata: [DONE]\n\n"
    result = small_scrubber().body(data, "sse", choose=default_choose)
    assert result.data == data.replace(TOKEN, MARK)
    assert found(result)[0] == ("github-pat", "scrub", "body $.d.text")


def test_a_key_over_several_data_lines_is_replaced_and_the_fields_stay() -> None:
    data = b"".join(b"data: " + line + b"\n" for line in KEY_BLOCK.split(b"\n")) + b"\nevent: end\n\n"
    result = small_scrubber().body(data, "sse", choose=default_choose)
    assert result.data == b"data: [REDACTED_PRIVATE_KEY]\n" * 5 + b"\nevent: end\n\n"
    assert len(result.hits) == 1


def test_two_halves_in_two_documents_leave_what_lies_between() -> None:
    begin, *_, end = KEY_BLOCK.decode().split("\n")
    rows = [
        {"t": begin},
        {"role": "assistant", "t": "something else that is rather long, so long that it counts"},
        {"t": end},
    ]
    data = "\n".join(map(json.dumps, rows)).encode()
    result = small_scrubber().body(data, "ndjson", choose=default_choose)
    assert json.loads(result.data.split(b"\n")[1]) == rows[1]
