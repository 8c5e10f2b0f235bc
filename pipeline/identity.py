"""What a connection says it wants, and whether all its names agree: only then is there something to decide on."""

from typing import Literal

import msgspec

from pipeline.events import Reason, Scheme, Target
from pipeline.hosts import HostError, PortError, canonical_host, is_ip_literal, split_authority

Listener = Literal["proxy", "http", "https"]
"""Where a connection arrived: at the explicit proxy, or at what the sandbox took for port 80 or 443 of anywhere."""

NO_HOST = "no-host.invalid"
"""What the proxy gives a request without a usable host, so that it reaches the pipeline, is denied and recorded."""
DEFAULT_PORTS: dict[str, int] = {"http": 80, "https": 443}


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Every name one exchange carries, as sent."""

    listener: Listener
    is_tls: bool
    sni: str | None = None
    authorities: tuple[str, ...] = ()
    """All `Host` headers, or the one `:authority`."""
    uri_host: str | None = None
    """Host of an absolute-form request target, or of CONNECT."""
    uri_port: int | None = None
    tunnel: tuple[str, int] | None = None
    """Canonical host and port of the CONNECT around this exchange."""
    is_connect: bool = False
    """It asks for a tunnel. Some clients (aiohttp) leave the port out of its `Host`; its target has one."""


def identify(said: Said) -> Target:
    """The one host and port that everything in `said` agrees on. `Target.mismatch` says why there is none."""
    scheme: Scheme = "https" if said.is_tls else "http"
    try:
        host, port = _destination(said, DEFAULT_PORTS[scheme])
        mismatch = _disagreement(said, host, port, DEFAULT_PORTS[scheme])
    except PortError:
        host, port, mismatch = "", 0, "bad-port"
    except HostError:
        host, port, mismatch = "", 0, "bad-host"
    return Target(
        scheme=scheme,
        host=host,
        port=port,
        sni=said.sni,
        authority=said.authorities[0] if said.authorities else None,
        tunnel=f"{said.tunnel[0]}:{said.tunnel[1]}" if said.tunnel else None,
        mismatch=mismatch,
    )


def _destination(said: Said, default_port: int) -> tuple[str, int]:
    """What would be dialled: the tunnel's end, else the request target, else the authority."""
    if said.tunnel is not None:
        return said.tunnel
    if said.uri_host == NO_HOST:
        raise HostError("no host: the request names none that is valid")
    if said.uri_host is not None:
        return canonical_host(said.uri_host), said.uri_port or default_port
    if not said.authorities:
        raise HostError("no host: the request names none")
    host, port = split_authority(said.authorities[0])
    return host, port or default_port


def _disagreement(said: Said, host: str, port: int, default_port: int) -> Reason | None:
    if len(said.authorities) > 1:
        return "authority-mismatch"
    implied_port = port if said.tunnel or said.is_connect else default_port
    for authority in said.authorities:
        named, named_port = split_authority(authority)
        if named != host or (named_port or implied_port) != port:
            return "authority-mismatch"
    if said.uri_host is not None and (canonical_host(said.uri_host) != host or (said.uri_port or port) != port):
        return "authority-mismatch"
    if said.listener != "proxy" and port != DEFAULT_PORTS[said.listener]:
        return "bad-port"
    return _server_name(said, host) if said.is_tls else None


def _server_name(said: Said, host: str) -> Reason | None:
    if said.sni is None:
        return None if is_ip_literal(host) and said.tunnel is not None else "sni-missing"
    return None if canonical_host(said.sni) == host else "sni-mismatch"
