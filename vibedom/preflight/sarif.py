"""A scan report in SARIF 2.1.0, which code hosts and editors read. No secret is in it."""

from typing import Any
from urllib.parse import quote

import vibedom
from vibedom.preflight.file_report import FileFinding, ScanReport

_LEVELS = {"low": "note", "medium": "warning", "high": "error", "critical": "error"}


def to_sarif(report: ScanReport) -> dict[str, Any]:
    """The report as one SARIF log, ready for a JSON encoder."""
    rules = {finding.rule: finding for finding in report.findings}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(rules)},
                "results": [_result(finding) for finding in report.findings],
                "invocations": [{"executionSuccessful": not report.is_truncated}],
            }
        ],
    }


def _driver(rules: dict[str, FileFinding]) -> dict[str, Any]:
    return {
        "name": "vibedom",
        "version": vibedom.__version__,
        "rules": [
            {"id": rule, "shortDescription": {"text": finding.description or rule}}
            for rule, finding in sorted(rules.items())
        ],
    }


def _result(finding: FileFinding) -> dict[str, Any]:
    region = {
        "startLine": finding.start_line,
        "startColumn": finding.start_column,
        "endLine": finding.end_line,
        # SARIF's end is the column behind the last one.
        "endColumn": finding.end_column + 1,
    }
    path = quote(finding.file.encode("utf-8", "surrogateescape"))
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.description or finding.rule}: {finding.sample}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": path}, "region": region}}],
        "partialFingerprints": {"vibedomSecret/v1": finding.fingerprint},
    }
