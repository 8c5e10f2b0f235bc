"""JSON of unknown length: gathered as long as it comes without a pause, so that it is read with its structure.

Most of it is whole within a millisecond, and only its framing does not say so (chunks, HTTP/2). What pauses is a stream
somebody reads as it grows, or a client that waits for the origin's first word: it goes on from there as a stream, so
that nothing is held back but for the first moment.
"""

from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import HttpStream
from mitmproxy.proxy.layers.http._events import RequestData, RequestHeaders, ResponseData

from pipeline.capture.relay import STATE, state_of

PAUSE_SECONDS = 0.01
"""A body of which nothing came for so long is a stream."""
LONGEST_SECONDS = 0.1
"""So is one that takes longer than this altogether."""


@dataclass
class StreamRequestHook(commands.StartHook):  # type: ignore[no-untyped-call]
    """Open the stream for a request."""

    flow: http.HTTPFlow


@dataclass
class StreamResponseHook(commands.StartHook):  # type: ignore[no-untyped-call]
    """Open the stream for a response."""

    flow: http.HTTPFlow


class GatheringStream(HttpStream):
    """An exchange whose request or response may be gathered (plan `gather`), one after the other."""

    _clock: commands.RequestWakeup | None = None
    """The last one that was set; what an earlier one says is about another body."""
    _gathered, _pauses = 0, 0
    """Bytes when the clock was last looked at, and how often it was."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if not isinstance(event, events.Wakeup):
            yield from super()._handle_event(event)
        elif event.command is self._clock:
            yield from self._look_at_clock()

    def state_wait_for_request_headers(self, event: RequestHeaders) -> layer.CommandGenerator[None]:
        yield from super().state_wait_for_request_headers(event)
        if self._limit and not event.end_stream:
            yield from self._set_clock()

    def state_consume_request_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from super().state_consume_request_body(event)
        if isinstance(event, RequestData) and 0 < self._limit < len(self.request_body_buf):
            yield from self._stream_request()

    def state_consume_response_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        is_first = not self.response_body_buf
        yield from super().state_consume_response_body(event)
        if not isinstance(event, ResponseData) or not self._limit:
            return
        if len(self.response_body_buf) > self._limit:
            yield from self._stream_response()
        elif is_first:
            self._pauses = 0
            yield from self._set_clock()

    @property
    def _is_request(self) -> bool:
        return bool(self.client_state == self.state_consume_request_body)

    @property
    def _limit(self) -> int:
        """Most bytes of the body that is being read; 0 where none is, or it is not gathered."""
        if STATE not in self.flow.metadata:
            return 0
        if self._is_request:
            return state_of(self.flow).request_scan.gather_bytes
        is_response = self.server_state == self.state_consume_response_body
        return state_of(self.flow).response_scan.gather_bytes if is_response else 0

    @property
    def _length(self) -> int:
        return len(self.request_body_buf if self._is_request else self.response_body_buf)

    def _set_clock(self) -> layer.CommandGenerator[None]:
        self._gathered, self._pauses = self._length, self._pauses + 1
        self._clock = commands.RequestWakeup(PAUSE_SECONDS)
        yield self._clock

    def _look_at_clock(self) -> layer.CommandGenerator[None]:
        if not self._limit:
            return  # it is whole, or streams
        is_coming = self._length > self._gathered
        if is_coming and self._pauses * PAUSE_SECONDS < LONGEST_SECONDS:
            yield from self._set_clock()
        elif self._is_request:
            yield from self._stream_request()
        else:
            yield from self._stream_response()

    def _stream_request(self) -> layer.CommandGenerator[None]:
        yield StreamRequestHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        body = bytes(self.request_body_buf)
        self.request_body_buf.clear()  # type: ignore[no-untyped-call]
        yield from self.start_request_stream()
        if body and self.client_state == self.state_stream_request_body:  # else nobody could be reached
            yield from self.state_stream_request_body(RequestData(self.stream_id, body))

    def _stream_response(self) -> layer.CommandGenerator[None]:
        yield StreamResponseHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        body = bytes(self.response_body_buf)
        self.response_body_buf.clear()  # type: ignore[no-untyped-call]
        yield from self.start_response_stream()
        yield from self.state_stream_response_body(ResponseData(self.stream_id, body))
