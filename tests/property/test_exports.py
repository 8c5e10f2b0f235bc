"""Exports of any record at all: what other tools read of them is right, harmless, and as their schemas say."""

import csv
import io
import json
from functools import cache
from typing import Any, get_type_hints

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from pipeline.events import Finding, Record
from sinks.alert import rfc3339
from vibedom.audit import ocsf
from vibedom.audit.entries import Entry
from vibedom.audit.export import export
from vibedom.audit.table_rows import COLUMNS

NASTY = st.sampled_from(
    ["=cmd|'/c calc'!A0", "+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\uff1d1", 'a",=1', "\x1b[2J", "\u202e"]
)
TEXT = st.text(max_size=20) | NASTY
COUNT = st.integers(0, 2**40)


def built(kind: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any value of a struct: each field anything of its type, but `fields`."""
    by_type = {str: TEXT, int: COUNT, float: st.floats(0, 4e9)}
    every = {name: by_type.get(hint, st.from_type(hint)) for name, hint in get_type_hints(kind).items()}
    return st.builds(kind, **(every | fields))


RECORDS = built(
    Record,
    reason=st.sampled_from(["listed", "not-listed"]),
    scheme=st.sampled_from(["http", "https", "dns", "tcp"]),
    port=st.integers(0, 65535),
    status=st.integers(0, 999),
    findings=st.lists(built(Finding), max_size=2).map(tuple),
    method=TEXT | st.sampled_from(sorted(ocsf.METHODS)),
)


def entry_of(record: Record) -> Entry:
    around = {"schema_version": 1, "seq": 7, "session": "s1", "time": rfc3339(record.at), "hash": "ab" * 32}
    return Entry(**msgspec.structs.asdict(record), **around)  # type: ignore[arg-type]


@cache
def validator(class_uid: int) -> Draft202012Validator:
    schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=ocsf.SCHEMA))
    name = schemas.lookup_class_name_from_uid(class_uid=class_uid)
    return Draft202012Validator(schemas.get_class_schema(class_name=name, profiles=["security_control"]))


@settings(max_examples=60, deadline=None)
@given(record=RECORDS)
def test_every_ocsf_event_keeps_the_public_schema(record: Record) -> None:
    lines = b"".join(export([entry_of(record)], "ocsf")).splitlines()
    assert len(lines) == 1 + len(record.findings)
    for line in lines:
        event = json.loads(line)
        errors = [error.message[:200] for error in validator(event["class_uid"]).iter_errors(event)]
        assert errors == []


@settings(max_examples=60, deadline=None)
@given(record=RECORDS)
def test_csv_is_one_row_of_harmless_cells_that_say_what_the_record_said(record: Record) -> None:
    data = b"".join(export([entry_of(record)], "csv"))
    head, row = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
    assert tuple(head) == COLUMNS
    assert data.count(b"\n") == 2
    for cell in row:
        assert cell.isprintable()
        assert not cell.startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    said = dict(zip(head, row, strict=True))
    assert (said["kind"], said["port"], said["duration_ms"]) == (record.kind, str(record.port), str(record.duration_ms))
    if record.path.isprintable():
        assert said["path"] in (record.path, "'" + record.path)
