"""gRPC over HTTP/2: both directions at once, and a status that arrives even where no message does."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import h2.events
import pytest

from tests.integration.http.grpc_origin import H2Peer, connected, grpc_origin
from tests.support.border import Running, running_border
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio

HOST = "grpc.good.test"


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Running]:
    async with grpc_origin(HOST, tmp_path) as origin:
        policy = f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{origin.port}"\nca = "{origin.ca_file}"\n'
        async with running_border(tmp_path, policy=policy) as running:
            yield running


@pytest.fixture
async def client(border: Running) -> AsyncIterator[H2Peer]:
    async with connected(border.https_port, HOST, border.ca_file) as made:
        yield made


def call(client: H2Peer, path: str, *, is_last: bool = False) -> int:
    stream = client.conn.get_next_available_stream_id()
    names = [(":method", "POST"), (":scheme", "https"), (":authority", HOST), (":path", path), ("te", "trailers")]
    client.conn.send_headers(stream, [*names, ("content-type", "application/grpc")], end_stream=is_last)
    client.flush()
    return stream


async def test_a_reply_comes_while_the_request_is_still_open(client: H2Peer) -> None:
    stream = call(client, "/echo")
    with anyio.fail_after(20):
        for message in (b"\x00\x00\x00\x00\x02hi", b"\x00\x00\x00\x00\x03you"):
            client.conn.send_data(stream, message)
            client.flush()
            # The client does not half-close before it has the answer: a proxy that gathers the request never gives one.
            assert (await client.next(h2.events.DataReceived)).data == message
        client.conn.end_stream(stream)
        client.flush()
        trailers = dict((await client.next(h2.events.TrailersReceived)).headers)
    assert trailers == {b"grpc-status": b"0", b"grpc-message": b"fine"}


async def test_a_reply_of_headers_and_trailers_only_keeps_its_status(client: H2Peer) -> None:
    with anyio.fail_after(20):
        call(client, "/empty", is_last=True)
        assert dict((await client.next(h2.events.TrailersReceived)).headers)[b"grpc-status"] == b"0"
        call(client, "/trailers-only", is_last=True)
        assert dict((await client.next(h2.events.ResponseReceived)).headers)[b"grpc-status"] == b"0"


async def test_the_trailers_of_a_request_are_scrubbed(border: Running, client: H2Peer) -> None:
    stream = call(client, "/echo")
    client.conn.send_data(stream, b"\x00\x00\x00\x00\x00")
    client.conn.send_headers(stream, [("x-note", GITHUB_TOKEN)], end_stream=True)
    client.flush()
    with anyio.fail_after(20):
        await client.next(h2.events.TrailersReceived)
    found = [f for r in border.records("request") for f in r.findings]
    assert [(f.location, f.action) for f in found] == [("trailer x-note", "scrub")]
