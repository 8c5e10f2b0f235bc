"""What mitmproxy's layers look up: nothing eager, nothing raw, nothing kept."""

from types import SimpleNamespace
from typing import cast

from mitmproxy.options import Options


class LayerOptions(SimpleNamespace):
    """Plain values. mitmproxy's own options copy what they hold each time, and are asked a dozen times in a flow; its
    server addon, which would define them, loads half a second of other addons."""

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__


def layer_options(idle_seconds: int) -> Options:
    """The options of all connections; one without traffic is closed after `idle_seconds`. They are never changed."""
    return cast(
        Options,
        LayerOptions(
            connection_strategy="lazy",  # nothing is dialled before its decision
            rawtcp=False,
            websocket=True,
            http2=True,
            http2_ping_keepalive=58,
            http3=False,
            store_streamed_bodies=False,
            stream_large_bodies=None,  # it would stream a body unscrubbed
            body_size_limit=None,
            validate_inbound_headers=True,
            normalize_outbound_headers=True,
            keep_host_header=True,
            http_connect_send_host_header=True,
            proxy_debug=False,
            upstream_auth=None,
            tcp_timeout=idle_seconds,
        ),
    )
