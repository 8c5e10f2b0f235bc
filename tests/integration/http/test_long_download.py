"""A gigabyte passes, and memory does not grow with it."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from benchmarks.timing import resident_bytes
from tests.integration.http.wire import before, get, head_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BLOCK = bytes(range(256)) * 4096
BLOCKS = 1024
MAX_GROWTH_BYTES = 100_000_000
"""Origin, proxy and client are one process here: three sets of buffers."""


@pytest.mark.parametrize("content_type", ["application/octet-stream", "image/png"])
async def test_a_gigabyte_is_byte_exact_and_does_not_stay_in_memory(tmp_path: Path, content_type: str) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(BLOCK) * BLOCKS}\r\n\r\n"
        writer.write(head.encode())
        for _ in range(BLOCKS):
            writer.write(BLOCK)
            await writer.drain()

    expected, arrived, peak = hashlib.sha256(), hashlib.sha256(), 0
    for _ in range(BLOCKS):
        expected.update(BLOCK)
    async with before(script, tmp_path) as (border, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", border.http_port)
        before_bytes = resident_bytes()
        writer.write(get())
        await head_of(reader)
        while data := await reader.read(1 << 18):
            arrived.update(data)
            peak = max(peak, resident_bytes())
        writer.close()
    assert arrived.digest() == expected.digest()
    assert peak - before_bytes < MAX_GROWTH_BYTES
