"""JSON whose length nobody says: read with its structure where it comes at once, passed on as it comes where not."""

import asyncio
import gzip
import json
from pathlib import Path

import anyio
import pytest

from tests.integration.http.wire import Script, answering, before, exchange, get, head_of, unchunked
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
ESCAPED = GITHUB_TOKEN.replace("_", "\\u005f")
"""The token as a JSON encoder may write it: no rule for plain text finds it."""
BODY = f'{{"items": [{{"token": "{ESCAPED}", "n": 1.50}}]}}'.encode()
CLEAN = b'{"items": [{"token": "[REDACTED_GITHUB_PAT]", "n": 1.50}]}'


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_json_in_chunks_is_scrubbed_with_its_structure_and_gets_a_length(tmp_path: Path) -> None:
    script = answering(HEAD + b"\r\n" + chunk(BODY[:20]), chunk(BODY[20:]) + b"0\r\n\r\n")
    async with before(script, tmp_path) as (border, _):
        head, _, body = (await exchange(border, get())).partition(b"\r\n\r\n")
        assert body == CLEAN
        assert b"content-length: %d" % len(CLEAN) in head.lower()
        assert b"transfer-encoding" not in head.lower()
        (finding,) = [f for record in border.records("response") for f in record.findings]
        assert finding.location == "body $.items[0].token"


async def test_json_that_ends_with_its_connection_is_scrubbed_with_its_structure(tmp_path: Path) -> None:
    script = answering(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY)
    async with before(script, tmp_path) as (border, _):
        assert (await exchange(border, get())).endswith(b"\r\n\r\n" + CLEAN)


async def test_compressed_json_in_chunks_is_scrubbed_with_its_structure(tmp_path: Path) -> None:
    packed = gzip.compress(BODY)
    script = answering(HEAD + b"Content-Encoding: gzip\r\n\r\n" + chunk(packed) + b"0\r\n\r\n")
    async with before(script, tmp_path) as (border, _):
        _, _, body = (await exchange(border, get())).partition(b"\r\n\r\n")
        assert gzip.decompress(body) == CLEAN


def pausing(go_on: asyncio.Event) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(HEAD + b"\r\n" + chunk(b'{"first": 1,\n'))
        await go_on.wait()
        writer.write(chunk(f'"token": "{GITHUB_TOKEN}"}}'.encode()) + b"0\r\n\r\n")
        await writer.drain()

    return script


async def test_json_that_pauses_is_passed_on_before_its_end_and_scrubbed_all_the_same(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    async with before(pausing(go_on), tmp_path) as (border, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", border.http_port)
        writer.write(get())
        with anyio.fail_after(20):
            received = await reader.readuntil(b'"first": 1')  # the origin has not sent more yet
            go_on.set()
            received += await reader.read(-1)
        writer.close()
        body, _ = unchunked(received.partition(b"\r\n\r\n")[2])
        assert json.loads(body) == {"first": 1, "token": "[REDACTED_GITHUB_PAT]"}
        record = border.records("response")[-1]
        assert record.response_bytes == len(f'{{"first": 1,\n"token": "{GITHUB_TOKEN}"}}')


async def test_long_json_in_chunks_streams_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    rows = [{"n": number, "text": "word " * 20} for number in range(10_000)]
    body = json.dumps([*rows, {"token": GITHUB_TOKEN}]).encode()
    script = answering(
        HEAD + b"\r\n", *(chunk(body[i : i + 60_000]) for i in range(0, len(body), 60_000)), b"0\r\n\r\n"
    )
    async with before(script, tmp_path) as (border, _):
        answer = await exchange(border, get())
        got, _ = unchunked(answer.partition(b"\r\n\r\n")[2])
        assert json.loads(got) == [*rows, {"token": "[REDACTED_GITHUB_PAT]"}]
