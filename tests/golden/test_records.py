"""The formats others read: lines of network.jsonl and alerts.jsonl, and their JSON Schemas.

After a change that is meant: `python -m tests.golden.test_records` writes the files anew; a change that can break a
reader also raises the schema version.
"""

import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import msgspec
import pytest
from jsonschema import Draft202012Validator

from pipeline.events import Finding, Record
from sinks.alert import Alert
from sinks.alert_engine import AlertEngine
from sinks.alerts import AlertFile, AlertSink
from sinks.jsonl import JsonlSink
from sinks.schema import alert_schema, line_schema

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "records"
SCHEMAS = ROOT / "docs" / "schemas"
FINDING = Finding(
    rule="github-pat",
    secret_class="credential",
    action="scrub",
    direction="request",
    location="body $.messages[1].content",
    length=40,
    fingerprint="00112233445566ff",
    severity="high",
)
RECORDS = (
    Record(kind="session", flow="s-1", at=1700000000.0, verdict="allow", reason="listed", note="started"),
    Record(
        kind="dns", flow="d-1", at=1700000000.25, verdict="deny", reason="not-listed", scheme="dns", host="evil.test",
        port=53, question="A", context="external",
    ),
    Record(
        kind="request", flow="f-1", at=1700000001.5, verdict="allow", reason="listed",
        rule="trusted_domains.txt:14 @claude api.anthropic.com", scheme="https", host="api.anthropic.com", port=443,
        method="POST", path="/v1/messages?beta=true", content_type="application/json", context="public",
        findings=(FINDING, msgspec.structs.replace(FINDING, action="allow", location="header x-api-key", is_home=True)),
        request_bytes=2048,
    ),
    Record(
        kind="response", flow="f-1", at=1700000002.125, verdict="allow", reason="listed", scheme="https",
        host="api.anthropic.com", port=443, status=200, content_type="text/event-stream", context="public",
        unscanned="oversize", request_bytes=2048, response_bytes=65536, duration_ms=625.125,
    ),
    Record(kind="refused", flow="r-1", at=1700000003.0, verdict="deny", reason="non-http", scheme="tcp", port=443),
    Record(
        kind="message", flow="w-1", at=1700000004.0, verdict="deny", reason="finding-blocked", scheme="https",
        host="ws.test", port=443, path="/é\u2028\x7f", note="\x1b[2J",
    ),
)  # fmt: skip


async def write_files(directory: Path) -> None:
    log = JsonlSink(directory / "network.jsonl", session="s-1", fsync="never")
    alerts = AlertSink("alerts", AlertEngine(session="s-1"), AlertFile(directory / "alerts.jsonl"))
    for sink in (log, alerts):
        await sink.write(RECORDS)
        await sink.aclose()


def schemas() -> dict[str, Any]:
    return {"line.schema.json": line_schema(), "alert.schema.json": alert_schema()}


def pretty(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("written")
    anyio.run(write_files, directory)
    return directory


@pytest.mark.parametrize("name", ["network.jsonl", "network.jsonl.head", "alerts.jsonl"])
def test_files_are_byte_for_byte_what_they_were(written: Path, name: str) -> None:
    assert (written / name).read_bytes() == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", ["line.schema.json", "alert.schema.json"])
def test_published_schemas_are_those_of_the_structs(name: str) -> None:
    assert (SCHEMAS / name).read_text() == pretty(schemas()[name])


def test_every_golden_line_has_what_its_schema_requires_and_nothing_else(written: Path) -> None:
    for name, schema in (("network.jsonl", line_schema()), ("alerts.jsonl", alert_schema())):
        for line in (written / name).read_bytes().splitlines():
            fields = json.loads(line)
            assert [error.message for error in Draft202012Validator(schema).iter_errors(fields)] == []
            assert set(schema["required"]) <= set(fields)
            assert set(fields) <= set(schema["properties"])


def test_line_can_be_read_back_as_the_record_it_was(written: Path) -> None:
    lines = (written / "network.jsonl").read_bytes().splitlines()
    assert tuple(msgspec.json.decode(line, type=Record) for line in lines) == RECORDS


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("Line", ["schema_version", "seq", "session", "time", *Record.__struct_fields__, "hash"]),
        ("Finding", list(Finding.__struct_fields__)),
        ("Alert", list(Alert.__struct_fields__)),
    ],
)
def test_documentation_has_each_field_once_and_no_other(heading: str, fields: list[str]) -> None:
    text = (ROOT / "docs" / "records.md").read_text()
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == fields


def update() -> None:
    """Write golden files and schemas anew."""
    with TemporaryDirectory() as directory:
        anyio.run(write_files, Path(directory))
        for path in Path(directory).iterdir():
            (GOLDEN / path.name).write_bytes(path.read_bytes())
    for name, schema in schemas().items():
        (SCHEMAS / name).write_text(pretty(schema))


if __name__ == "__main__":
    sys.exit(update())
