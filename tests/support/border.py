"""A proxy with its pipeline on loopback, and no sandbox around it: for tests of what passes the border."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import certifi

from pipeline.events import Record
from pipeline.feed import Feed
from tests.support.detection import small_detection
from vibedom.proxy.authority import Authority
from vibedom.proxy.dialer import Lookup, system_lookup
from vibedom.sandbox.runtime import Listeners
from vibedom.settings import compose
from vibedom.wiring import Border, make_border


class MemorySink:
    """Keeps records; `is_broken` makes it fail as a full disk does."""

    name = "memory"

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.is_broken = False

    async def write(self, records: Sequence[Record], /) -> None:
        if self.is_broken:
            raise OSError("no space left on device")
        self.records.extend(records)

    async def aclose(self) -> None:
        return


class Running:
    """A border that serves: where, what it trusts clients with, and what it has recorded."""

    def __init__(self, border: Border, sink: MemorySink, listeners: Listeners, ca_file: Path) -> None:
        self.border = border
        self.sink = sink
        self.listeners = listeners
        self.ca_file = ca_file

    @property
    def proxy_url(self) -> str:
        return self.listeners.proxy_url

    def port(self, sock: socket.socket) -> int:
        return int(sock.getsockname()[1])

    @property
    def https_port(self) -> int:
        return self.port(self.listeners.https[0])

    @property
    def http_port(self) -> int:
        return self.port(self.listeners.http[0])

    def records(self, kind: str) -> list[Record]:
        return [record for record in self.sink.records if record.kind == kind]


@asynccontextmanager
async def running_border(
    directory: Path,
    *,
    domains: str = "",
    policy: str = "",
    lookup: Lookup = system_lookup,
    roots: Path | None = None,
) -> AsyncIterator[Running]:
    """Serve a border with this policy on loopback until the block ends."""
    authority = Authority("test")
    ca_file = directory / "session-ca.pem"
    ca_file.write_bytes(authority.pem)
    sink = MemorySink()
    border = make_border(
        compose(domains, policy, config=directory, clients=lambda: ()),
        small_detection(),
        [Feed(sink, is_required=True)],
        session="test",
        authority=authority,
        roots=roots or Path(certifi.where()),
        lookup=lookup,
    )
    listeners = loopback_listeners()
    try:
        async with anyio.create_task_group() as recording:
            await recording.start(border.topology.run)
            async with anyio.create_task_group() as group:
                await group.start(border.proxy.serve, listeners)
                await group.start(border.resolver.serve, listeners)
                yield Running(border, sink, listeners, ca_file)
                group.cancel_scope.cancel()
            border.topology.close()
    finally:
        for sock in all_sockets(listeners):
            sock.close()


def loopback_listeners() -> Listeners:
    proxy = bound()
    return Listeners(
        proxy=proxy,
        http=[bound()],
        https=[bound()],
        dns_udp=[bound(socket.SOCK_DGRAM)],
        dns_tcp=[bound()],
        proxy_url=f"http://127.0.0.1:{proxy.getsockname()[1]}",
    )


def all_sockets(listeners: Listeners) -> list[socket.socket]:
    return [listeners.proxy, *listeners.http, *listeners.https, *listeners.dns_udp, *listeners.dns_tcp]


def bound(kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        sock.listen(64)
    return sock
