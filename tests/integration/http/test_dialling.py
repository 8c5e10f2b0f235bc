"""Hosts that do not answer: the other address family, or an answer that says so, and soon."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.http.wire import WIRE, answering, before, exchange, get, head_of, wire_origin
from vibedom.proxy import dialer, server

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def deaf() -> Iterator[int]:
    """A port that answers no connection: its backlog is full, so the kernel drops what comes."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


async def test_a_host_that_does_not_answer_is_a_502_and_not_a_wait_for_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONNECT_SECONDS", 0.5)
    with deaf() as port:
        more = f'[[hosts]]\npattern = "deaf.test"\ndial = "127.0.0.1:{port}"\n'
        async with before(answering(OK), tmp_path, more=more) as (border, _):
            answer = await exchange(border, get(host="deaf.test"))
            assert answer.startswith(b"HTTP/1.1 502")
            assert b"deaf.test:80: it did not answer in time" in answer
            assert (await exchange(border, get())).endswith(b"ok"), "and others are served"


async def test_a_dead_address_of_one_family_leads_to_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer, "PROBE_SECONDS", 0.5)
    async with wire_origin(answering(OK)) as origin:
        made = dialer.Dialer(lambda: pytest.fail("no policy is asked"))
        # 100::/64 is the discard prefix: nothing there ever answers.
        chosen = await made._answering("two.test", ["100::1", "127.0.0.1"], origin.port)
        assert chosen == "127.0.0.1"
        assert origin.connections == 0, "the second one is dialled by whoever asked"
        assert await made._answering("one.test", ["127.0.0.1", "100::1"], origin.port) == "127.0.0.1"
        assert origin.connections == 1


async def test_requests_on_one_connection_share_one_connection_upstream(tmp_path: Path) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await head_of(reader):
            writer.write(OK)

    async with before(script, tmp_path) as (border, origin):
        reader, writer = await asyncio.open_connection("127.0.0.1", border.http_port)
        for _ in range(5):
            writer.write(f"GET / HTTP/1.1\r\nHost: {WIRE}\r\n\r\n".encode())
            await head_of(reader)
            assert await reader.readexactly(2) == b"ok"
        writer.close()
        assert origin.connections == 1
