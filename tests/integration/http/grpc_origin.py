"""An HTTP/2 origin and client as gRPC uses them, made of the `h2` library."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import h2.config
import h2.connection
import h2.events

from tests.support.origin import Origin, server_tls

GRPC = [(":status", "200"), ("content-type", "application/grpc")]
OK = [("grpc-status", "0"), ("grpc-message", "fine")]


class H2Peer:
    """One end of an HTTP/2 connection: sends what `conn` has to send, and gives its events one by one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_client: bool) -> None:
        config = h2.config.H2Configuration(client_side=is_client)
        self.conn = h2.connection.H2Connection(config)
        self.conn.initiate_connection()
        self._reader = reader
        self._writer = writer
        self._events: list[h2.events.Event] = []
        self.flush()

    def flush(self) -> None:
        self._writer.write(self.conn.data_to_send())

    async def next[E: h2.events.Event](self, *kinds: type[E]) -> E:
        """The next event of one of these kinds. Raises `ConnectionError` at the end."""
        while True:
            while self._events:
                event = self._events.pop(0)
                if isinstance(event, kinds):
                    return event
            data = await self._reader.read(65536)
            if not data:
                raise ConnectionError("the connection has ended")
            self._events += self.conn.receive_data(data)
            for event in self._events:
                if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                    self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.flush()


async def _answer(peer: H2Peer) -> None:
    """`/echo` answers each message at once and ends with the client; `/empty` has headers and trailers only."""
    paths: dict[int, bytes] = {}
    while True:
        event: h2.events.RequestReceived | h2.events.DataReceived | h2.events.StreamEnded
        event = await peer.next(h2.events.RequestReceived, h2.events.DataReceived, h2.events.StreamEnded)
        stream = event.stream_id
        if isinstance(event, h2.events.RequestReceived):
            paths[stream] = dict(event.headers)[b":path"]
            if paths[stream] == b"/trailers-only":
                peer.conn.send_headers(stream, [*GRPC, *OK], end_stream=True)
            else:
                peer.conn.send_headers(stream, GRPC)
        elif isinstance(event, h2.events.DataReceived) and paths[stream] == b"/echo":
            peer.conn.send_data(stream, event.data)
        elif isinstance(event, h2.events.StreamEnded) and paths[stream] != b"/trailers-only":
            peer.conn.send_headers(stream, OK, end_stream=True)
        peer.flush()


@asynccontextmanager
async def grpc_origin(host: str, directory: Path) -> AsyncIterator[Origin]:
    """Serve over TLS for `host` until the block ends."""
    context, ca_file = server_tls((host,), directory)
    context.set_alpn_protocols(["h2"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(H2Peer(reader, writer, is_client=False))
        except ConnectionError:
            pass  # the client has hung up
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield Origin(server.sockets[0].getsockname()[1], ca_file)
    finally:
        server.close()


@asynccontextmanager
async def connected(port: int, host: str, ca_file: Path) -> AsyncIterator[H2Peer]:
    """A client that talks HTTP/2 to what listens on `port` as if it was `host`."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host)
    try:
        yield H2Peer(reader, writer, is_client=True)
    finally:
        writer.transport.abort()
