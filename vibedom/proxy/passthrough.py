"""TLS that is not intercepted: for hosts whose policy entry says so, checked by server name and counted."""

from collections.abc import Awaitable, Callable

from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import layer
from mitmproxy.proxy.layers.tls import parse_client_hello
from mitmproxy.tcp import TCPFlow

from pipeline.events import Target
from pipeline.hosts import HostError, canonical_host
from pipeline.identity import Listener, Said, identify
from pipeline.whitelist import HostPolicy
from vibedom.proxy.layers import RefusingLayer
from vibedom.proxy.relaying import RelayLayer

DEFAULT_PORT = 443


def passthrough_target(
    hello: bytes, listener: Listener, tunnel: tuple[str, int] | None, policy: HostPolicy
) -> Target | None:
    """Where a connection that starts with this ClientHello goes, if it goes there uninterpreted; else None.

    A hello that is not complete yet, or names no host, is intercepted: that is the rule, and this the exception.
    """
    try:
        parsed = parse_client_hello(hello)
        host = canonical_host(parsed.sni) if parsed is not None and parsed.sni else ""
    except (ValueError, HostError):
        return None
    host, port = tunnel or (host, DEFAULT_PORT)
    if parsed is None or not host or not policy.is_passthrough(host, port):
        return None
    said = Said(listener=listener, is_tls=True, sni=parsed.sni, uri_host=host, uri_port=port, tunnel=tunnel)
    return identify(said)


async def choose_passthrough(
    next_layer: layer.NextLayer,
    listener: Listener,
    tunnel: tuple[str, int] | None,
    policy: HostPolicy,
    is_allowed: Callable[[TCPFlow, Target], Awaitable[bool]],
) -> bool:
    """Whether the connection is one that is not intercepted; then its layer is chosen: relayed if it may go there."""
    hello = next_layer.data_client()  # type: ignore[no-untyped-call]
    if not starts_like_tls_record(hello) or (listener != "https" and tunnel is None):
        return False
    target = passthrough_target(hello, listener, tunnel, policy)
    if target is None:
        return False
    relaying = RelayLayer(next_layer, target)
    assert relaying.flow is not None  # noqa: S101
    next_layer.layer = relaying if await is_allowed(relaying.flow, target) else RefusingLayer(next_layer.context)
    return True
