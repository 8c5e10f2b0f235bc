"""The alert: what people are told. Names, counts and fingerprints; no field can hold a secret."""

import hashlib
import time

import msgspec

from pipeline.events import Context, Direction, Finding, Reason, Record, SecretClass, Severity, Verdict

ALERT_SCHEMA_VERSION = 1


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alert, about the first of `count` matches."""

    schema_version: int
    id: str
    """The same for the same alert sent twice: receivers drop doubles by it."""
    session: str
    time: str
    """RFC 3339, of the first match."""
    name: str
    """Of the alert rule."""
    severity: Severity
    message: str
    """One line for people."""
    host: str = ""
    port: int = 0
    verdict: Verdict
    reason: Reason | str
    context: Context | None = None
    rule: str = ""
    """Of the finding."""
    secret_class: SecretClass | None = None
    direction: Direction | None = None
    location: str = ""
    fingerprint: str = ""
    flow: str = ""
    count: int = 1
    """Matches this alert stands for."""
    is_summary: bool = False
    """It only adds to the count of an earlier alert with the same `name`, `host`, `rule` and `fingerprint`."""


def make_alert(
    record: Record, finding: Finding | None, *, id_: str, session: str, name: str, severity: Severity, count: int = 1
) -> Alert:
    """The alert about one match."""
    return Alert(
        schema_version=ALERT_SCHEMA_VERSION,
        id=id_,
        session=session,
        time=rfc3339(record.at),
        name=name,
        severity=severity,
        message=_message(record, finding, name, count),
        host=record.host,
        port=record.port,
        verdict=record.verdict,
        reason=record.reason,
        context=record.context,
        rule=finding.rule if finding else "",
        secret_class=finding.secret_class if finding else None,
        direction=finding.direction if finding else None,
        location=finding.location if finding else "",
        fingerprint=finding.fingerprint if finding else "",
        flow=record.flow,
        count=count,
    )


def held_back_alert(session: str, count: int, why: str, *, at: float, serial: str) -> Alert:
    """One alert for `count` that nobody gets. `serial` tells it from the others of its session."""
    identity = hashlib.sha256(f"{session}\0held back\0{serial}".encode()).hexdigest()[:24]
    return Alert(
        schema_version=ALERT_SCHEMA_VERSION,
        id=identity,
        session=session,
        time=rfc3339(at),
        name="alerts held back",
        severity="high",
        message=f"alerts held back: {count} {why}; what they were about is in the audit log",
        verdict="allow",
        reason="rate-limited",
        count=count,
    )


def rfc3339(at: float) -> str:
    """Unix seconds as `2026-01-31T12:00:00.000Z`."""
    second, millisecond = divmod(int(at * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + f".{millisecond:03d}Z"


def _message(record: Record, finding: Finding | None, name: str, count: int) -> str:
    where = f"{record.host}:{record.port}" if record.host and record.port else record.host or f"port {record.port}"
    times = f", {count} times" if count > 1 else ""
    if finding is None:
        return f"{name}: {where} ({record.unscanned or record.reason}{times})"
    done = {"scrub": "scrubbed", "allow": "allowed", "alert": "let through", "block": "blocked"}[finding.action]
    way = "to" if finding.direction == "request" else "from"
    return f"{name}: {finding.rule} {done} on its way {way} {where} in {finding.location}{times}"
