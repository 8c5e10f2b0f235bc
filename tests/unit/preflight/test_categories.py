"""The risk of a finding: the value speaks first, then the place, then the rule."""

import pytest

from pipeline.events import Payload, Severity
from vibedom.preflight.categories import categorise
from vibedom.preflight.finding import Detection, sample_of


def _detection(file: str, secret: str, rule: str = "aws-access-key", severity: Severity = "high") -> Detection:
    return Detection(
        rule=rule,
        description="A key",
        file=file,
        start_line=1,
        end_line=1,
        start_column=1,
        end_column=2,
        entropy=4.0,
        secret=Payload(secret.encode()),
        severity=severity,
    )


@pytest.mark.parametrize(
    ("file", "secret", "rule", "risk"),
    [
        ("src/app.py", "AKIA" + "IOSFODNN7" + "EXAMPLE", "aws-access-key", "LOW"),
        ("src/app.py", "AKIA" + "QYLPMN5HHHFPZAM2", "aws-access-key", "HIGH"),
        ("tests/fixtures/keys.json", "AKIA" + "QYLPMN5HHHFPZAM2", "aws-access-key", "LOW"),
        ("tests/fixtures/keys.json", "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc", "stripe", "HIGH"),
        ("src/pay.py", "sk_" + "test_4eC39HqLyjWDarjtT1zdp7dc", "stripe", "LOW"),
        (".env", "hunter2hunter2", "generic-password", "MEDIUM"),
        (".env.local", "hunter2hunter2", "generic-password", "MEDIUM"),
        (".env.production", "hunter2hunter2", "generic-password", "HIGH"),
        (".env.example", "hunter2hunter2", "generic-password", "LOW"),
        ("deploy/values.yaml", "hunter2hunter2", "generic-password", "HIGH"),
        ("certs/server.pem", "-----BEGIN", "private-key", "HIGH"),
        ("src/config.py", "hunter2hunter2", "generic-password", "MEDIUM"),
        ("README.md", "hunter2hunter2", "generic-password", "MEDIUM"),
        ("src/test_app.py", "hunter2hunter2", "generic-password", "LOW"),
        ("src/contest/app.py", "AKIA" + "QYLPMN5HHHFPZAM2", "aws-access-key", "HIGH"),
        ("src/reproduction.py", "AKIA" + "QYLPMN5HHHFPZAM2", "aws-access-key", "HIGH"),
    ],
)
def test_risk_follows_value_place_and_rule(file: str, secret: str, rule: str, risk: str) -> None:
    found, reason = categorise(_detection(file, secret, rule))
    assert found == risk, reason
    assert reason


def test_sample_shows_at_most_four_characters_and_nothing_of_a_short_secret() -> None:
    assert sample_of(b"ghp_" + b"a" * 36) == "ghp_... (40 bytes)"
    assert sample_of(b"hunter2") == "... (7 bytes)"
    assert sample_of(b"\x1b[31" + b"a" * 20) == "?[31... (24 bytes)"
