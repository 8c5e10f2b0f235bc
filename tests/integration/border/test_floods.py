"""What an agent sends without end, or in bulk, is neither kept in memory nor a trouble for its other connections."""

import asyncio
import gzip
import resource
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import dns.message
import pytest
from aiohttp import ClientSession, WSMsgType, web

from tests.integration.border.conftest import HOST, PLAIN, Way, way
from tests.support.border import running_border
from tests.support.detection import GITHUB_TOKEN
from vibedom.proxy.descriptors import connection_limit
from vibedom.resolver import TCP_CONNECTIONS

pytestmark = pytest.mark.anyio

BLOCK = b"x" * 65536
MEGABYTES = 64
UPGRADE = (
    f"GET / HTTP/1.1\r\nHost: {PLAIN}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()


async def flood(port: int, start: bytes, block: bytes = BLOCK) -> int:
    """Send `start` and then blocks; the bytes that were taken until the connection was closed, or all of them."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(start)
    return await poured(writer, block)


async def poured(writer: asyncio.StreamWriter, block: bytes = BLOCK) -> int:
    sent = 0
    try:
        while sent < MEGABYTES << 20:
            writer.write(block)
            with anyio.fail_after(20):
                await writer.drain()
            sent += len(block)
    except OSError:
        pass
    finally:
        writer.transport.abort()
    return sent


@pytest.mark.parametrize(
    ("start", "block"),
    [
        (f"GET / HTTP/1.1\r\nHost: {PLAIN}\r\nX-A: ".encode(), BLOCK),
        (f"GET / HTTP/1.1\r\nHost: {PLAIN}\r\n".encode(), b"X-A: b\r\n" * 8000),
        (b"GET /", BLOCK),
        (f"POST / HTTP/1.1\r\nHost: {PLAIN}\r\nTransfer-Encoding: chunked\r\n\r\n1;".encode(), BLOCK),
        (f"POST / HTTP/1.1\r\nHost: {PLAIN}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: ".encode(), BLOCK),
    ],
    ids=["value", "headers", "target", "chunk extension", "trailer"],
)
async def test_what_is_no_body_and_does_not_end_closes_its_connection(through: Way, start: bytes, block: bytes) -> None:
    assert await flood(through.border.http_port, start, block) < 16 << 20
    assert (await through.explicit(f"http://{PLAIN}/")).code == 0


@asynccontextmanager
async def held(directory: Path) -> AsyncIterator[tuple[Way, anyio.Event]]:
    """A way to an origin that answers only once the event is set."""
    go_on = anyio.Event()

    async def wait(_: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return web.Response(text="done")

    async with way(directory, wait) as through:
        yield through, go_on
        go_on.set()


async def test_requests_behind_one_that_waits_are_not_kept_without_end(tmp_path: Path) -> None:
    async with held(tmp_path) as (through, _):
        assert await flood(through.border.http_port, f"GET / HTTP/1.1\r\nHost: {PLAIN}\r\n\r\n".encode()) < 16 << 20


async def test_an_upload_waits_while_its_host_is_looked_up(tmp_path: Path) -> None:
    looking, go_on = anyio.Event(), anyio.Event()

    def lookup(_: str, __: int) -> list[str]:
        anyio.from_thread.run_sync(looking.set)
        anyio.from_thread.run(go_on.wait)
        return []

    async with running_border(tmp_path, domains="slow.test", lookup=lookup) as border:
        reader, writer = await asyncio.open_connection("127.0.0.1", border.http_port)
        writer.write(b"POST / HTTP/1.1\r\nHost: slow.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        await looking.wait()
        sent = 0
        with anyio.move_on_after(2):
            while sent < MEGABYTES << 20:
                writer.write(b"10000\r\n" + BLOCK + b"\r\n")
                await writer.drain()
                sent += len(BLOCK)
        go_on.set()
        assert sent < 32 << 20  # what the kernel's buffers hold, and not all of it
        with anyio.fail_after(10):
            assert b"502" in await reader.readline()
        writer.transport.abort()


async def test_a_websocket_message_without_end_closes_its_connection(tmp_path: Path) -> None:
    async def listen(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        async for _ in socket:
            raise AssertionError("a part of the message arrived")
        return socket

    async with way(tmp_path, listen) as through:
        reader, writer = await asyncio.open_connection("127.0.0.1", through.border.http_port)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x82\xff" + struct.pack(">Q", 1 << 30) + bytes(4))
        assert await poured(writer) < 48 << 20


async def test_no_words_pass_beside_the_messages_of_a_websocket(tmp_path: Path) -> None:
    heard: list[tuple[WSMsgType, bytes]] = []
    closed: list[tuple[int, str]] = []

    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        while (message := await socket.receive()).type is not WSMsgType.CLOSE:
            heard.append((message.type, message.data))
            await socket.send_str("pinged")
        closed.append((message.data, message.extra or ""))
        return socket

    async with way(tmp_path, talk) as through, ClientSession() as client:
        url, proxy = f"http://{PLAIN}/", through.border.proxy_url
        async with client.ws_connect(url, proxy=proxy, autoping=False) as socket:
            await socket.ping(GITHUB_TOKEN.encode())
            first, second = await socket.receive(timeout=10), await socket.receive(timeout=10)
            assert {first.type, second.type} == {WSMsgType.PONG, WSMsgType.TEXT}
            assert GITHUB_TOKEN.encode() in (first.data, second.data)  # its own pong, from the border
            await socket.pong(GITHUB_TOKEN.encode())
            await socket.close(code=4000, message=b"why: " + GITHUB_TOKEN.encode())
        record = await through.recorded(lambda r: r.kind == "message" and bool(r.findings))
    assert heard == [(WSMsgType.PING, b"")]
    assert closed == [(4000, "why: [REDACTED_GITHUB_PAT]")]
    assert [(f.rule, f.action) for f in record.findings] == [("github-pat", "scrub")]


async def test_connections_of_the_resolver_are_few_and_more_of_them_wait(through: Way) -> None:
    port = through.border.port(through.border.listeners.dns_tcp[0])
    query = dns.message.make_query(PLAIN, "A").to_wire()
    message = len(query).to_bytes(2, "big") + query
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(TCP_CONNECTIONS + 8)]
    answered: set[int] = set()

    async def ask(number: int) -> None:
        reader, writer = streams[number]
        writer.write(message)
        await reader.readexactly(2)
        answered.add(number)

    async with anyio.create_task_group() as group:
        for number in range(len(streams)):
            group.start_soon(ask, number)
        with anyio.fail_after(5):
            while len(answered) < TCP_CONNECTIONS:
                await anyio.lowlevel.checkpoint()
        assert await through.explicit(f"http://{PLAIN}/")  # time enough for the rest to be answered, if they were
        assert len(answered) == TCP_CONNECTIONS
        for number in tuple(answered):
            streams[number][1].close()
    assert len(answered) == len(streams)
    for _, writer in streams:
        writer.transport.abort()
    for _, writer in streams:
        await writer.wait_closed()


async def test_a_body_that_grows_as_it_is_read_does_not_hold_up_others(through: Way) -> None:
    grown = b"password = something nice here, token=abc \n" * 80_000
    bomb = gzip.compress(grown)
    head = f"POST / HTTP/1.1\r\nHost: {PLAIN}\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", through.border.http_port)
    writer.write(f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode())
    writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(bomb), bomb))
    await writer.drain()
    async with anyio.create_task_group() as group:
        is_read = anyio.Event()

        async def answered() -> None:
            with anyio.fail_after(60):
                assert b"200" in await reader.readline()
            is_read.set()

        group.start_soon(answered)
        await through.recorded(lambda record: record.method == "POST")
        assert (await through.explicit(f"http://{PLAIN}/")).code == 0
        assert not is_read.is_set()
    writer.transport.abort()


async def test_two_bombs_at_once_hold_up_nobody_else(through: Way, tmp_path: Path) -> None:
    within, beyond = tmp_path / "within", tmp_path / "beyond"
    within.write_bytes(gzip.compress(b"password = something nice here, token=abc \n" * 8_000))
    beyond.write_bytes(gzip.compress(b"password = something nice here, token=abc \n" * 500_000))
    coded = ("-H", "Content-Type: text/plain", "-H", "Content-Encoding: gzip", "-w", "%{http_code}")
    done: list[str] = []

    async def send(url: str, *arguments: str) -> None:
        answer = await through.explicit(url, "-o", "/dev/null", *arguments)
        done.append(answer.body.decode())

    gate = through.border.border.topology.gate
    async with anyio.create_task_group() as group:
        for url in (f"http://{PLAIN}/", f"https://{HOST}/"):
            group.start_soon(send, url, *coded, "--data-binary", f"@{within}")
        with anyio.fail_after(30):
            while len(gate._waiting) < 2:
                await anyio.lowlevel.checkpoint()
        for url in (f"http://{PLAIN}/", f"https://{HOST}/"):
            await send(url, "-w", "small", "-H", "Content-Type: application/json", "-d", '{"a": 1}')
        assert done == ["small", "small"]
    await send(f"http://{PLAIN}/", *coded, "--data-binary", f"@{beyond}")
    assert done[2:] == ["200", "200", "403"]
    record = await through.recorded(lambda record: record.verdict == "deny")
    assert record.reason == "undecodable-body"


async def test_bodies_that_never_end_do_not_fill_the_memory(through: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.capture.room.MAX_GATHERED_BYTES", 1_000_000)
    head = f"POST / HTTP/1.1\r\nHost: {PLAIN}\r\nContent-Type: text/plain\r\nContent-Length: 400000\r\n\r\n".encode()
    streams = [await asyncio.open_connection("127.0.0.1", through.border.http_port) for _ in range(3)]
    for _, writer in streams:
        writer.write(head + b"x" * 1000)
    record = await through.recorded(lambda record: record.reason == "oversize")
    assert record.verdict == "deny"
    for _, writer in streams:
        writer.transport.abort()
    await through.recorded(lambda record: record.reason == "aborted")
    text = ("-H", "Content-Type: text/plain", "-d", "x" * 100_000)
    assert (await through.explicit(f"http://{PLAIN}/", *text)).body == b"x" * 100_000  # there is room again


def test_connections_leave_descriptors_for_the_end_of_the_session() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for limit, connections in ((300, 22), (1024, 384), (4096, 1024), (100, 16)):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            assert connection_limit(1024) == connections
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
