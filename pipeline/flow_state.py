"""What capture remembers of a flow between its hooks, and the accounting at its end."""

import msgspec

from pipeline.events import Counts, Finding, Judged, Reason, ResponseHead, Scan, Signal, Target
from pipeline.ports import BodyStream, Signalling


class FlowState(msgspec.Struct, kw_only=True):
    """One exchange: what was decided, and what is still running."""

    flow_id: str
    target: Target
    started_at: float
    method: str = ""
    shown_path: bytes = b""
    """The path as records show it, without secrets."""
    is_refused: bool = False
    """Denied: what follows on this flow is vibedom's own answer."""
    is_recorded: bool = False
    """The terminal record is written."""
    request_scan: Scan = Scan(plan="none")
    response_scan: Scan = Scan(plan="none")
    head_findings: tuple[Finding, ...] = ()
    """Of a head whose body is judged in a step of its own."""
    request_stream: BodyStream | None = None
    response_stream: BodyStream | None = None
    response: ResponseHead | None = None
    broken: Reason | None = None
    """Why a stream was cut."""
    request_bytes: int = 0
    response_bytes: int = 0

    def saw(self, judged: Judged) -> None:
        """Keep what later steps need of a decision on a request's head."""
        self.method = judged.scrubbed.method
        self.shown_path = judged.scrubbed.path.encode()
        self.request_scan = judged.scrubbed.scan
        self.head_findings = judged.scrubbed.findings

    def counts(self, now: float) -> Counts:
        """Bytes on the wire's content level (streams count as they pass) and the time since the head arrived."""
        sent = self.request_stream.byte_count if self.request_stream else self.request_bytes
        received = self.response_stream.byte_count if self.response_stream else self.response_bytes
        return Counts(request_bytes=sent, response_bytes=received, duration_ms=(now - self.started_at) * 1000)

    def stream_findings(self) -> tuple[Finding, ...]:
        """What the streams of this flow have found so far."""
        streams = (self.request_stream, self.response_stream)
        return tuple(finding for stream in streams if stream for finding in stream.findings())

    def stream_signals(self) -> tuple[Signal, ...]:
        """What was remarkable about the body that was sent."""
        return tuple(self.request_stream.signals()) if isinstance(self.request_stream, Signalling) else ()
