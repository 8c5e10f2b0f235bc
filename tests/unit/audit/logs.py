"""A session's directory with logs as a session writes them."""

from pathlib import Path

import anyio
import msgspec

from pipeline.events import Finding, Record
from sinks.alert_engine import AlertEngine
from sinks.alerts import AlertFile, AlertSink
from sinks.jsonl import JsonlSink

FINDING = Finding(
    rule="github-pat",
    secret_class="credential",
    action="scrub",
    direction="request",
    location="body $.a",
    length=40,
    fingerprint="00112233445566ff",
    severity="high",
)


def request(flow: str, **more: object) -> Record:
    fields: dict[str, object] = {
        "kind": "request", "flow": flow, "at": 1.7e9 + 0.25, "verdict": "allow", "reason": "listed",
        "rule": "trusted_domains.txt:1 api.test", "scheme": "https", "host": "api.test", "port": 443, "method": "POST",
        "path": "/v1/x?id=7&q=%20a", "context": "public", "request_bytes": 20,
    }  # fmt: skip
    return Record(**(fields | more))  # type: ignore[arg-type]


def records() -> list[Record]:
    """One of each kind."""
    return [
        Record(kind="session", flow="s1", at=1.7e9, verdict="allow", reason="listed", note="started"),
        Record(kind="dns", flow="d1", at=1.7e9, verdict="deny", reason="not-listed", scheme="dns", host="evil.test",
               port=53, question="A", context="external"),
        request("f1", findings=(FINDING, msgspec.structs.replace(FINDING, rule="email", action="alert"))),
        request("f1", kind="response", method="", status=200, content_type="application/json", response_bytes=99,
                duration_ms=12.5),
        request("f2", method="PATCH", host="evil.test", verdict="deny", reason="not-listed", path="=cmd()",
                signals=("random-path",)),
        Record(kind="refused", flow="r1", at=1.7e9, verdict="deny", reason="non-http", scheme="tcp", port=443),
        request("w1", kind="message", method="", path="/ws"),
    ]  # fmt: skip


def write_session(directory: Path, session: str = "s1", *, rotate_bytes: int | None = None) -> Path:
    """network.jsonl and alerts.jsonl; the path of the former."""
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "network.jsonl"

    async def write() -> None:
        jsonl = JsonlSink(log, session=session, rotate_bytes=rotate_bytes)
        alerts = AlertSink("alerts", AlertEngine(session=session), AlertFile(directory / "alerts.jsonl"))
        for record in records():
            await jsonl.write([record])
            await alerts.write([record])
        await jsonl.aclose()
        await alerts.aclose()

    anyio.run(write)
    return log
