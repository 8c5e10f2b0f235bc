"""Streams stay streams, and are scrubbed as they pass."""

import asyncio
import gc
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from aiohttp import ClientSession, TCPConnector, WSMsgType, web

from pipeline.scrubber.hints import hint_finder
from tests.integration.border.conftest import HOST, PLAIN, way
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio


async def test_events_arrive_one_by_one_and_a_secret_split_between_two_is_caught(tmp_path: Path) -> None:
    go_on = anyio.Event()

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(3):
            await response.write(b'data: {"n": %d}\n\n' % number)
        await go_on.wait()
        for part in (GITHUB_TOKEN[:17], GITHUB_TOKEN[17:] + " end"):
            event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": part}}
            await response.write(f"data: {json.dumps(event)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response

    async with (
        way(tmp_path, events) as through,
        ClientSession() as client,
        client.get(f"http://{PLAIN}/", proxy=through.border.proxy_url) as response,
    ):
        first = await response.content.readuntil(b"\n\n")
        assert first == b'data: {"n": 0}\n\n'
        # The origin waits for this client: the events got through while the stream was open.
        go_on.set()
        rest = await response.content.read()
    texts = [
        json.loads(line[6:]).get("delta", {}).get("text", "")
        for line in rest.decode().splitlines()
        if line.startswith("data: {")
    ]
    assert GITHUB_TOKEN not in "".join(texts)
    assert "[REDACTED_GITHUB_PAT] end" in "".join(texts)
    assert rest.endswith(b"data: [DONE]\n\n")


async def test_websocket_messages_are_scrubbed_both_ways(tmp_path: Path) -> None:
    heard: list[str] = []

    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            heard.append(message.data)
            await socket.send_str(f"you said {message.data}, I say {GITHUB_TOKEN}")
        return socket

    async with way(tmp_path, talk) as through, ClientSession() as client:
        async with client.ws_connect(f"http://{PLAIN}/", proxy=through.border.proxy_url, compress=15) as socket:
            await socket.send_str(f"token {GITHUB_TOKEN}")
            answer = await socket.receive(timeout=10)
            assert answer.type is WSMsgType.TEXT
            assert answer.data == "you said token [REDACTED_GITHUB_PAT], I say [REDACTED_GITHUB_PAT]"
        assert heard == ["token [REDACTED_GITHUB_PAT]"]
        assert [f.rule for r in through.border.records("message") for f in r.findings] == ["github-pat"] * 2


async def test_a_large_download_is_byte_exact_and_does_not_stay_in_memory(tmp_path: Path) -> None:
    import resource

    block = bytes(range(256)) * 4096
    blocks = 200

    async def download(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.content_length = len(block) * blocks
        await response.prepare(request)
        for _ in range(blocks):
            await response.write(block)
        return response

    async with way(tmp_path, download) as through, ClientSession() as client:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        digest = hashlib.sha256()
        async with client.get(f"http://{PLAIN}/", proxy=through.border.proxy_url) as response:
            async for chunk in response.content.iter_chunked(1 << 16):
                digest.update(chunk)
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert digest.digest() == hashlib.sha256(block * blocks).digest()
    assert grown_kib < 100 * 1024, "200 MiB passed"


@pytest.mark.parametrize("size", [65535, 65536, 200_000, 1_100_000])
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
async def test_bodies_around_the_windows_of_http2_are_byte_exact(tmp_path: Path, size: int, version: str) -> None:
    body = (b"0123456789abcde\n" * (size // 16 + 1))[:size]

    async def text(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="text/plain")

    async with way(tmp_path, text) as through:
        assert (await through.transparent(f"https://{HOST}/", version)).body == body


async def test_http3_is_not_advertised(tmp_path: Path) -> None:
    async def advertise(_: web.Request) -> web.StreamResponse:
        return web.Response(text="x", headers={"Alt-Svc": 'h3=":443"; ma=86400'})

    async with way(tmp_path, advertise) as through:
        assert b"alt-svc" not in (await through.explicit(f"https://{HOST}/", "-i")).body.lower()


async def test_a_client_that_goes_away_ends_the_transfer_upstream(tmp_path: Path) -> None:
    ended = anyio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
                await anyio.lowlevel.checkpoint()
        finally:
            ended.set()

    async with way(tmp_path, endless) as through:
        connector = TCPConnector(force_close=True)
        async with ClientSession(connector=connector) as client:
            response = await client.get(f"http://{PLAIN}/", proxy=through.border.proxy_url)
            await response.content.read(1000)
            response.close()
        with anyio.fail_after(10):
            await ended.wait()


@contextmanager
def turns() -> Iterator[list[float]]:
    """How long each turn of the event loop works, in seconds of its own thread."""
    lengths: list[float] = []

    async def tick() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            lengths.append(now - last)
            last = now

    gc.freeze()  # a collection would go over all that the tests have imported
    task = asyncio.get_running_loop().create_task(tick())
    try:
        yield lengths
    finally:
        task.cancel()
        gc.unfreeze()


async def test_a_stream_full_of_findings_leaves_others_their_turn(tmp_path: Path) -> None:
    found = 20_000
    tokens = (GITHUB_TOKEN[:4] + hashlib.sha256(b"%d" % number).hexdigest()[:36] for number in range(found))
    text = " and ".join(tokens).encode()

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text="thanks")

    hint_finder()  # made when a session begins
    async with way(tmp_path, answer) as through, ClientSession() as client:
        with turns() as lengths:
            posted = client.post(
                f"http://{PLAIN}/", proxy=through.border.proxy_url, data=text, headers={"Content-Type": "text/plain"}
            )
            async with posted as response:
                assert await response.text() == "thanks"
        assert through.plain.arrived[-1].body.count(b"[REDACTED_GITHUB_PAT]") == found
    work = sum(length for length in lengths if length > 0.001)
    assert work > 0.1
    assert max(lengths) < work / 8, f"of {work:.2f} s one turn took {max(lengths):.3f} s"
