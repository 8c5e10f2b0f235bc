"""A client on one kept connection to an explicit proxy: as little of its own as possible between two readings."""

import asyncio
import re
import ssl
import time

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_SENT = re.compile(rb'"sent": (\d+)')


class Client:
    """One connection. `post` and `events` give seconds."""

    def __init__(self, port: int, host: str, *, is_tls: bool = False) -> None:
        """`port` is the proxy's, `host` the name (and port) it knows the origin by. With TLS everything goes through a
        tunnel, and the certificate is not looked at."""
        self._port = port
        self._host = host
        self._is_tls = is_tls
        self._base = "" if is_tls else f"http://{host}"
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, size: int, body: bytes, think_ms: int = 0) -> float:
        """From the first byte sent to the last received, of an exchange with about `size` bytes of JSON each way and an
        origin that takes `think_ms` to answer."""
        reader, writer = await self._connection()
        target = f"{self._base}/{think_ms}/{size}"
        head = f"POST {target} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
        began = time.perf_counter()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(answer)
        if not answer.startswith(b"HTTP/1.1 200") or length is None:
            raise RuntimeError(f"the proxy answered {answer[:200]!r}")
        await reader.readexactly(int(length[1]))
        return time.perf_counter() - began

    async def events(self) -> tuple[float, list[float]]:
        """Until the first event of a stream is here; and how long each took from the origin."""
        reader, writer = await self._connection()
        began = time.perf_counter()
        writer.write(f"GET {self._base}/sse HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        first, ways, data = 0.0, list[float](), b""
        while not data.endswith(b"0\r\n\r\n"):
            data += await reader.read(65536)
            now = time.monotonic_ns()
            first = first or time.perf_counter() - began
            ways += [(now - int(sent)) / 1e9 for sent in _SENT.findall(data)[len(ways) :]]
        return first, ways

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
            if self._is_tls:
                await self._start_tls(self._reader, self._writer)
        return self._reader, self._writer

    async def _start_tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name, _, port = self._host.partition(":")
        address = f"{name}:{port or 443}"
        writer.write(f"CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 200" not in answer[:16]:
            raise RuntimeError(f"the proxy answered {answer[:200]!r}")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        await writer.start_tls(context, server_hostname=name)
