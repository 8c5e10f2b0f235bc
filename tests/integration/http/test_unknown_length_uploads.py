"""JSON uploads whose length nobody says, as clients send what they make on the way: read with their structure."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from pipeline.capture import room
from tests.integration.http.wire import WIRE, Script, before, head_of, unchunked
from tests.support.border import Running
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio

ESCAPED = GITHUB_TOKEN.replace("_", "\\u005f")
"""The token as a JSON encoder may write it: no rule for plain text finds it."""
BODY = f'{{"items": [{{"token": "{ESCAPED}", "n": 1.50}}]}}'.encode()
CLEAN = b'{"items": [{"token": "[REDACTED_GITHUB_PAT]", "n": 1.50}]}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
LAST = b"0\r\n\r\n"


def head(*more: str) -> bytes:
    lines = ["POST / HTTP/1.1", f"Host: {WIRE}", "Content-Type: application/json", "Transfer-Encoding: chunked", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def keeping(got: list[bytes]) -> Script:
    """An origin that keeps the head and the body it receives, however that is framed."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = await head_of(reader)
        length = next((int(n[15:]) for n in received.lower().split(b"\r\n") if n.startswith(b"content-length:")), None)
        if length is None:
            body = b""
            while not body.endswith(LAST):
                body += await reader.read(1 << 16)
            body, _ = unchunked(body)
        else:
            body = await reader.readexactly(length)
        got.extend((received, body))
        writer.write(OK)
        await writer.drain()

    return script


@asynccontextmanager
async def connected(border: Running) -> AsyncIterator[tuple[asyncio.StreamReader, Callable[[bytes], Awaitable[None]]]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", border.http_port)

    async def send(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    try:
        with anyio.fail_after(20):
            yield reader, send
    finally:
        writer.close()


async def test_json_in_chunks_is_scrubbed_with_its_structure_and_gets_a_length(tmp_path: Path) -> None:
    got: list[bytes] = []
    async with before(keeping(got), tmp_path) as (border, _), connected(border) as (reader, send):
        await send(head() + chunk(BODY[:20]) + chunk(BODY[20:]) + LAST)
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        received, body = got
        assert body == CLEAN
        assert b"content-length: %d" % len(CLEAN) in received.lower()
        assert b"transfer-encoding" not in received.lower()
        (request,) = border.records("request")
        (finding,) = request.findings
        assert finding.location == "body $.items[0].token"


async def test_compressed_json_in_chunks_is_scrubbed_with_its_structure(tmp_path: Path) -> None:
    got: list[bytes] = []
    async with before(keeping(got), tmp_path) as (border, _), connected(border) as (reader, send):
        await send(head("Content-Encoding: gzip") + chunk(gzip.compress(BODY)) + LAST)
        await reader.readuntil(b"ok")
        assert gzip.decompress(got[1]) == CLEAN


@pytest.mark.parametrize("first", [b'{"first": 1,\n', b""])
async def test_json_that_pauses_reaches_the_origin_before_its_end_and_is_scrubbed_all_the_same(
    tmp_path: Path, first: bytes
) -> None:
    is_there = asyncio.Event()
    got: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        received = await reader.readuntil(b'"first": 1') if first else b""
        is_there.set()
        got.append(unchunked(received + await reader.readuntil(LAST))[0])
        writer.write(OK)
        await writer.drain()

    async with before(script, tmp_path) as (border, _), connected(border) as (reader, send):
        await send(head() + (chunk(first) if first else b""))
        await is_there.wait()  # the client has not sent more yet
        rest = f'"token": "{GITHUB_TOKEN}"}}'.encode()
        await send(chunk((b"" if first else b"{") + rest) + LAST)
        await reader.readuntil(b"ok")
        assert json.loads(got[0])["token"] == "[REDACTED_GITHUB_PAT]"
        assert len(border.records("request")) == 1
        record = border.records("response")[-1]
        assert record.request_bytes == len(first or b"{") + len(rest)


async def test_long_json_in_chunks_streams_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    rows = [{"n": number, "text": "word " * 20} for number in range(10_000)]
    body = json.dumps([*rows, {"token": GITHUB_TOKEN}]).encode()
    got: list[bytes] = []
    async with before(keeping(got), tmp_path) as (border, _), connected(border) as (reader, send):
        await send(head())
        for start in range(0, len(body), 60_000):
            await send(chunk(body[start : start + 60_000]))
        await send(LAST)
        await reader.readuntil(b"ok")
        assert json.loads(got[1]) == [*rows, {"token": "[REDACTED_GITHUB_PAT]"}]


async def test_what_is_gathered_has_a_limit_for_all_connections_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[bytes] = []
    monkeypatch.setattr(room, "MAX_GATHERED_BYTES", 1000)
    async with before(keeping(got), tmp_path) as (border, _), connected(border) as (reader, send):
        await send(head())
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 403")
        assert [record.reason for record in border.records("request")] == ["oversize"]
        assert not got
