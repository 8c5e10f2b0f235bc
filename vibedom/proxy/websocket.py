"""WebSocket with limits: whole messages of bounded size, and no words beside them.

mitmproxy's layer relays pings, pongs and close reasons as they come, and gathers a message of any size.
"""

from typing import cast

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.websocket import (
    Fragmentizer,
    WebsocketConnection,
    WebsocketEndHook,
    WebsocketLayer,
    WebsocketMessageHook,
)
from mitmproxy.websocket import WebSocketMessage
from wsproto import events as frames
from wsproto.connection import ConnectionState
from wsproto.frame_protocol import CloseReason, Opcode

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A longer message closes the connection (1009); the largest that model APIs take is 15 MiB."""
MAX_REASON_BYTES = 123
"""RFC 6455 section 5.5: what a close frame has room for."""

Frames = layer.CommandGenerator[None]


class BorderWebsocketLayer(WebsocketLayer):
    """Relays messages that were judged whole. Pings are answered here, and go on without their payload."""

    def relay_messages(self, event: events.Event) -> Frames:
        assert isinstance(event, events.DataReceived | events.ConnectionClosed)  # noqa: S101
        is_from_client = event.connection == self.context.client
        source = self.client_ws if is_from_client else self.server_ws
        source.receive_data(event.data if isinstance(event, events.DataReceived) else None)
        for frame in source.events():
            if isinstance(frame, frames.TextMessage | frames.BytesMessage):
                if not (yield from self._gather(source, frame, is_from_client=is_from_client)):
                    return
            elif isinstance(frame, frames.Ping):
                yield from self._answer(source, frame)
            elif isinstance(frame, frames.CloseConnection):
                reason = yield from self._judged_reason(frame, is_from_client=is_from_client)
                yield from self._close(frames.CloseConnection(frame.code, reason), is_from_client=is_from_client)

    def _gather(
        self, source: WebsocketConnection, frame: frames.TextMessage | frames.BytesMessage, *, is_from_client: bool
    ) -> layer.CommandGenerator[bool]:
        """Keep a piece of a message; send the message on where it was the last one. False: it grew too long."""
        is_text = isinstance(frame.data, str)
        parts = cast(list[bytearray], source.frame_buf)
        if not isinstance(parts[-1], bytearray):
            parts[-1] = bytearray(parts[-1])
        parts[-1] += frame.data.encode() if isinstance(frame.data, str) else frame.data
        if sum(map(len, parts)) > MAX_MESSAGE_BYTES:
            too_big = frames.CloseConnection(CloseReason.MESSAGE_TOO_BIG, None)
            yield from self._close(too_big, is_from_client=is_from_client)
            return False
        if frame.message_finished:
            yield from self._send_on(source, is_text=is_text, is_from_client=is_from_client)
        elif frame.frame_finished:
            source.frame_buf.append(b"")
        return True

    def _send_on(self, source: WebsocketConnection, *, is_text: bool, is_from_client: bool) -> Frames:
        fragments, source.frame_buf = source.frame_buf, [b""]
        opcode = Opcode.TEXT if is_text else Opcode.BINARY
        message = yield from self._judged(opcode, b"".join(fragments), is_from_client=is_from_client)
        target = self.server_ws if is_from_client else self.client_ws
        if message.dropped or target.state is not ConnectionState.OPEN:
            return
        for piece in Fragmentizer(fragments, is_text)(message.content):
            yield target.send2(piece)

    def _judged(
        self, opcode: Opcode, content: bytes, *, is_from_client: bool
    ) -> layer.CommandGenerator[WebSocketMessage]:
        assert self.flow.websocket is not None  # noqa: S101
        message = WebSocketMessage(opcode, is_from_client, content)
        self.flow.websocket.messages.append(message)
        yield WebsocketMessageHook(self.flow)
        return message

    def _answer(self, source: WebsocketConnection, ping: frames.Ping) -> Frames:
        """A pong has to repeat its ping's payload, so the one who asked gets it from here. The other side is pinged
        all the same, because it may close what is silent; its pong ends here."""
        yield source.send2(ping.response())
        target = self.server_ws if source is self.client_ws else self.client_ws
        if target.state is ConnectionState.OPEN:
            yield target.send2(frames.Ping(b""))

    def _judged_reason(
        self, frame: frames.CloseConnection, *, is_from_client: bool
    ) -> layer.CommandGenerator[str | None]:
        if not frame.reason:
            return None
        message = yield from self._judged(Opcode.TEXT, frame.reason.encode(), is_from_client=is_from_client)
        return None if message.dropped else message.content[:MAX_REASON_BYTES].decode("utf-8", "ignore")

    def _close(self, frame: frames.CloseConnection, *, is_from_client: bool) -> Frames:
        socket = self.flow.websocket
        assert socket is not None  # noqa: S101
        socket.closed_by_client, socket.close_code = is_from_client, frame.code
        for connection in (self.server_ws, self.client_ws):
            if connection.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
                yield connection.send2(frame)
            yield commands.CloseConnection(connection.conn)
        yield WebsocketEndHook(self.flow)
        self.flow.live = False
        self._handle_event = self.done
