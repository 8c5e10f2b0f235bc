"""Exports hold every line, in the shape and with the names and numbers of the other tools' public schemas."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.audit.logs import records, write_session
from vibedom.audit.entries import entries
from vibedom.audit.export import TextFormat, export
from vibedom.errors import VibedomError


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_session(tmp_path_factory.mktemp("session"), rotate_bytes=800)


def exported(log: Path, form: TextFormat) -> bytes:
    return b"".join(export(entries([log]), form))


def lines(log: Path, form: TextFormat) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(log, form).splitlines()]


def test_rotated_parts_are_exported_in_order(log: Path) -> None:
    assert [entry.seq for entry in entries([log])] == list(range(1, len(records()) + 1))


def test_ocsf_has_the_class_activity_and_type_of_each_line(log: Path) -> None:
    events = lines(log, "ocsf")
    assert [(event["class_uid"], event["activity_id"]) for event in events] == [
        (6002, 3),  # Application Lifecycle: Start
        (4003, 1),  # DNS Activity: Query
        (4002, 6),  # HTTP Activity: Post
        (2004, 1),  # Detection Finding: Create
        (2004, 1),
        (4002, 99),  # an answer has no method of its own
        (4002, 9),  # HTTP Activity: Patch
        (4001, 5),  # Network Activity: Refuse
        (4001, 6),  # Network Activity: Traffic
    ]
    for event in events:
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["category_uid"] == event["class_uid"] // 1000
        assert isinstance(event["time"], int)
        assert event["time"] // 1000 == 1_700_000_000
        assert event["metadata"]["version"] == "1.6.0"
        assert event["metadata"]["product"]["name"] == "vibedom"
    assert len({event["metadata"]["uid"] for event in events}) == len(events)


def test_ocsf_says_what_was_denied_and_what_was_found(log: Path) -> None:
    events = lines(log, "ocsf")
    denied = [event for event in events if event.get("action_id") == 2 and event["class_uid"] != 2004]
    assert [event["status_detail"] for event in denied] == ["not-listed", "not-listed", "non-http"]
    assert {event["disposition_id"] for event in denied} == {2}
    assert denied[1]["unmapped"]["signals"] == ["random-path"]
    scrubbed, alerted = (event for event in events if event["class_uid"] == 2004)
    assert (scrubbed["severity_id"], scrubbed["disposition_id"], alerted["disposition_id"]) == (4, 11, 19)
    assert scrubbed["finding_info"]["analytic"]["name"] == "github-pat"
    url = next(event for event in events if event["activity_id"] == 6)["http_request"]["url"]
    assert (url["hostname"], url["path"], url["query_string"]) == ("api.test", "/v1/x", "id=7&q=%20a")


def test_ecs_uses_the_names_and_the_allowed_values_of_the_schema(log: Path) -> None:
    documents = lines(log, "ecs")
    assert len(documents) == len(records())
    post = documents[2]
    assert post["@timestamp"] == "2023-11-14T22:13:20.250Z"
    assert post["event"]["category"] == ["web", "network"]
    assert post["event"]["type"] == ["protocol", "allowed"]
    assert post["event"]["kind"] == "alert"
    assert (post["url"]["domain"], post["url"]["query"]) == ("api.test", "id=7&q=%20a")
    assert post["http"]["request"] == {"method": "POST", "body": {"bytes": 20}}
    answer = documents[3]
    assert answer["http"]["response"] == {
        "status_code": 200,
        "mime_type": "application/json",
        "body": {"bytes": 99},
    }
    assert answer["event"]["duration"] == 12_500_000
    assert documents[4]["vibedom"]["signals"] == ["random-path"]
    assert documents[1]["dns"]["question"] == {"name": "evil.test", "type": "A"}
    assert (documents[4]["event"]["outcome"], documents[4]["event"]["reason"]) == ("failure", "not-listed")


def test_har_pairs_requests_with_their_answers_and_has_every_required_field(log: Path) -> None:
    found = json.loads(exported(log, "har"))["log"]
    assert found["version"] == "1.2"
    answered, denied = found["entries"]
    assert answered["request"]["url"] == "https://api.test/v1/x?id=7&q=%20a"
    assert answered["request"]["queryString"] == [{"name": "id", "value": "7"}, {"name": "q", "value": " a"}]
    assert (answered["response"]["status"], answered["time"], denied["response"]["status"]) == (200, 12.5, 0)
    for entry in found["entries"]:
        assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(entry)
        assert {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"} <= set(
            entry["request"]
        )
        assert "text" not in entry["response"]["content"]
        assert "postData" not in entry["request"]


def test_csv_has_a_row_for_each_line_and_no_cell_is_a_formula(log: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(log, "csv").decode(), newline="")))
    assert [row["kind"] for row in rows] == [record.kind for record in records()]
    assert rows[2]["findings"] == "github-pat scrub body $.a; email alert body $.a"
    assert (rows[4]["path"], rows[4]["signals"]) == ("'=cmd()", "random-path")


@pytest.mark.parametrize("form", ["ocsf", "ecs", "har"])
def test_exports_are_printable_whatever_is_in_a_record(log: Path, form: TextFormat) -> None:
    assert all(32 <= byte < 127 or byte == 10 for byte in exported(log, form))


def test_line_that_is_none_is_an_error_that_names_it(tmp_path: Path) -> None:
    log = write_session(tmp_path)
    log.write_bytes(b"".join([*log.read_bytes().splitlines(keepends=True)[:2], b"{}\n"]))
    with pytest.raises(VibedomError, match=r"network\.jsonl:3: not a line"):
        list(entries([log]))
    with pytest.raises(VibedomError, match="cannot be read"):
        list(entries([tmp_path / "none" / "network.jsonl"]))


def test_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    log = write_session(tmp_path)
    with log.open("ab") as file:
        file.write(b'{"schema_version":1,"se')
    assert len(list(entries([log]))) == len(records())
