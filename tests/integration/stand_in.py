"""A stand-in for proxy and resolver on a sandbox's listeners: it answers the self-test and keeps what it received."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vibedom.sandbox.runtime import Listeners


@dataclass
class Border:
    """What reached which listener of one sandbox."""

    session: str
    requests: list[bytes] = field(default_factory=list)
    """Heads of what came to the explicit proxy."""
    http: list[bytes] = field(default_factory=list)
    https: list[bytes] = field(default_factory=list)
    """First bytes of each connection."""
    questions: list[bytes] = field(default_factory=list)
    """DNS messages over UDP and TCP."""
    peers: set[str] = field(default_factory=set)
    is_silent: bool = False
    """The proxy does not answer the self-test."""
    is_deaf: bool = False
    """The resolver does not answer."""
    _closers: list[Callable[[], Any]] = field(default_factory=list)

    async def serve(self, listeners: Listeners) -> None:
        handlers = [(listeners.proxy, self._proxy)]
        handlers += [(one, self._http) for one in listeners.http]
        handlers += [(one, self._https) for one in listeners.https]
        handlers += [(one, self._dns_tcp) for one in listeners.dns_tcp]
        for bound, handler in handlers:
            server = await asyncio.start_server(handler, sock=bound)
            self._closers.append(server.close)
        for bound in listeners.dns_udp:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(lambda: _DnsUdp(self), sock=bound)
            self._closers.append(transport.close)

    def forget(self) -> None:
        """Start afresh: what has been seen so far was the self-test's."""
        for seen in (self.requests, self.http, self.https, self.questions, self.peers):
            seen.clear()

    def close(self) -> None:
        while self._closers:
            self._closers.pop()()

    async def _proxy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await self._head(reader, writer, self.requests)
        is_selftest = head.startswith(b"GET http://vibedom.invalid/selftest ")
        if self.is_silent and is_selftest:
            self._closers.append(writer.close)
        else:
            await self._answer(writer, self.session if is_selftest else "through the proxy")

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._head(reader, writer, self.http)
        await self._answer(writer, "caught")

    async def _https(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.add(writer.get_extra_info("peername")[0])
        self.https.append(await reader.read(4096))
        writer.close()

    async def _dns_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            length = int.from_bytes(await reader.readexactly(2), "big")
            reply = self.refuse(await reader.readexactly(length))
            writer.write(len(reply).to_bytes(2, "big") + reply)
            await writer.drain()
        writer.close()

    async def _head(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: list[bytes]) -> bytes:
        self.peers.add(writer.get_extra_info("peername")[0])
        head = b""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        return head

    async def _answer(self, writer: asyncio.StreamWriter, text: str) -> None:
        body = text.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    def refuse(self, question: bytes) -> bytes:
        """A REFUSED answer without records."""
        self.questions.append(question)
        return question[:2] + b"\x81\x85" + question[4:6] + bytes(6) + question[12:]


class _DnsUdp(asyncio.DatagramProtocol):
    def __init__(self, border: Border) -> None:
        self._border = border

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert isinstance(self._transport, asyncio.DatagramTransport)
        self._border.peers.add(addr[0])
        if not self._border.is_deaf:
            self._transport.sendto(self._border.refuse(data), addr)
