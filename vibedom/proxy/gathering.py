"""JSON of unknown length: gathered as long as it comes without a pause, so that it is read with its structure.

Most of it is whole within a millisecond, and only its framing does not say so (chunks, HTTP/2). What pauses is a stream
somebody reads as it grows: it goes on from there as a stream, so that nothing is held back but for the first moment.
"""

from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import HttpStream
from mitmproxy.proxy.layers.http._events import ResponseData

from pipeline.capture.relay import STATE, state_of

PAUSE_SECONDS = 0.01
"""A body of which nothing came for so long is a stream."""
LONGEST_SECONDS = 0.1
"""So is one that takes longer than this altogether."""


@dataclass
class StreamResponseHook(commands.StartHook):  # type: ignore[no-untyped-call]
    """Open the stream for a response."""

    flow: http.HTTPFlow


class GatheringStream(HttpStream):
    """An exchange whose response may be gathered (plan `gather`)."""

    _gathered, _pauses = 0, 0
    """Bytes when the clock was last looked at, and how often it was."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Wakeup):
            yield from self._look_at_clock()
        else:
            yield from super()._handle_event(event)

    def state_consume_response_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from super().state_consume_response_body(event)
        if not isinstance(event, ResponseData) or not self._limit:
            return
        if len(self.response_body_buf) > self._limit:
            yield from self._go_on_as_stream()
        elif not self._gathered:
            yield from self._set_clock()

    @property
    def _limit(self) -> int:
        """Most bytes to gather; 0 where the body is not gathered."""
        return state_of(self.flow).response_scan.gather_bytes if STATE in self.flow.metadata else 0

    def _set_clock(self) -> layer.CommandGenerator[None]:
        self._gathered, self._pauses = len(self.response_body_buf), self._pauses + 1
        yield commands.RequestWakeup(PAUSE_SECONDS)

    def _look_at_clock(self) -> layer.CommandGenerator[None]:
        if self.server_state != self.state_consume_response_body or not self._limit:
            return  # it is whole, or streams
        is_coming = len(self.response_body_buf) > self._gathered
        if is_coming and self._pauses * PAUSE_SECONDS < LONGEST_SECONDS:
            yield from self._set_clock()
        else:
            yield from self._go_on_as_stream()

    def _go_on_as_stream(self) -> layer.CommandGenerator[None]:
        yield StreamResponseHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        body = bytes(self.response_body_buf)
        self.response_body_buf.clear()  # type: ignore[no-untyped-call]
        yield from self.start_response_stream()
        yield from self.state_stream_response_body(ResponseData(self.stream_id, body))
