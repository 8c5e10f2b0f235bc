"""What follows a body arrives after it, scrubbed; what would change how the message is read does not."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.http.wire import WIRE, answering, before, exchange, get, head_of, unchunked
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"


async def test_the_trailers_of_a_response_arrive_and_are_scrubbed(tmp_path: Path) -> None:
    trailers = f"X-Sum: 42\r\nX-Note: {GITHUB_TOKEN}\r\nContent-Length: 3\r\n\r\n".encode()
    script = answering(CHUNKED, b"5\r\nhello\r\n", b"0\r\n", trailers)
    async with before(script, tmp_path) as (border, _):
        answer = await exchange(border, get())
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert body == b"5\r\nhello\r\n0\r\nx-sum: 42\r\nx-note: [REDACTED_GITHUB_PAT]\r\n\r\n"
        (record,) = border.records("response")
        assert [(f.rule, f.location) for f in record.findings] == [("github-pat", "trailer x-note")]


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream"])
async def test_the_trailers_of_a_chunked_upload_arrive_and_are_scrubbed(tmp_path: Path, content_type: str) -> None:
    arrived: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await head_of(reader))
        arrived.append(await reader.readuntil(b"\r\n\r\n") if b"chunked" in arrived[0].lower() else b"")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    head = f"POST / HTTP/1.1\r\nHost: {WIRE}\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n"
    trailers = f"X-Sum: 42\r\nX-Key: {GITHUB_TOKEN}\r\nHost: evil.test\r\n\r\n"
    body = 'Connection: close\r\n\r\n9\r\n{"a": 12}\r\n0\r\n' + trailers
    async with before(script, tmp_path) as (border, _):
        answer = await exchange(border, (head + body).encode())
        assert answer.endswith(b"ok")
        assert b"chunked" in arrived[0].lower()
        assert unchunked(arrived[1]) == (b'{"a": 12}', b"x-sum: 42\r\nx-key: [REDACTED_GITHUB_PAT]\r\n\r\n")
        found = [f.location for r in border.records("request") for f in r.findings]
        assert found == ["trailer x-key"]


async def test_the_connection_is_used_again_after_trailers(tmp_path: Path) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await head_of(reader):
            writer.write(CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n")

    async with before(script, tmp_path) as (border, origin):
        reader, writer = await asyncio.open_connection("127.0.0.1", border.http_port)
        for _ in range(3):
            writer.write(f"GET / HTTP/1.1\r\nHost: {WIRE}\r\n\r\n".encode())
            await head_of(reader)
            assert await reader.readuntil(b"\r\n\r\n") == b"5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n"
        writer.close()
        assert origin.connections == 1


@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "103 Early Hints"])
async def test_an_informational_answer_is_not_taken_for_the_answer(tmp_path: Path, status: str) -> None:
    early = f"HTTP/1.1 {status}\r\nLink: </style.css>; rel=preload\r\n\r\n".encode()
    script = answering(early, early, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    async with before(script, tmp_path) as (border, _):
        answer = await exchange(border, get())
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b"\r\n\r\nhello")
        assert [r.status for r in border.records("response")] == [200]
