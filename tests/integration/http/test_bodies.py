"""Bodies of every charset, framing and size: scrubbed where there is a secret, and else byte for byte."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.integration.border.conftest import PLAIN, Way, way
from tests.integration.http.wire import WIRE, answering, before, exchange, get, head_of, unchunked
from tests.support.detection import GITHUB_TOKEN
from tests.support.origin import echo

pytestmark = pytest.mark.anyio

PLACEHOLDER = "[REDACTED_GITHUB_PAT]"
TEXT = '{"note": "caf\u00e9", "key": "%s", "n": 1.50}'


@pytest.fixture
async def through(tmp_path: Path) -> AsyncIterator[Way]:
    async with way(tmp_path, echo) as made:
        yield made


@pytest.mark.parametrize(
    ("charset", "declared"),
    [("latin-1", True), ("latin-1", False), ("utf-16", True), ("utf-16-le", True), ("utf-8-sig", False)],
)
async def test_a_json_body_of_any_charset_is_scrubbed_and_otherwise_the_same(
    through: Way, tmp_path: Path, charset: str, declared: bool
) -> None:
    body = tmp_path / "body"
    body.write_bytes((TEXT % GITHUB_TOKEN).encode(charset))
    label = f"application/json; charset={charset}" if declared else "application/json"
    answer = await through.explicit(f"http://{PLAIN}/", "-H", f"Content-Type: {label}", "--data-binary", f"@{body}")
    assert answer.code == 0
    assert through.plain.arrived[-1].body == (TEXT % PLACEHOLDER).encode(charset)


async def test_one_invalid_byte_does_not_switch_scrubbing_off(through: Way, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(b'{"a": "\xff", "key": "' + GITHUB_TOKEN.encode() + b'"}')
    await through.explicit(f"http://{PLAIN}/", "-H", "Content-Type: application/json", "--data-binary", f"@{body}")
    assert through.plain.arrived[-1].body == b'{"a": "\xff", "key": "' + PLACEHOLDER.encode() + b'"}'


@pytest.mark.parametrize("size", [512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1])
async def test_bodies_around_the_limit_of_buffering_are_scrubbed_and_valid(
    through: Way, tmp_path: Path, size: int
) -> None:
    document = json.dumps({"key": GITHUB_TOKEN, "pad": ""})
    body = tmp_path / "body"
    body.write_text(document[:-2] + "x" * (size - len(document)) + document[-2:])
    await through.explicit(f"http://{PLAIN}/", "-H", "Content-Type: application/json", "--data-binary", f"@{body}")
    assert through.plain.arrived[-1].body == body.read_bytes().replace(GITHUB_TOKEN.encode(), PLACEHOLDER.encode())


async def test_a_large_upload_that_expects_a_100_arrives_whole(through: Way, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(os.urandom(2_000_000))
    octets = ("-H", "Content-Type: application/octet-stream", "-H", "Expect: 100-continue")
    answer = await through.explicit(
        f"http://{PLAIN}/", *octets, "--expect100-timeout", "15", "-T", str(body), "-o", "/dev/null"
    )
    assert answer.code == 0
    assert through.plain.arrived[-1].body == body.read_bytes()


async def test_a_sum_over_a_body_goes_when_the_body_is_edited_and_stays_when_it_is_not(tmp_path: Path) -> None:
    for text, is_kept in ((GITHUB_TOKEN, False), ("x" * 40, True)):
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 40\r\n"
        head += 'Content-MD5: abc=\r\nETag: "1"\r\n\r\n'
        async with before(answering((head + text).encode()), tmp_path) as (border, _):
            answer = (await exchange(border, get())).lower()
            assert (b"content-md5" in answer) is is_kept
            assert b'etag: "1"' in answer


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
async def test_a_body_that_ends_with_the_connection_arrives_whole_and_scrubbed(tmp_path: Path, version: str) -> None:
    script = answering(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"key ", GITHUB_TOKEN.encode(), b" end")
    async with before(script, tmp_path) as (border, _):
        answer = await exchange(border, get(version=version))
        head, _, body = answer.partition(b"\r\n\r\n")
        if version == "HTTP/1.1":
            assert b"chunked" in head.lower()
            body, _ = unchunked(body)
        assert body == f"key {PLACEHOLDER} end".encode()


async def test_fifty_downloads_that_are_broken_off_leave_no_descriptor_behind(tmp_path: Path) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 99999999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"\x00" * 4096)
            await writer.drain()
            await asyncio.sleep(0.01)

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    async with before(endless, tmp_path) as (border, origin):
        baseline = descriptors()
        for _ in range(50):
            reader, writer = await asyncio.open_connection("127.0.0.1", border.http_port)
            writer.write(get())
            await reader.readexactly(200)
            writer.transport.abort()
        with anyio.fail_after(20):
            while descriptors() > baseline:  # noqa: ASYNC110  # nothing tells of a closed descriptor
                await anyio.sleep(0.05)
        assert origin.connections == 50
        assert WIRE in {r.host for r in border.records("response")}
