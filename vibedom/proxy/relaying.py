"""A connection relayed as it is, that can be cut: a hook cannot end one by itself."""

from mitmproxy import flow as mitmproxy_flow
from mitmproxy.connection import Connection, Server
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.tcp import TcpErrorHook, TCPLayer

from pipeline.capture.exchange import KILLED
from pipeline.events import Reason, Target


class RelayLayer(TCPLayer):
    """Relays to `target`. Every message goes through the hooks `tcp_*`; one that sets the flow's error ends it."""

    def __init__(self, next_layer: layer.NextLayer, target: Target) -> None:
        next_layer.context.server = Server(address=(target.host, target.port))
        super().__init__(next_layer.context)

    def relay_messages(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from super().relay_messages(event)
        if self.flow is not None and self.flow.live and self.flow.error is not None:
            yield from self.cut()

    def cut(self, reason: Reason | None = None) -> layer.CommandGenerator[None]:
        """Close both sides. Without a `reason` the flow's error says why."""
        assert self.flow is not None  # noqa: S101
        self._handle_event = self.done
        if reason is not None:
            self.flow.error = mitmproxy_flow.Error(f"{KILLED}{reason}")
        yield TcpErrorHook(self.flow)
        for connection in (self.context.server, self.context.client):
            yield from _closed(connection)


def _closed(connection: Connection) -> layer.CommandGenerator[None]:
    if connection.connected:
        yield commands.CloseConnection(connection)
