"""The events of the pipeline, one type between every two stages, and the record that leaves it.

    capture -> Captured -> content_filter -> Filtered -> scrubber -> Scrubbed -> whitelist -> Judged -> record -> Record

A later event drops what later readers must not see: from `Scrubbed` on there is no original body, header or path.
"""

from typing import Literal

import msgspec

Step = Literal["connect", "request", "request_body", "response", "response_body", "message", "end", "dns", "refused"]
"""What is being judged: the opening of a tunnel, a request's or response's head, its buffered body, one WebSocket
message, the end of an exchange (byte counts, what streams found), a DNS question, or a connection that was refused
before it was an exchange."""

Direction = Literal["request", "response"]
Scheme = Literal["http", "https", "dns", "tcp"]
Context = Literal["external", "internal", "public", "registry"]
SecretClass = Literal["secret", "credential", "pii", "private-ip", "canary"]
"""`canary`: a fake credential that nobody has an honest reason to send; whatever the policy says, it is blocked."""
Action = Literal["scrub", "allow", "alert", "block"]
"""`scrub` replaces, `allow` passes and records, `alert` passes, records and alerts, `block` denies the flow."""
Severity = Literal["low", "medium", "high", "critical"]
Verdict = Literal["allow", "deny"]

Reason = Literal[
    "listed",
    "not-listed",
    "denied-by-rule",
    "method-or-path-not-listed",
    "address-not-public",
    "name-not-resolved",
    "authority-mismatch",
    "sni-missing",
    "sni-mismatch",
    "bad-host",
    "bad-port",
    "non-http",
    "malformed",
    "undecodable-body",
    "unknown-encoding",
    "oversize",
    "partial-body",
    "binary-body",
    "signed-request",
    "finding-blocked",
    "stage-raised",
    "timed-out",
    "audit-unavailable",
    "paused",
    "shutting-down",
    "upstream-failed",
    "aborted",
    "dns-type",
    "passthrough",
    "upload-budget",
]
"""Why a flow was allowed or denied: a closed set, the only words a client, record or alert gets."""

Signal = Literal["canary", "upload-budget", "unusual-volume", "high-entropy-upload", "random-path", "random-name"]
"""What is worth a look although a rule allows it: a canary token, an upload budget that is used up, more bytes for a
host than is usual, a body or a path or names that look like encoded data."""

Header = tuple[bytes, bytes]


class Payload(msgspec.Struct, frozen=True):
    """Bytes that must not end up in a log: the representation shows their length only."""

    data: bytes

    def __repr__(self) -> str:
        return f"Payload({len(self.data)} bytes)"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a flow goes. `host` is canonical (hosts.py) and is what is dialled; the others are what the client said."""

    scheme: Scheme
    host: str
    """Canonical host, or "" where the client named none that is valid."""
    port: int
    sni: str | None = None
    authority: str | None = None
    """`Host` or `:authority` as sent, or None."""
    tunnel: str | None = None
    """host:port of the CONNECT this exchange came through, or None."""
    mismatch: Reason | None = None
    """Set by capture where the names do not agree or cannot be parsed: denies the flow."""


class RequestHead(msgspec.Struct, frozen=True, kw_only=True):
    """A request without its body. `path` is the raw request target (path and query)."""

    method: str
    path: bytes
    headers: tuple[Header, ...]
    http_version: str = "HTTP/1.1"

    def __repr__(self) -> str:
        return f"RequestHead({self.method}, {len(self.path)} byte path, {len(self.headers)} headers)"


class ResponseHead(msgspec.Struct, frozen=True, kw_only=True):
    """A response without its body."""

    status: int
    headers: tuple[Header, ...]
    http_version: str = "HTTP/1.1"

    def __repr__(self) -> str:
        return f"ResponseHead({self.status}, {len(self.headers)} headers)"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One match of a rule: nothing of the secret but its length and a keyed fingerprint."""

    rule: str
    secret_class: SecretClass
    action: Action
    """What was done with it."""
    direction: Direction
    location: str
    """`body`, `body $.messages[1].content`, `header authorization`, `url query key`, `message`, `trailer x`."""
    length: int
    """Bytes of the secret."""
    fingerprint: str
    """First 16 hex digits of HMAC-SHA256 over the secret with the per-install key."""
    severity: Severity = "medium"
    is_home: bool = False
    """The credential travels to a host it is for."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes and time of a finished exchange."""

    request_bytes: int = 0
    response_bytes: int = 0
    duration_ms: float = 0.0


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of a flow as mitmproxy or the resolver saw it."""

    flow_id: str
    step: Step
    at: float
    """Unix seconds."""
    target: Target
    request: RequestHead | None = None
    response: ResponseHead | None = None
    trailers: tuple[Header, ...] = ()
    """What followed the body, at the step that ends it."""
    body: Payload | None = None
    """Body or message of the steps `request_body`, `response_body` and `message`."""
    is_text: bool = False
    """For `message`: sent as a text frame."""
    direction: Direction = "request"
    prior: tuple[Finding, ...] = ()
    """What an earlier step of the same record (or a stream) has found already."""
    question: str | None = None
    """DNS question type."""
    counts: Counts = Counts()
    trouble: Reason | None = None
    """Something went wrong before the pipeline: denies the flow."""
    unscanned: Reason | None = None
    """Why nobody reads what passes here; recorded and alerted."""
    signals: tuple[Signal, ...] = ()
    once: tuple[str, str] | None = None
    """A host pattern that is allowed for this flow alone, where no rule denies it: who says so, and the pattern."""


Plan = Literal["none", "buffer", "gather", "stream", "watch", "stream-raw", "block"]
"""What happens to the body: there is none, it is buffered and scrubbed with its structure, it is buffered if all of it
comes without a pause and streams otherwise, it is scrubbed as it
streams, it streams as it is and is cut where it holds a key, it streams unread, or the flow is denied because of it."""

Media = Literal["json", "ndjson", "sse", "form", "multipart", "xml", "text", "binary"]


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """How a body is to be read."""

    plan: Plan
    media: Media = "binary"
    charset: str | None = None
    codings: tuple[str, ...] = ()
    """Content codings in the order they were applied."""
    boundary: bytes | None = None
    """Of multipart."""
    is_partial: bool = False
    """A range of a body (206): an edit would make its `Content-Range` a lie."""
    unscanned: Reason | None = None
    """Why a body passes unscanned; recorded and alerted."""
    gather_bytes: int = 0
    """Of plan `gather`: a longer body streams."""


class Filtered(msgspec.Struct, frozen=True, kw_only=True):
    """A captured moment with its context and with what may be scanned, and how."""

    captured: Captured
    context: Context
    scan: Scan


class Edits(msgspec.Struct, frozen=True, kw_only=True):
    """What changes on the flow. None leaves a part byte-identical."""

    headers: tuple[Header, ...] | None = None
    path: bytes | None = None
    trailers: tuple[Header, ...] | None = None
    body: Payload | None = None


class Scrubbed(msgspec.Struct, frozen=True, kw_only=True):
    """What is left to decide on: no original body, header or path."""

    flow_id: str
    step: Step
    at: float
    target: Target
    context: Context
    direction: Direction
    method: str = ""
    path: str = ""
    """Scrubbed path and query, printable ASCII."""
    status: int = 0
    content_type: str = ""
    question: str | None = None
    scan: Scan
    edits: Edits
    findings: tuple[Finding, ...] = ()
    signals: tuple[Signal, ...] = ()
    counts: Counts = Counts()
    trouble: Reason | None = None
    once: tuple[str, str] | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Verdict, reason, and the policy line it rests on."""

    verdict: Verdict
    reason: Reason
    rule: str = ""
    """`trusted_domains.txt:12 api.github.com`, or "" for a default."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with the edits that carry it out. `is_final`: a record is written for this step."""

    scrubbed: Scrubbed
    decision: Decision
    is_final: bool


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is written about a flow. No field can hold a secret: names and paths come scrubbed, bodies never come."""

    kind: Literal["request", "response", "message", "dns", "refused", "session"]
    flow: str
    at: float
    """Unix seconds."""
    verdict: Verdict
    reason: Reason | str
    rule: str = ""
    scheme: str = ""
    host: str = ""
    port: int = 0
    method: str = ""
    path: str = ""
    status: int = 0
    content_type: str = ""
    context: Context | None = None
    question: str = ""
    findings: tuple[Finding, ...] = ()
    unscanned: Reason | None = None
    signals: tuple[Signal, ...] = ()
    request_bytes: int = 0
    response_bytes: int = 0
    duration_ms: float = 0.0
    note: str = ""
    """For `session`: what happened (`started`, `stopped`, ...)."""
