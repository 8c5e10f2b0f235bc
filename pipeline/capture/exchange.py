"""Reading a mitmproxy exchange into events, and carrying edits out on it."""

import re
from collections.abc import Callable, Iterable

from mitmproxy import flow as mitmproxy_flow
from mitmproxy import http, tcp
from mitmproxy.net.server_spec import ServerSpec

from pipeline.events import Direction, Header, Judged, Reason, RequestHead, ResponseHead, Scan, Target
from pipeline.flow_state import FlowState
from pipeline.identity import Listener, Said
from pipeline.ports import BodyStream, StreamBrokenError
from pipeline.refusal import REASONS, Refusal

KILLED = "Connection killed: "
"""What mitmproxy puts before the error of a connection that a hook refused to open."""

DIGESTS = ("content-md5", "digest", "content-digest", "repr-digest")
"""Sums over a body: gone once it is edited. `ETag` stays, because it names the origin's version and not these bytes."""

NEVER_TRAILERS = frozenset(
    b"content-length transfer-encoding content-encoding content-type content-range trailer host connection".split()
)
"""Framing and routing (RFC 9110 section 6.5.1): a receiver that merged them would read the message anew."""

_LINE_END = re.compile(rb"[\r\n\0]")
_FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
_HTTP1 = ("HTTP/1.0", "HTTP/1.1")

UPSTREAM_CAUSES: tuple[tuple[str, str], ...] = (
    ("upstream proxy", "this machine's own proxy refused it"),
    ("certificate verify failed", "its TLS certificate is not trusted on this machine"),
    ("errno 111", "it refused the connection"),
    ("connection refused", "it refused the connection"),
    ("connection cancelled", "it did not answer in time"),
    ("timed out", "it did not answer in time"),
    ("errno 110", "it did not answer in time"),
    ("errno 101", "there is no route to it"),
    ("errno 113", "there is no route to it"),
    ("tls", "the TLS handshake with it failed"),
    ("clos", "it closed the connection"),
    ("disconnected", "it closed the connection"),
)
"""Part of mitmproxy's error text (in lower case) -> what the agent is told. The text itself stays here."""


def said(flow: http.HTTPFlow, listener: Listener, tunnel: tuple[str, int] | None) -> Said:
    """Every name the exchange carries."""
    request = flow.request
    authorities = list(request.headers.get_all("host"))
    if request.authority and request.method != "CONNECT" and request.authority not in authorities:
        authorities.insert(0, request.authority)
    return Said(
        listener=listener,
        is_tls=flow.client_conn.tls,
        sni=flow.client_conn.sni,
        authorities=tuple(authorities),
        uri_host=None if tunnel else request.host,
        uri_port=None if tunnel else request.port,
        tunnel=tunnel,
        is_connect=request.method == "CONNECT",
    )


def is_ambiguous(flow: http.HTTPFlow) -> bool:
    """Whether an origin may read another request than was judged here (RFC 9112 sections 2.2, 2.3 and 5.2).

    mitmproxy passes on a CR that stands alone and a folded line, which some take for the end of a field, and any
    version that a request claims.
    """
    request = flow.request
    if request.path == "*" and request.method != "OPTIONS":
        return True
    if request.http_version not in (("HTTP/2.0",) if flow.client_conn.alpn == b"h2" else _HTTP1):
        return True
    return any(_LINE_END.search(part) for field in request.headers.fields for part in field)


def unfold(response: http.Response) -> bool:
    """Put what a response has on folded lines on one, as RFC 9112 section 5.2 lets a proxy do. False where a line end
    is left in its head (a CR alone, a NUL): a client may read another head than was judged here."""
    fields = tuple((name, _FOLD.sub(b" ", value)) for name, value in response.headers.fields)
    if any(_LINE_END.search(part) for field in fields for part in field):
        return False
    if fields != tuple(response.headers.fields):
        response.headers = http.Headers(fields)
    return True


def request_head(flow: http.HTTPFlow) -> RequestHead:
    """The request as the client sent it."""
    request = flow.request
    return RequestHead(
        method=request.method,
        path=request.data.path,
        headers=tuple(request.headers.fields),
        http_version=request.http_version,
    )


def shown_head(flow: http.HTTPFlow, shown_path: bytes) -> RequestHead:
    """The request for later steps: its path as records show it."""
    head = request_head(flow)
    return RequestHead(method=head.method, path=shown_path, headers=head.headers, http_version=head.http_version)


def response_head(response: http.Response) -> ResponseHead:
    return ResponseHead(
        status=response.status_code,
        headers=tuple(response.headers.fields),
        http_version=response.http_version,
    )


def dial(flow: http.HTTPFlow, target: Target, via: ServerSpec | None) -> None:
    """Make mitmproxy dial what was decided on. `request.host` would rewrite the Host header; its data does not."""
    flow.server_conn.via = via
    flow.request.data.host = target.host
    flow.request.data.port = target.port
    flow.request.data.scheme = target.scheme.encode()


def edit_request(request: http.Request, judged: Judged) -> None:
    """Carry out the edits on a request's head."""
    edits = judged.scrubbed.edits
    if edits.headers is not None:
        request.headers = http.Headers(edits.headers)
    if edits.path is not None:
        request.data.path = edits.path


def edit_body(message: http.Message, judged: Judged) -> None:
    """Put a scrubbed body in place, with one framing header that is true."""
    body = judged.scrubbed.edits.body
    if body is None:
        return
    message.raw_content = body.data
    for name in DIGESTS:
        message.headers.pop(name, None)
    frame_as_whole(message)


def frame_as_whole(message: http.Message) -> None:
    """A body that is here in full is sent with its length, whatever it came with."""
    if message.trailers and "transfer-encoding" in message.headers:
        return  # only chunks can be followed by trailers
    message.headers.pop("transfer-encoding", None)
    message.headers["content-length"] = str(len(message.raw_content or b""))


def trailers(flow: http.HTTPFlow, direction: Direction) -> tuple[Header, ...]:
    """What followed a body, without the names that would say how to read what has been read already."""
    message = flow.request if direction == "request" else flow.response
    if message is None or message.trailers is None:
        return ()
    kept = tuple(field for field in message.trailers.fields if field[0].lower() not in NEVER_TRAILERS)
    message.trailers = http.Headers(kept)
    return kept


def edit_trailers(message: http.Message, judged: Judged) -> None:
    """Carry out the edits on what follows a body."""
    if judged.scrubbed.edits.trailers is not None:
        message.trailers = http.Headers(judged.scrubbed.edits.trailers)


def stream(message: http.Message, body: BodyStream, state: FlowState, scan: Scan) -> None:
    """Let `body` read the message's body as it passes. Where it edits, there is no length beforehand; the proxy's
    layers frame it for each side."""
    message.stream = chunks_of(body, state)
    if scan.plan == "stream":
        message.headers.pop("content-length", None)


def chunks_of(stream: BodyStream, state: FlowState) -> Callable[[bytes], Iterable[bytes]]:
    """`stream` as mitmproxy calls it. What is held back is no chunk: an empty one would end a chunked body."""

    def chunks(chunk: bytes) -> Iterable[bytes]:
        if state.broken is not None:
            # More of it was under way when it broke; a reader that stopped half-way would name another reason.
            raise StreamBrokenError("the exchange is cut already", reason=state.broken)
        try:
            clean = stream(chunk)
        except StreamBrokenError as exc:
            state.broken = exc.reason
            raise  # which ends the connection
        return [clean] if clean else []

    return chunks


def answer(refusal: Refusal) -> http.Response:
    """vibedom's own response."""
    return http.Response.make(refusal.status, refusal.body, http.Headers(refusal.headers))


def reason_of(flow: http.HTTPFlow | tcp.TCPFlow) -> Reason:
    """Why an exchange ended early."""
    message = flow.error.msg if flow.error else ""
    refused = message.removeprefix(KILLED)
    if message.startswith(KILLED) and refused in REASONS:
        return refused
    if message in ("Client disconnected.", mitmproxy_flow.Error.KILLED_MESSAGE):
        return "aborted"
    if message.startswith("HTTP/1 protocol error") and flow.server_conn.timestamp_start is None:
        return "aborted"  # the client's: nothing was dialled yet
    return "upstream-failed"


def upstream_cause(flow: http.HTTPFlow) -> str:
    """A fixed text for what failed upstream, or "" where nothing did."""
    message = flow.error.msg if flow.error else ""
    if not message or message.startswith(KILLED):
        return ""
    return next((text for part, text in UPSTREAM_CAUSES if part in message.lower()), "")
