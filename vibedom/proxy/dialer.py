"""The way upstream: an address is looked up here, checked, and dialled as checked. No second lookup, no rebinding."""

import socket
from collections.abc import Callable, Sequence

import anyio
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from pipeline.events import Reason
from pipeline.hosts import canonical_host, is_ip_literal
from pipeline.whitelist import HostPolicy
from vibedom.proxy.upstream import UpstreamProxy

LOOKUP_SECONDS = 10.0
PROBE_SECONDS = 1.5
"""How long the first of two address families may take to accept a connection."""

Address = tuple[str, int]
Lookup = Callable[[str, int], Sequence[str]]
"""Host and port -> its addresses, best first. Raises OSError."""


def system_lookup(host: str, port: int) -> list[str]:
    """The addresses the machine's resolver gives, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class Dialer:
    """Puts a checked address into mitmproxy's connection before it dials, and the name back afterwards.

    The name has to come back because mitmproxy finds a connection to use again by the name it was opened for.
    """

    def __init__(
        self, policy: Callable[[], HostPolicy], lookup: Lookup = system_lookup, via: UpstreamProxy | None = None
    ) -> None:
        self.policy = policy
        self._lookup = lookup
        self.via = via or UpstreamProxy()
        self._names: dict[str, Address] = {}
        self._is_first_dead: dict[Address, bool] = {}

    async def server_connect(self, data: ServerConnectionHookData) -> None:
        """Set the address to dial, or the reason not to as the connection's error."""
        assert data.server.address is not None  # noqa: S101
        host, port = data.server.address[0], data.server.address[1]
        if self.via.is_proxy(data.server.address) and self.policy().dial(host, port) is None:
            return  # the user's own proxy, wherever it is; it does the looking up
        address = await self._address(host, port)
        if isinstance(address, tuple):
            self._names[data.server.id] = (host, port)
            data.server.address = address
        else:
            data.server.error = address

    def restore(self, data: ServerConnectionHookData) -> None:
        """The connection is open, or has failed: it goes by its name again."""
        name = self._names.pop(data.server.id, None)
        if name is not None:
            # mitmproxy forbids this on an open connection, because it would usually be a mistake.
            object.__setattr__(data.server, "address", name)

    async def _address(self, host: str, port: int) -> Address | Reason:
        policy = self.policy()
        dial = policy.dial(host, port)
        if dial is not None:
            return dial.address, dial.port
        if is_ip_literal(host):
            candidates: Sequence[str] = [host]
        else:
            candidates = await self._look_up(host, port)
        if not candidates:
            return "name-not-resolved"
        allowed = [ip for ip in candidates if policy.allows_address(host, canonical_host(ip.partition("%")[0]), port)]
        # One address that may not be dialled spoils the answer: a name that points inside as well is an attack.
        if len(allowed) < len(candidates):
            return "address-not-public"
        return await self._answering(host, [ip for ip in allowed if _has_route(ip)] or allowed, port), port

    async def _answering(self, host: str, addresses: Sequence[str], port: int) -> str:
        """The first address, or one of the other family where that one does not answer: a host whose IPv6 address is
        dead would else be waited for as long as the kernel likes. Asked once for each host: it costs a connection."""
        first = addresses[0]
        other = next((ip for ip in addresses if (":" in ip) != (":" in first)), None)
        if other is None:
            return first
        if (host, port) not in self._is_first_dead:
            self._is_first_dead[host, port] = not await _accepts(first, port)
        return other if self._is_first_dead[host, port] else first

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        try:
            with anyio.fail_after(LOOKUP_SECONDS):
                return await anyio.to_thread.run_sync(self._lookup, host, port, abandon_on_cancel=True)
        except (OSError, TimeoutError, UnicodeError):
            return ()


async def _accepts(ip: str, port: int) -> bool:
    try:
        with anyio.fail_after(PROBE_SECONDS):
            await (await anyio.connect_tcp(ip, port)).aclose()
    except (OSError, TimeoutError):
        return False
    return True


def _has_route(ip: str) -> bool:
    """Whether this machine can reach the address's family at all. Connecting a UDP socket sends nothing."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((ip, 9))
    except OSError:
        return False
    return True
