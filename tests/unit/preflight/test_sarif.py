"""`vibedom scan --sarif` is what SARIF 2.1.0 (OASIS) asks for."""

from pathlib import Path
from typing import Any

import jsonschema

from tests.support.scrubbing import TOKEN, fingerprint, small_scrubber
from vibedom.preflight.builtin import scan_paths
from vibedom.preflight.sarif import to_sarif

_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_RELATIVE = r"^(?![^/]*:)(?:[\w.~/!$&'()*+,;=@-]|%[0-9A-F]{2})+$"
"""A relative reference of RFC 3986: no scheme, and only bytes a URI may have."""
_AT_LEAST_1 = {"type": "integer", "minimum": 1}
_REGION = {
    "type": "object",
    "additionalProperties": False,
    "properties": dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), _AT_LEAST_1),
}
_LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "physicalLocation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "properties": {"uri": {"type": "string", "pattern": _RELATIVE}},
                },
                "region": _REGION,
            },
        }
    },
}
_RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": _TEXT,
        "locations": {"type": "array", "items": _LOCATION},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
_DRIVER = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "rules": {
            "type": "array",
            "uniqueItems": True,
            "items": {"type": "object", "required": ["id"], "properties": {"shortDescription": _TEXT}},
        },
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "properties": {
                    "tool": {"type": "object", "required": ["driver"], "properties": {"driver": _DRIVER}},
                    "results": {"type": "array", "items": _RESULT},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "invocations": {"type": "array", "items": {"type": "object", "required": ["executionSuccessful"]}},
                },
            },
        },
    },
}
"""The part of the public schema that is about what is written here, with its required members and its types."""


def test_the_report_keeps_to_the_schema_whatever_files_are_called(tmp_path: Path) -> None:
    for name in ("plain.txt", "with space & more.txt", "c:drive.txt", "größe.txt", "50%.txt", "sub/#1?.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x\nkey " + TOKEN + b"\n")
    (tmp_path / b"\xff.txt".decode("utf-8", "surrogateescape")).write_bytes(TOKEN)
    report = scan_paths(tmp_path, engine=small_scrubber().engine, fingerprint=fingerprint)  # type: ignore[arg-type]
    log = to_sarif(report)
    jsonschema.validate(log, SCHEMA)
    (run,) = log["runs"]
    assert len(run["results"]) == 7
    assert {result["ruleId"] for result in run["results"]} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}
