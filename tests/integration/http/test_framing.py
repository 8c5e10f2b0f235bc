"""Where a body ends: whatever pieces it comes in, and whatever comes in one piece with its last byte."""

import asyncio
from pathlib import Path

import anyio
import pytest

from tests.integration.http.wire import WIRE, before, head_of, unchunked

pytestmark = pytest.mark.anyio

BODY = b"words of no meaning, one after the other\n" * 20_000
assert len(BODY) > 512 * 1024, "so it streams, and the origin sees it come"
ANSWER = bytes(range(32, 127)) * 4000


class Kept:
    """What the origin read, in order, and how far it is."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.body = b""
        self.has_most = asyncio.Event()

    async def script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            self.heads.append(await head_of(reader))
            if b"/first" in self.heads[-1]:
                await self._first(reader, writer)
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecond")

    async def _first(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not self.body.endswith(b"\r\n0\r\n\r\n"):  # what may be edited on its way has no length beforehand
            self.body += await reader.read(1 << 16)
            if len(self.body) > len(BODY) - 64 * 1024:
                self.has_most.set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(ANSWER))
        for start in range(0, len(ANSWER), 77_777):
            writer.write(ANSWER[start : start + 77_777])
            await writer.drain()


async def test_a_request_in_one_piece_with_the_last_bytes_of_the_body_before_it_is_the_next_one(tmp_path: Path) -> None:
    kept = Kept()
    with anyio.fail_after(30):
        async with before(kept.script, tmp_path) as (border, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", border.http_port, limit=1 << 20)
            head = b"POST /first HTTP/1.1\r\nHost: %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % (WIRE.encode(), len(BODY)) + BODY[:-9])
            await kept.has_most.wait()
            writer.write(BODY[-9:] + b"GET /second HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % WIRE.encode())
            answer = await head_of(reader)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"content-length: %d\r\n" % len(ANSWER) in answer.lower()
            assert await reader.readexactly(len(ANSWER)) == ANSWER
            assert (await reader.read(-1)).endswith(b"second")
            writer.close()
    assert unchunked(kept.body) == (BODY, b"\r\n")
    assert [head.split(b" ", 2)[1] for head in kept.heads] == [b"/first", b"/second"]
