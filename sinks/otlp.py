"""Alerts as OpenTelemetry logs: OTLP over HTTP in its JSON form, to any collector."""

import calendar
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pipeline.events import Severity
from sinks.alert import Alert
from sinks.dead_letters import DeadLetters
from sinks.http_post import HttpPost, check_http
from sinks.line import printable_json

_SEVERITY: dict[Severity, tuple[int, str]] = {
    "low": (9, "INFO"),
    "medium": (13, "WARN"),
    "high": (17, "ERROR"),
    "critical": (21, "FATAL"),
}
"""Number and text of the logs data model."""

Json = dict[str, object]


class OtlpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="otlp"):
    """`[[sinks]] type = "otlp"`."""

    url: str
    """Of the collector: `http://127.0.0.1:4318`. `/v1/logs` is added to a URL without a path."""
    min_severity: Severity = "medium"
    headers_file: str | None = None
    """File with one `Name: value` a line, for a collector that wants to be logged in to."""
    service_name: str = "vibedom"
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        check_http(self.url, self.timeout_seconds)

    @property
    def endpoint(self) -> str:
        """Where the logs go."""
        scheme, _, rest = self.url.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host}/{path}" if slash and path else f"{scheme}://{host}/v1/logs"


class Otlp:
    """One export request for each batch. What the collector refuses for ever goes to the dead-letter file."""

    def __init__(self, settings: OtlpSettings, *, headers: dict[str, str], dead_letters: Path) -> None:
        self._service = settings.service_name
        self._headers = headers
        self._post = HttpPost("otlp", settings.endpoint, timeout_seconds=settings.timeout_seconds)
        self._dead_letters = DeadLetters(dead_letters)

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        """Raises `DeliveryError` for no answer, 408, 425, 429 and 5xx."""
        body = printable_json(export_request(alerts, self._service))
        if not await self._post.send(body, self._headers):
            await self._dead_letters.bury(alerts)

    async def aclose(self) -> None:
        await self._post.aclose()


def export_request(alerts: Sequence[Alert], service: str) -> Json:
    """`ExportLogsServiceRequest`; 64-bit numbers are strings, as OTLP's JSON form has them."""
    resource = {"attributes": [_attribute("service.name", service)]}
    scope_logs = {"scope": {"name": "vibedom.alerts"}, "logRecords": [_log_record(alert) for alert in alerts]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [scope_logs]}]}


def _log_record(alert: Alert) -> Json:
    number, text = _SEVERITY[alert.severity]
    return {
        "timeUnixNano": _nanoseconds(alert.time),
        "observedTimeUnixNano": str(time.time_ns()),
        "severityNumber": number,
        "severityText": text,
        "eventName": "vibedom.alert",
        "body": {"stringValue": alert.message},
        "attributes": [
            _attribute(name, value) for name, value in _attributes(alert).items() if value not in ("", None, 0)
        ],
    }


def _attributes(alert: Alert) -> dict[str, object]:
    """Names of the semantic conventions where there is one, else below `vibedom.`."""
    return {
        "server.address": alert.host,
        "server.port": alert.port,
        "vibedom.alert.id": alert.id,
        "vibedom.alert.name": alert.name,
        "vibedom.alert.count": alert.count,
        "vibedom.alert.is_summary": alert.is_summary,
        "vibedom.session": alert.session,
        "vibedom.flow": alert.flow,
        "vibedom.verdict": alert.verdict,
        "vibedom.reason": alert.reason,
        "vibedom.context": alert.context,
        "vibedom.finding.rule": alert.rule,
        "vibedom.finding.class": alert.secret_class,
        "vibedom.finding.direction": alert.direction,
        "vibedom.finding.location": alert.location,
        "vibedom.finding.fingerprint": alert.fingerprint,
    }


def _attribute(name: str, value: object) -> Json:
    if isinstance(value, bool):
        return {"key": name, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": name, "value": {"intValue": str(value)}}
    return {"key": name, "value": {"stringValue": str(value)}}


def _nanoseconds(moment: str) -> str:
    """Of `2026-01-31T12:00:00.000Z`."""
    second = calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))
    return str(second * 10**9 + int(moment[20:23]) * 10**6)
