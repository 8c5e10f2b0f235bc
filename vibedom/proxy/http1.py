"""HTTP/1 with what mitmproxy leaves out: trailers, and informational answers before the real one."""

import re
from http.client import responses
from typing import ClassVar

import h11
from h11._readers import ChunkedReader, ContentLengthReader
from h11._receivebuffer import ReceiveBuffer
from mitmproxy import http
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    HttpEvent,
    RequestEndOfMessage,
    RequestTrailers,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseTrailers,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server

LAST_CHUNK = b"0\r\n\r\n"
MAX_WAITING_BYTES = 1024 * 1024
INFORMATIONAL = re.compile(rb"HTTP/1\.[01] 1(?!01)\d\d[ \r\n]")
"""A status line from 100 to 199, but for 101: that one is the final answer on its connection."""


PHRASE = re.compile(r"(?:[A-Za-z'-]{1,16}(?: |\Z)){0,6}")
"""The words behind a status, which nobody scrubs and HTTP/2 does without. What is more than words becomes the usual."""


class TrailerReader:
    """h11's reader of chunks. Keeps the trailers, whose sight mitmproxy's own code raises at."""

    def __init__(self, reader: ChunkedReader) -> None:
        self._reader = reader
        self.trailers = http.Headers()

    def __call__(self, buf: ReceiveBuffer) -> h11.Data | h11.EndOfMessage | None:
        event = self._reader(buf)
        if isinstance(event, h11.EndOfMessage):
            self.trailers = http.Headers([(bytes(name), bytes(value)) for name, value in event.headers])
            return h11.EndOfMessage()
        assert event is None or isinstance(event, h11.Data)  # noqa: S101
        return event

    def read_eof(self) -> h11.EndOfMessage:
        return self._reader.read_eof()  # raises: the body was cut


class _Trailers(Http1Connection):
    """Both directions of a connection: trailers that come are told, trailers to send end the last chunk."""

    received: ClassVar[type[RequestTrailers | ResponseTrailers]]
    _to_send: http.Headers | None = None

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        """What is no body waits in memory until it is whole: head, chunk header, trailers, the next request."""
        if isinstance(event, events.DataReceived) and self._is_body(event.data):
            yield from self._pass_body(event.data)
            return
        yield from super()._handle_event(event)
        if isinstance(event, events.DataReceived) and len(self.buf) > MAX_WAITING_BYTES:
            self.buf = ReceiveBuffer()
            self.state = self.done
            yield commands.CloseConnection(self.conn)
            if self.stream_id is not None:
                yield ReceiveHttp(self.ReceiveProtocolError(self.stream_id, "too long", self.ReceiveProtocolError.code))

    def _is_body(self, data: bytes) -> bool:
        """Whether all of `data` belongs to a body whose length is known: then it needs no copy, where mitmproxy makes
        four."""
        if self.buf or self.state != self.read_body or not isinstance(self.body_reader, ContentLengthReader):
            return False
        return 0 < len(data) <= self.body_reader._remaining  # h11 tells nobody else

    def _pass_body(self, data: bytes) -> layer.CommandGenerator[None]:
        reader = self.body_reader
        assert isinstance(reader, ContentLengthReader)  # noqa: S101
        assert self.stream_id is not None  # noqa: S101
        reader._remaining -= len(data)
        yield ReceiveHttp(self.ReceiveData(self.stream_id, data))
        if not reader._remaining:
            yield from super()._handle_event(events.DataReceived(self.conn, b""))  # which tells that it is whole

    def read_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(self.body_reader, ChunkedReader):
            self.body_reader = TrailerReader(self.body_reader)  # type: ignore[assignment]
        reader = self.body_reader
        for command in super().read_body(event):
            if isinstance(reader, TrailerReader) and reader.trailers and self._is_end(command):
                trailers, reader.trailers = reader.trailers, http.Headers()
                assert self.stream_id is not None  # noqa: S101
                yield ReceiveHttp(self.received(self.stream_id, trailers))
            yield command

    def _is_end(self, command: commands.Command) -> bool:
        return isinstance(command, ReceiveHttp) and isinstance(command.event, self.ReceiveEndOfMessage)

    def _with_trailers(self, event: HttpEvent, sending: layer.CommandGenerator[None]) -> layer.CommandGenerator[None]:
        """`sending`, where the end of a chunked body takes the trailers along. Without chunks there is no place."""
        if not isinstance(event, RequestEndOfMessage | ResponseEndOfMessage):
            yield from sending
            return
        trailers, self._to_send = self._to_send, None
        for command in sending:
            if trailers and isinstance(command, commands.SendData) and command.data == LAST_CHUNK:
                lines = b"".join(b"%s: %s\r\n" % field for field in trailers.fields)
                command = commands.SendData(command.connection, b"0\r\n" + lines + b"\r\n")
            yield command


class BorderHttp1Server(_Trailers, Http1Server):
    """Towards the sandbox."""

    received = RequestTrailers

    def send(self, event: HttpEvent) -> layer.CommandGenerator[None]:
        if isinstance(event, ResponseTrailers):
            self._to_send = event.trailers
            return
        if isinstance(event, ResponseHeaders) and not PHRASE.fullmatch(event.response.reason):
            event.response.reason = responses.get(event.response.status_code, "")
        yield from self._with_trailers(event, super().send(event))


class BorderHttp1Client(_Trailers, Http1Client):
    """Towards the origin."""

    received = ResponseTrailers

    def send(self, event: HttpEvent) -> layer.CommandGenerator[None]:
        if isinstance(event, RequestTrailers):
            self._to_send = event.trailers
            return
        yield from self._with_trailers(event, super().send(event))

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        """Informational answers (100, 103) go no further: mitmproxy would take the first one for the answer."""
        while self.request and isinstance(event, events.DataReceived) and INFORMATIONAL.match(bytes(self.buf)):
            if self.buf.maybe_extract_lines() is None:
                return
        yield from super().read_headers(event)


def speak_http1() -> None:
    """Put these in the place of mitmproxy's own. Its HTTP layer looks the classes up here, and offers no other way."""
    http_layers.Http1Server = BorderHttp1Server  # type: ignore[attr-defined]
    http_layers.Http1Client = BorderHttp1Client  # type: ignore[attr-defined]
