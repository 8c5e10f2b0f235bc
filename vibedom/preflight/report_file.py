"""`gitleaks_report.json`: gitleaks' own report format, whichever scanner ran, without the secrets."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from vibedom.preflight.finding import Finding
from vibedom.workspace.spelling import spell


def write_report(findings: Sequence[Finding], into: Path) -> None:
    """Write the findings to `into` (0600). `Secret` and `Match` are `REDACTED`."""
    data = msgspec.json.format(msgspec.json.encode([_row(finding) for finding in findings]), indent=1)
    descriptor = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data + b"\n")


def _row(finding: Finding) -> dict[str, object]:
    file = spell(finding.file)
    place = f"{file}:{finding.rule}:{finding.start_line}"
    return {
        "RuleID": finding.rule,
        "Description": finding.description,
        "StartLine": finding.start_line,
        "EndLine": finding.end_line,
        "StartColumn": finding.start_column,
        "EndColumn": finding.end_column,
        "Match": "REDACTED",
        "Secret": "REDACTED",
        "File": file,
        "SymlinkFile": "",
        "Commit": finding.commit,
        "Entropy": finding.entropy,
        "Author": "",
        "Email": "",
        "Date": "",
        "Message": "",
        "Tags": [finding.risk.lower(), *(["approved"] if finding.is_approved else [])],
        "Fingerprint": f"{finding.commit}:{place}" if finding.commit else place,
    }
