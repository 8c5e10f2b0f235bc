"""Decision -> record: where payloads are left behind."""

from typing import Literal

from pipeline.events import Judged, Record, Scrubbed, Signal, Step

_KINDS: dict[Step, Literal["request", "response", "message", "dns", "refused"]] = {
    "connect": "request",
    "request": "request",
    "request_body": "request",
    "response": "response",
    "response_body": "response",
    "end": "response",
    "message": "message",
    "dns": "dns",
    "refused": "refused",
}


class Recorder:
    """Stage: what is written about a judged flow."""

    name = "record"

    def __call__(self, event: Judged, /) -> Record:
        scrubbed, decision = event.scrubbed, event.decision
        return Record(
            kind=_KINDS[scrubbed.step],
            flow=scrubbed.flow_id,
            at=scrubbed.at,
            verdict=decision.verdict,
            reason=decision.reason,
            rule=decision.rule,
            scheme=scrubbed.target.scheme,
            host=scrubbed.target.host,
            port=scrubbed.target.port,
            method=scrubbed.method,
            path=scrubbed.path,
            status=scrubbed.status,
            content_type=scrubbed.content_type,
            context=scrubbed.context,
            question=scrubbed.question or "",
            findings=scrubbed.findings,
            unscanned=scrubbed.scan.unscanned,
            signals=_signals(scrubbed),
            request_bytes=scrubbed.counts.request_bytes,
            response_bytes=scrubbed.counts.response_bytes,
            duration_ms=round(scrubbed.counts.duration_ms, 3),
        )


def _signals(scrubbed: Scrubbed) -> tuple[Signal, ...]:
    """Those of capture, and what the findings add to them."""
    if any(finding.secret_class == "canary" for finding in scrubbed.findings):  # noqa: S105
        return (*scrubbed.signals, "canary")
    return scrubbed.signals
