"""mitmproxy's hooks -> events; any trouble is a denial.

mitmproxy forwards a flow whose hook raised. So the hooks are not addons: the proxy's connection handler calls
`Capture.handle` for each, and there whatever is raised ends in a refusal or a closed connection.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from mitmproxy import connection, http
from mitmproxy.net.server_spec import ServerSpec
from mitmproxy.proxy import commands

from pipeline.capture import exchange
from pipeline.capture.relay import STATE, Relays, state_of
from pipeline.capture.room import Room
from pipeline.content_filter import content_length
from pipeline.events import Captured, Decision, Direction, Judged, Payload, Plan, Reason, Scan, Step, Target
from pipeline.flow_state import FlowState
from pipeline.identity import Listener, identify
from pipeline.ports import OpenStream
from pipeline.refusal import refuse

Judge = Callable[[Captured], Awaitable[Judged]]
Via = Callable[[Target], ServerSpec | None]
ENDS: tuple[Step, ...] = ("request_body", "response_body", "end")
"""Steps after a body, when its trailers are known."""
WHOLE: tuple[Plan, ...] = ("buffer", "gather")
"""Plans of bodies that are judged when they are here in full."""
SELFTEST_HOST = "vibedom.invalid"
"""Answered by the proxy itself, so that a sandbox can prove that it reaches this session's proxy."""


class Peer:
    """One client connection: where it arrived, and the tunnel it asked for."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.tunnel: tuple[str, int] | None = None


class Capture:
    """Turns what mitmproxy saw into events, and decisions into what mitmproxy does."""

    def __init__(self, judge: Judge, open_stream: OpenStream, *, session: str, via: Via = lambda target: None) -> None:
        """`via` names the proxy of this machine's own through which a target is reached."""
        self._judge = judge
        self._via = via
        self.open_stream = open_stream
        self._session = session
        self.relays = Relays(judge)
        self.peers: dict[str, Peer] = {}
        """By the id of their client connection."""
        self._room = Room()

    async def handle(self, hook: commands.StartHook) -> None:
        """Run the hook's method, if there is one. A flow whose hook raises is refused."""
        method = getattr(self.relays if hook.name.startswith("tcp_") else self, hook.name, None)
        if method is None:
            return
        (data,) = hook.args()
        try:
            await method(data)
        # mitmproxy would go on with the flow as if nothing had happened: this is the place that fails closed.
        except Exception:
            self._fail(data)

    def _fail(self, data: Any) -> None:
        if isinstance(data, http.HTTPFlow):
            if STATE in data.metadata:
                state_of(data).is_refused = True
            if data.killable:
                data.kill()  # type: ignore[no-untyped-call]
        elif hasattr(data, "server") and isinstance(data.server, connection.Server):
            data.server.error = "stage-raised"

    async def refused(self, client: connection.Client, reason: Reason, host: str = "", port: int = 0) -> None:
        """Record a connection that never became an exchange."""
        target = Target(scheme="tcp", host=host, port=port, mismatch=reason)
        await self._judge(
            Captured(
                flow_id=f"{client.id}-{time.time_ns()}", step="refused", at=time.time(), target=target, trouble=reason
            )
        )

    async def client_disconnected(self, client: connection.Client) -> None:
        self.forget(client.id)

    def forget(self, client_id: str) -> None:
        self.peers.pop(client_id, None)
        self._room.free(client_id)

    async def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel is opened only to where an exchange could go."""
        peer = self.peers[flow.client_conn.id]
        state = self._open(flow)
        trouble: Reason | None = None
        if peer.listener != "proxy" or peer.tunnel is not None or flow.client_conn.tls:
            trouble = "authority-mismatch"
        judged = await self._ask(flow, "connect", state.target, trouble=trouble)
        if judged.decision.verdict == "allow":
            peer.tunnel = (state.target.host, state.target.port)
        else:
            self._refuse(flow, state, judged.decision)

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Everything about the destination is decided here, before a byte of the body is asked for."""
        state = self._open(flow)
        if self._is_selftest(flow, state):
            return
        is_malformed = flow.error is not None or exchange.is_ambiguous(flow)
        judged = await self._ask(flow, "request", state.target, trouble="malformed" if is_malformed else None)
        if judged.decision.verdict == "deny":
            self._refuse(flow, state, judged.decision)
            return
        if not self._has_room(flow, judged.scrubbed.scan):
            judged = await self._ask(flow, "request", state.target, trouble="oversize")
            self._refuse(flow, state, judged.decision)
            return
        state.saw(judged)
        exchange.dial(flow, state.target, self._via(state.target))
        exchange.edit_request(flow.request, judged)
        if state.request_scan.plan in ("stream", "watch", "stream-raw"):
            self._stream_request(state, flow.request)

    async def stream_request(self, flow: http.HTTPFlow) -> None:
        """The body that was gathered is too long or comes too slowly: from here on it streams. Its record is written
        now, before anything is sent."""
        self._room.free(flow.client_conn.id, flow.id)
        state = state_of(flow)
        judged = await self._ask(flow, "request_body", state.target, prior=True)
        if judged.decision.verdict == "deny":
            state.is_refused = True
            flow.kill()  # type: ignore[no-untyped-call]
            return
        state.request_scan = msgspec.structs.replace(state.request_scan, plan="stream", gather_bytes=0)
        self._stream_request(state, flow.request)

    def _stream_request(self, state: FlowState, request: http.Request) -> None:
        state.request_stream = self.open_stream(state.request_scan, state.target, "request")
        exchange.stream(request, state.request_stream, state, state.request_scan)

    def _has_room(self, flow: http.HTTPFlow, scan: Scan) -> bool:
        """Reserve what a body will take until it is there."""
        length = scan.gather_bytes or content_length(tuple(flow.request.headers.fields)) or 0
        return scan.plan not in WHOLE or self._room.reserve(flow.client_conn.id, flow.id, length)

    async def request(self, flow: http.HTTPFlow) -> None:
        self._room.free(flow.client_conn.id, flow.id)
        state = state_of(flow)
        is_buffered = state.request_scan.plan in WHOLE
        if state.is_refused or not (is_buffered or flow.request.trailers):
            return
        raw = (flow.request.raw_content or b"") if is_buffered else None
        state.request_bytes = len(raw or b"")
        if raw and state.request_scan.plan == "gather":
            exchange.frame_as_whole(flow.request)
        judged = await self._ask(flow, "request_body", state.target, body=raw, prior=is_buffered)
        if judged.decision.verdict == "allow":
            exchange.edit_trailers(flow.request, judged)
            exchange.edit_body(flow.request, judged)
        elif is_buffered:
            self._refuse(flow, state, judged.decision)
        else:
            state.is_refused = True
            flow.request.trailers = None
            flow.kill()  # type: ignore[no-untyped-call]

    async def responseheaders(self, flow: http.HTTPFlow) -> None:
        state = state_of(flow)
        if state.is_refused or flow.response is None:
            return
        flow.response.headers.pop("alt-svc", None)  # HTTP/3 goes around the proxy
        trouble: Reason | None = None if exchange.unfold(flow.response) else "malformed"
        state.response = exchange.response_head(flow.response)
        judged = await self._ask(flow, "response", state.target, direction="response", trouble=trouble)
        if judged.decision.verdict == "deny":
            state.is_recorded = state.is_refused = True
            flow.kill()  # type: ignore[no-untyped-call]
            return
        state.head_findings = judged.scrubbed.findings
        state.response_scan = judged.scrubbed.scan
        if judged.scrubbed.edits.headers is not None:
            flow.response.headers = http.Headers(judged.scrubbed.edits.headers)
        if state.response_scan.plan in ("stream", "stream-raw"):
            self._stream_response(state, flow.response)

    async def stream_response(self, flow: http.HTTPFlow) -> None:
        """The body that was gathered is too long or comes too slowly: from here on it streams."""
        state = state_of(flow)
        assert flow.response is not None  # noqa: S101
        state.response_scan = msgspec.structs.replace(state.response_scan, plan="stream", gather_bytes=0)
        self._stream_response(state, flow.response)

    def _stream_response(self, state: FlowState, response: http.Response) -> None:
        state.response_stream = self.open_stream(state.response_scan, state.target, "response")
        exchange.stream(response, state.response_stream, state, state.response_scan)

    async def response(self, flow: http.HTTPFlow) -> None:
        state = state_of(flow)
        if state.is_refused or state.is_recorded or flow.response is None:
            return
        state.is_recorded = True
        if state.response_scan.plan in WHOLE:
            raw = flow.response.raw_content or b""
            if state.response_scan.plan == "gather":
                exchange.frame_as_whole(flow.response)
            state.response_bytes = len(raw)
            judged = await self._ask(flow, "response_body", state.target, body=raw, direction="response", prior=True)
        else:
            judged = await self._ask(flow, "end", state.target, direction="response", prior=True)
        if judged.decision.verdict == "deny":
            self._refuse(flow, state, judged.decision)
        else:
            exchange.edit_trailers(flow.response, judged)
            exchange.edit_body(flow.response, judged)

    async def error(self, flow: http.HTTPFlow) -> None:
        """An exchange that ended early: it gets its terminal record, and a 502 where nothing was answered yet."""
        self._room.free(flow.client_conn.id, flow.id)
        state = state_of(flow)
        if state.is_refused or state.is_recorded:
            return
        state.is_recorded = True
        reason = state.broken or exchange.reason_of(flow)
        judged = await self._ask(flow, "end", state.target, direction="response", prior=True, trouble=reason)
        if flow.response is None and reason != "aborted":
            self._refuse(flow, state, judged.decision)

    async def websocket_message(self, flow: http.HTTPFlow) -> None:
        assert flow.websocket is not None  # noqa: S101
        message = flow.websocket.messages[-1]
        del flow.websocket.messages[:-1]
        direction: Direction = "request" if message.from_client else "response"
        judged = await self._ask(
            flow, "message", state_of(flow).target, body=message.content, direction=direction, is_text=message.is_text
        )
        if judged.decision.verdict == "deny":
            message.drop()  # type: ignore[no-untyped-call]
        elif judged.scrubbed.edits.body is not None:
            message.content = judged.scrubbed.edits.body.data

    def _open(self, flow: http.HTTPFlow) -> FlowState:
        peer = self.peers[flow.client_conn.id]
        state = FlowState(
            flow_id=flow.id, target=identify(exchange.said(flow, peer.listener, peer.tunnel)), started_at=time.time()
        )
        flow.metadata[STATE] = state
        return state

    async def _ask(
        self,
        flow: http.HTTPFlow,
        step: Step,
        target: Target,
        *,
        body: bytes | None = None,
        direction: Direction = "request",
        prior: bool = False,
        trouble: Reason | None = None,
        is_text: bool = False,
    ) -> Judged:
        state = state_of(flow)
        now = time.time()
        is_head = step in ("request", "connect")
        return await self._judge(
            Captured(
                flow_id=flow.id,
                step=step,
                at=now,
                target=target,
                request=exchange.request_head(flow) if is_head else exchange.shown_head(flow, state.shown_path),
                response=state.response if direction == "response" else None,
                trailers=exchange.trailers(flow, direction) if step in ENDS else (),
                body=Payload(body) if body is not None else None,
                is_text=is_text,
                direction=direction,
                prior=(*state.head_findings, *state.stream_findings()) if prior else (),
                signals=state.stream_signals() if prior else (),
                counts=state.counts(now),
                trouble=trouble,
            )
        )

    def _refuse(self, flow: http.HTTPFlow, state: FlowState, decision: Decision) -> None:
        state.is_refused = True
        accept = flow.request.headers.get("accept", "").encode("utf-8", "replace")
        flow.request.headers.pop("expect", None)
        flow.response = exchange.answer(
            refuse(state.target, decision, accept=accept, detail=exchange.upstream_cause(flow))
        )

    def _is_selftest(self, flow: http.HTTPFlow, state: FlowState) -> bool:
        if state.target.host != SELFTEST_HOST or self.peers[flow.client_conn.id].listener != "proxy":
            return False
        state.is_refused = True
        flow.response = http.Response.make(200, self._session.encode(), {"Connection": "close"})
        return True
