"""The protocol layers of a connection: HTTP and TLS around HTTP, and nothing else.

mitmproxy's own choice (its NextLayer addon) falls back to raw forwarding and to protocols vibedom does not judge, so
the choice is made here. Its HTTP stream reads a refused request's body before it answers, so that is done here, too.
"""

from collections.abc import Callable
from functools import cached_property
from typing import cast

from mitmproxy import flow as mitmproxy_flow
from mitmproxy import http
from mitmproxy.connection import Connection
from mitmproxy.net.http import url
from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import ClientTLSLayer
from mitmproxy.proxy.layers.http import DropStream, GetHttpConnection, HttpLayer, HTTPMode, SendHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook
from mitmproxy.proxy.layers.modes import HttpProxy

from pipeline.capture.relay import state_of
from pipeline.events import Reason
from pipeline.identity import NO_HOST, Listener
from vibedom.proxy.chunk import Chunk, ReadChunkHook, slow_reader
from vibedom.proxy.gathering import GatheringStream
from vibedom.proxy.turns import GiveWay, Read, Turns, turns_for
from vibedom.proxy.websocket import BorderWebsocketLayer

HTTP_START = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
HTTP2_PREFACE = b"PRI * HTTP/2.0"
MAX_METHOD_BYTES = 32


class BorderStream(GatheringStream):
    """One exchange. A refusal made at its head is answered at once: no 100, no byte of the body, no upstream."""

    _is_streaming = False

    def state_wait_for_request_headers(self, event: RequestHeaders) -> layer.CommandGenerator[None]:
        request = event.request
        if request.method != "CONNECT" and not request.host and not _has_host(request):
            request.data.host, request.data.port = NO_HOST, 80
            request.data.scheme = b"https" if self.context.client.tls else b"http"
        yield from super().state_wait_for_request_headers(event)

    def check_killed(self, emit_error_hook: bool) -> layer.CommandGenerator[bool]:
        if (yield from super().check_killed(emit_error_hook)):
            return True
        if self.client_state == self.state_wait_for_request_headers and self.flow.response is not None:
            yield from self._answer()
            return True
        return False

    def make_server_connection(self) -> layer.CommandGenerator[bool]:
        request = self.flow.request
        connection: Connection | None
        connection, err = yield GetHttpConnection(
            (request.host, request.port), request.scheme == "https", self.flow.server_conn.via
        )
        if err or connection is None:
            yield from self._fail(err or "no connection")
            return False
        self.context.server = self.flow.server_conn = connection  # type: ignore[assignment]
        if self._is_streaming:
            _frame(request, is_http2=connection.alpn == b"h2")
        return True

    def start_request_stream(self) -> layer.CommandGenerator[None]:
        self._is_streaming = True
        yield from super().start_request_stream()

    def start_response_stream(self) -> layer.CommandGenerator[None]:
        response = self.flow.response
        assert response is not None  # noqa: S101
        if self.flow.request.http_version != "HTTP/1.0":
            _frame(response, is_http2=self.context.client.alpn == b"h2")
        yield from super().start_response_stream()

    def state_stream_request_body(self, event: RequestData | RequestEndOfMessage) -> layer.CommandGenerator[None]:
        stream = self.flow.request.stream
        if not isinstance(event, RequestData) or not callable(stream):
            yield from super().state_stream_request_body(event)
            return

        def send(data: bytes) -> SendHttp:
            return SendHttp(RequestData(self.stream_id, data), self.context.server)

        yield from _read(self.flow.request, event.data, self._request_turns, send)

    def state_stream_response_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        response = self.flow.response
        if response is None or not isinstance(event, ResponseData) or not callable(response.stream):
            yield from super().state_stream_response_body(event)
            return

        def send(data: bytes) -> SendHttp:
            return SendHttp(ResponseData(self.stream_id, data), self.context.client)

        yield from _read(response, event.data, self._response_turns, send)

    @cached_property
    def _request_turns(self) -> Turns:
        return turns_for(state_of(self.flow).request_scan.plan)

    @cached_property
    def _response_turns(self) -> Turns:
        return turns_for(state_of(self.flow).response_scan.plan)

    def flow_done(self) -> layer.CommandGenerator[None]:
        if not self.flow.websocket:
            yield from super().flow_done()
            return
        self.child_layer = BorderWebsocketLayer(self.context, self.flow)
        self._handle_event = self.passthrough  # type: ignore[method-assign]
        yield from self.child_layer.handle_event(events.Start())
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    def handle_protocol_error(
        self, event: RequestProtocolError | ResponseProtocolError
    ) -> layer.CommandGenerator[None]:
        is_unanswered = self.flow.response is None and self.client_state != self.state_errored
        if isinstance(event, ResponseProtocolError) and is_unanswered:
            yield from self._fail(event.message)
        else:
            yield from super().handle_protocol_error(event)

    def _fail(self, message: str) -> layer.CommandGenerator[None]:
        """Nothing came from upstream: the answer is vibedom's, with host and cause, not mitmproxy's error page."""
        self.flow.error = mitmproxy_flow.Error(message)
        yield HttpErrorHook(self.flow)
        if self.flow.response is None:
            yield commands.CloseConnection(self.context.client)
            return
        yield from self._answer()

    def _answer(self) -> layer.CommandGenerator[None]:
        response = self.flow.response
        assert response is not None  # noqa: S101
        yield SendHttp(ResponseHeaders(self.stream_id, response, end_stream=False), self.context.client)
        if response.raw_content and self.flow.request.method != "HEAD":
            yield SendHttp(ResponseData(self.stream_id, response.raw_content), self.context.client)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)
        self.flow.live = False
        self.client_state = self.server_state = self.state_errored
        yield DropStream(self.stream_id)


def _read(
    message: http.Message, data: bytes, turns: Turns, send: Callable[[bytes], SendHttp]
) -> layer.CommandGenerator[None]:
    """Have a chunk read, and send on what may go on."""
    reader = slow_reader(message)
    if reader is not None:
        chunk = Chunk(reader, data)
        yield ReadChunkHook(chunk)
        for piece in chunk.pieces:
            yield send(piece)
        return
    is_first = True
    for ready in turns.read(cast(Read, message.stream), data):
        if not is_first:
            yield GiveWay()
        is_first = False
        if ready:
            yield send(ready)


class BorderHttpLayer(HttpLayer):
    """HTTP whose streams are `BorderStream`s."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, HTTPMode.regular)

    def make_stream(self, stream_id: int) -> layer.CommandGenerator[None]:
        stream = BorderStream(self.context.fork(), stream_id)
        self.streams[stream_id] = stream
        yield from self.event_to_child(stream, events.Start())


class RefusingLayer(layer.Layer):
    """Closes the connection, whatever comes."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Start):
            yield commands.CloseConnection(self.context.client)


def choose_layer(
    next_layer: layer.NextLayer, listener: Listener, *, is_in_tunnel: bool, refused: Callable[[Reason], None]
) -> None:
    """Decide what a connection speaks. Leaves the choice open until there are bytes to choose by."""
    context, data = next_layer.context, next_layer.data_client()  # type: ignore[no-untyped-call]
    if not context.layers:
        next_layer.layer = HttpProxy(context)  # the base that the TLS layer looks for; it asks again
        return
    if not data:
        return
    expects_tls = listener == "https" or is_in_tunnel
    if not context.client.tls and expects_tls and starts_like_tls_record(data):
        next_layer.layer = ClientTLSLayer(context)
    elif listener == "https" and not context.client.tls:
        _refuse(next_layer, refused)
    elif _starts_like_http(data) or context.client.alpn == b"h2":
        next_layer.layer = BorderHttpLayer(context)
    elif len(data) >= 3 or not data[:1].isalpha():
        _refuse(next_layer, refused)


def _refuse(next_layer: layer.NextLayer, refused: Callable[[Reason], None]) -> None:
    refused("non-http")
    next_layer.layer = RefusingLayer(next_layer.context)


def _starts_like_http(data: bytes) -> bool:
    """A method of capitals, a blank and the start of a target. HTTP/0.9 and HTTP/2 without TLS do not pass."""
    method, blank, rest = data.partition(b" ")
    if not blank:
        return len(data) >= 3 and len(data) < MAX_METHOD_BYTES and HTTP_START.issuperset(data)
    is_method = 0 < len(method) <= MAX_METHOD_BYTES and HTTP_START.issuperset(method)
    return is_method and not data.startswith(HTTP2_PREFACE) and not rest.startswith((b"\r", b"\n"))


def _frame(message: http.Message, *, is_http2: bool) -> None:
    """One framing header that is true for the side a stream goes to: chunks where HTTP/1 has no length, none in h2."""
    if is_http2 or "content-length" in message.headers:
        message.headers.pop("transfer-encoding", None)
    elif "transfer-encoding" not in message.headers:
        message.headers["transfer-encoding"] = "chunked"
        if message.http_version == "HTTP/1.0":
            message.http_version = "HTTP/1.1"


def _has_host(request: http.Request) -> bool:
    """Whether mitmproxy will find a destination in the Host header."""
    try:
        host, _ = url.parse_authority(request.host_header or "", check=True)
    except ValueError:
        return False
    return bool(host)
