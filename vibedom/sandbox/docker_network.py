"""The session's network: an internal bridge, and the listeners on its gateway address."""

import errno
import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack

import msgspec

from vibedom.errors import PortBusyError, RuntimeUnavailableError, SandboxError
from vibedom.sandbox.docker_caller import Caller
from vibedom.sandbox.lockdown import Lockdown
from vibedom.sandbox.runtime import Listeners

_BACKLOG = 512


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """A network of the engine as this host sees it."""

    id: str
    name: str
    gateway: str
    """IPv4 address of the host on it."""
    interface: str
    """The bridge's interface on this host."""


def create(caller: Caller, name: str, labels: Mapping[str, str]) -> Bridge:
    """Make an internal network: the engine itself forwards nothing from it. Blocking. Raises `SandboxError`."""
    wanted = {
        "Name": name,
        "CheckDuplicate": True,
        "Driver": "bridge",
        "Internal": True,
        "EnableIPv6": False,
        "Labels": dict(labels),
    }
    made = caller.call("create the network", "POST", "/networks/create", wanted)["Id"]
    shown = caller.call("create the network", "GET", f"/networks/{made}")
    gateway = next((entry.get("Gateway") for entry in shown["IPAM"]["Config"] if entry.get("Gateway")), None)
    if gateway is None:
        raise SandboxError(f"the engine gave the network {name} no gateway address; see `docker network inspect`")
    interface = (shown.get("Options") or {}).get("com.docker.network.bridge.name") or f"br-{made[:12]}"
    return Bridge(id=made, name=name, gateway=gateway.partition("/")[0], interface=interface)


def listen(bridge: Bridge) -> Listeners:
    """Bind every listener to the bridge's gateway address, ports chosen by the kernel, nobody a peer yet.

    Raises `PortBusyError` where none can be had, `RuntimeUnavailableError` where the address is not this host's.
    """
    with ExitStack() as undo:
        tcp = [undo.enter_context(bind(bridge, socket.SOCK_STREAM)) for _ in range(4)]
        udp = undo.enter_context(bind(bridge, socket.SOCK_DGRAM))
        for one in tcp:
            one.listen(_BACKLOG)
        undo.pop_all()
    proxy, http, https, dns = tcp
    return Listeners(
        proxy=proxy,
        http=(http,),
        https=(https,),
        dns_udp=(udp,),
        dns_tcp=(dns,),
        proxy_url=f"http://{bridge.gateway}:{port(proxy)}",
        peers=frozenset(),
    )


def bind(bridge: Bridge, kind: socket.SocketKind) -> socket.socket:
    """A non-blocking socket that takes only what arrives through the bridge."""
    bound = socket.socket(socket.AF_INET, kind)
    try:
        bound.setblocking(False)
        _only_from(bound, bridge.interface)
        bound.bind((bridge.gateway, 0))
    except OSError as exc:
        bound.close()
        if exc.errno == errno.EADDRNOTAVAIL:
            raise RuntimeUnavailableError(
                f"the sandbox's gateway {bridge.gateway} is no address of this machine: the engine runs in a VM, "
                "rootless or elsewhere and cannot reach the proxy; use one of this machine or `--runtime local`"
            ) from exc
        raise PortBusyError(
            f"no port can be bound at {bridge.gateway}: {os.strerror(exc.errno or 0)}; free some and retry"
        ) from exc
    return bound


def _only_from(bound: socket.socket, interface: str) -> None:
    """Refuse packets for the gateway's address that come in by another interface (Linux accepts them).

    A second fence behind the check of the peer's address; kernels before 5.7 want a capability for it, and an engine
    may name its bridges otherwise.
    """
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
    except OSError as exc:
        if exc.errno not in (errno.EPERM, errno.ENODEV, errno.ENOPROTOOPT):
            raise


def port(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])


def lockdown(bridge: Bridge, listeners: Listeners) -> Lockdown:
    """The rules that let a sandbox reach these listeners and nothing else."""
    return Lockdown(
        gateway=bridge.gateway,
        proxy=port(listeners.proxy),
        http=port(listeners.http[0]),
        https=port(listeners.https[0]),
        dns_udp=port(listeners.dns_udp[0]),
        dns_tcp=port(listeners.dns_tcp[0]),
    )


def close(listeners: Listeners) -> None:
    """Close what `listen` has bound; sockets the proxy has closed already are fine."""
    every = (listeners.proxy, *listeners.http, *listeners.https, *listeners.dns_udp, *listeners.dns_tcp)
    for bound in every:
        bound.close()
