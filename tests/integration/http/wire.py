"""Origins and clients that speak HTTP/1 octet by octet: for what no library would send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from tests.support.border import Running, running_border

WIRE = "wire.good.test"

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What an origin does with one connection."""


class WireOrigin:
    """A running origin: its port, and how many connections it was opened."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0


@asynccontextmanager
async def wire_origin(script: Script) -> AsyncIterator[WireOrigin]:
    """Run `script` for every connection to a free port of loopback."""
    origin = WireOrigin()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        origin.connections += 1
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the proxy has hung up, as some tests want it to
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    origin.port = server.sockets[0].getsockname()[1]
    try:
        yield origin
    finally:
        server.close()


@asynccontextmanager
async def before(script: Script, directory: Path, *, more: str = "") -> AsyncIterator[tuple[Running, WireOrigin]]:
    """A border before a scripted origin named `WIRE`."""
    async with wire_origin(script) as origin:
        policy = f'{more}\n[[hosts]]\npattern = "{WIRE}"\ndial = "127.0.0.1:{origin.port}"\n'
        async with running_border(directory, policy=policy) as border:
            yield border, origin


async def exchange(border: Running, request: bytes, *, seconds: float = 20) -> bytes:
    """Send `request` to the listener of port 80, and read until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", border.http_port)
    try:
        writer.write(request)
        with anyio.fail_after(seconds):
            return await reader.read(-1)
    finally:
        writer.close()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """A message up to its empty line."""
    return await reader.readuntil(b"\r\n\r\n")


def answering(*parts: bytes) -> Script:
    """An origin that reads one head, answers with `parts` and hangs up."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        for part in parts:
            writer.write(part)
            await writer.drain()

    return script


def get(path: str = "/", *headers: str, version: str = "HTTP/1.1", host: str = WIRE) -> bytes:
    """A request without a body, on a connection that is not used again."""
    lines = [f"GET {path} {version}", f"Host: {host}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def unchunked(data: bytes) -> tuple[bytes, bytes]:
    """A chunked body, and the lines after its last chunk."""
    body = b""
    while True:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return body, rest
        body, data = body + rest[:length], rest[length + 2 :]
