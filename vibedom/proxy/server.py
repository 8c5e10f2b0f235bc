"""Serves the sandbox's listeners with mitmproxy's connection handling, inside vibedom's own task group.

mitmproxy's master and its server addon are not used: their listeners outlive a shutdown, and their hooks fail open.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Sequence
from typing import Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from mitmproxy import options as mitmproxy_options
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import TlsData

from pipeline.capture.hooks import Capture, Peer
from pipeline.events import Reason
from pipeline.identity import Listener
from pipeline.lanes import Lanes
from vibedom.proxy.backlog import Backlog
from vibedom.proxy.chunk import Chunk
from vibedom.proxy.descriptors import connection_limit
from vibedom.proxy.dialer import Dialer
from vibedom.proxy.driver import DrivenHandler
from vibedom.proxy.http1 import speak_http1
from vibedom.proxy.layer_options import layer_options
from vibedom.proxy.layers import choose_layer
from vibedom.proxy.passthrough import choose_passthrough
from vibedom.proxy.ssh import choose_ssh
from vibedom.proxy.tls import Tls
from vibedom.sandbox.runtime import Listeners

MAX_CONNECTIONS = 1024
"""Open connections of one sandbox; more wait to be accepted. There may be as many to upstream hosts."""
MAX_UPSTREAM = 100
"""Connections that one connection of the sandbox may have to one address: as many as HTTP/2 streams."""
IDLE_SECONDS = 900
"""A connection without traffic is closed after this."""
DRAIN_SECONDS = 5.0
CONNECT_SECONDS = 15.0
"""Looking up and dialling a host; then it counts as one that does not answer."""


class BorderHandler(DrivenHandler):
    """One connection of the sandbox. Its hooks go to capture, dialer and TLS, and to nothing else."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        options: mitmproxy_options.Options,
        proxy: "ProxyServer",
        listener: Listener,
    ) -> None:
        super().__init__(reader, writer, options)
        # mitmproxy allows five: with as many event streams open, an HTTP/2 client's sixth request would wait for ever.
        self.max_conns.default_factory = lambda: asyncio.Semaphore(MAX_UPSTREAM)
        self._proxy = proxy
        self._capture = proxy.capture
        self._peer = Peer(listener)
        self._capture.peers[self.client.id] = self._peer
        self._judging, self._dialling = Backlog(), Backlog()

    async def open_connection(self, command: commands.OpenConnection) -> None:
        """mitmproxy waits for an address that does not answer as long as the kernel does, which is two minutes."""
        dialling = asyncio.current_task()
        loop, connection = asyncio.get_running_loop(), command.connection
        timers: list[asyncio.TimerHandle] = []

        def give_up() -> None:
            if connection.timestamp_tcp_setup is not None or dialling is None:
                return
            # A connection that waits for its turn is not dialled yet: its time has not begun.
            waited = time.time() - (connection.timestamp_start or time.time())
            if waited >= CONNECT_SECONDS:
                dialling.cancel()
            else:
                timers.append(loop.call_later(CONNECT_SECONDS - waited + 0.01, give_up))

        timers.append(loop.call_later(CONNECT_SECONDS, give_up))
        self._dialling.begin(connection.id)
        try:
            async with self._proxy.upstream_slots:
                await super().open_connection(command)
        finally:
            timers[-1].cancel()
            self._dialling.end(connection.id)

    async def handle_hook(self, hook: commands.StartHook) -> None:
        try:
            with self.timeout_watchdog.disarm():
                self._judging.begin(hook)
                await self._dispatch(hook)
        # mitmproxy's layers would wait for this hook for ever; the connection ends instead.
        except Exception:
            self.abort()
        finally:
            self._judging.end(hook)

    async def server_event(self, event: events.Event) -> None:
        await self._proxy.is_open.wait()
        if isinstance(event, events.DataReceived):
            self._judging.arrived(len(event.data))
            self._dialling.arrived(len(event.data))
        await super().server_event(event)

    async def drain_writers(self) -> None:
        """Called after each read. What an upstream sends is read while it is dialled: a handshake is part of that."""
        await self._judging.wait_for_room()
        io = self.transports.get(self.client)
        if io is not None and io.handler is asyncio.current_task():
            await self._dialling.wait_for_room()
        await super().drain_writers()  # type: ignore[no-untyped-call]

    async def _dispatch(self, hook: commands.StartHook) -> None:
        (data,) = hook.args()
        if isinstance(data, layer.NextLayer):
            await self._next_layer(data)
        elif isinstance(data, ServerConnectionHookData):
            await self._server(hook.name, data)
        elif isinstance(data, Chunk):
            await self._proxy.lanes.run(self.client.id, data.read)
        elif isinstance(data, TlsData):
            await self._tls(hook.name, data)
        else:
            await self._capture.handle(hook)

    async def _next_layer(self, data: layer.NextLayer) -> None:
        if await self._passes_through(data):
            return
        reasons: list[Reason] = []
        tunnel = self._peer.tunnel
        if tunnel is not None and self._proxy.dialer.policy().is_ssh(*tunnel):
            await choose_ssh(data, tunnel, self._capture.relays.passes_through, refused=reasons.append)
        else:
            choose_layer(data, self._peer.listener, is_in_tunnel=tunnel is not None, refused=reasons.append)
        for reason in reasons:
            await self._record_refusal(reason)

    async def _passes_through(self, data: layer.NextLayer) -> bool:
        """Relay a connection that the policy does not want intercepted, if it may go where it wants to."""
        if self.client.tls:
            return False
        listener, tunnel, policy = self._peer.listener, self._peer.tunnel, self._proxy.dialer.policy()
        return await choose_passthrough(data, listener, tunnel, policy, self._capture.relays.passes_through)

    async def _server(self, name: str, data: ServerConnectionHookData) -> None:
        if name == "server_connect":
            await self._proxy.dialer.server_connect(data)
        elif name in ("server_connected", "server_connect_error"):
            self._proxy.dialer.restore(data)
            if not data.server.tls or name == "server_connect_error":
                self._dialling.end(data.server.id)

    async def _tls(self, name: str, data: TlsData) -> None:
        if name == "tls_start_client":
            host = self._peer.tunnel[0] if self._peer.tunnel else None
            if not self._proxy.tls.start_client(data, host):
                await self._record_refusal("sni-missing")
        elif name == "tls_start_server":
            self._proxy.tls.start_server(data)
        elif name in ("tls_established_server", "tls_failed_server"):
            self._dialling.end(data.conn.id)

    async def _record_refusal(self, reason: Reason) -> None:
        host, port = self._peer.tunnel or ("", 0)
        await self._capture.refused(self.client, reason, host, port)

    def log(self, message: str, level: int = logging.INFO, exc_info: Any = None) -> None:
        """mitmproxy's log lines hold what clients sent, so none is kept. After a crash nothing more may pass."""
        if level >= logging.ERROR:
            self.abort()

    def abort(self) -> None:
        """Cut every transport of this connection."""
        for io in list(self.transports.values()):
            if isinstance(io.writer, asyncio.StreamWriter):
                io.writer.transport.abort()
            if io.handler is not None:
                io.handler.cancel("connection cut")


class ProxyServer:
    """The proxy of one session."""

    def __init__(self, capture: Capture, tls: Tls, dialer: Dialer) -> None:
        self.capture = capture
        self.tls = tls
        self.dialer = dialer
        self._options = layer_options(IDLE_SECONDS)
        speak_http1()
        self._slots = anyio.Semaphore(connection_limit(MAX_CONNECTIONS))
        self.upstream_slots = anyio.Semaphore(connection_limit(MAX_CONNECTIONS))
        self.lanes = Lanes()
        self._handlers: set[BorderHandler] = set()
        self.is_open = asyncio.Event()
        """Cleared while the session is paused: nothing goes on in either direction, and nothing is cut."""
        self.is_open.set()

    async def serve(self, listeners: Listeners, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. The sockets stay the runtime's; connections are cut at the end."""
        try:
            async with anyio.create_task_group() as group:
                for sock, listener in _by_listener(listeners):
                    sock.setblocking(False)
                    group.start_soon(self._accept, sock, listener, listeners, group)
                task_status.started()
        finally:
            for handler in list(self._handlers):
                handler.abort()

    def pause(self) -> None:
        """Stop every connection where it is, until `resume`."""
        self.is_open.clear()

    def resume(self) -> None:
        self.is_open.set()

    async def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Wait until the open exchanges are done, at most `seconds`."""
        with anyio.move_on_after(seconds):
            while any(h.transports for h in self._handlers):  # noqa: ASYNC110  # mitmproxy has no event for it
                await anyio.sleep(0.02)

    async def _accept(self, sock: socket.socket, listener: Listener, listeners: Listeners, group: TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._slots.acquire()
            try:
                conn, peer = await loop.sock_accept(sock)
            except OSError:
                # Out of descriptors, or the peer was gone before it was accepted: the listener goes on.
                self._slots.release()
                await anyio.sleep(0.05)
                continue
            if listeners.peers is not None and peer[0] not in listeners.peers:
                conn.close()
                self._slots.release()
                continue
            group.start_soon(self._handle, conn, listener)

    async def _handle(self, conn: socket.socket, listener: Listener) -> None:
        handler: BorderHandler | None = None
        try:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader, writer = await asyncio.open_connection(sock=conn)
            handler = BorderHandler(reader, writer, self._options, self, listener)
            self._handlers.add(handler)
            await handler.handle_client()
        except OSError:
            conn.close()
        finally:
            if handler is not None:
                handler.abort()
                self._handlers.discard(handler)
                self.capture.forget(handler.client.id)
            self._slots.release()


def _by_listener(listeners: Listeners) -> Sequence[tuple[socket.socket, Listener]]:
    pairs: list[tuple[socket.socket, Listener]] = [(listeners.proxy, "proxy")]
    pairs += [(sock, "http") for sock in listeners.http]
    pairs += [(sock, "https") for sock in listeners.https]
    return pairs
