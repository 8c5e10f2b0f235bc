"""HTTP/2 lets a client put anything into a pseudo header: an HTTP/1 origin must not read it in another way."""

import asyncio
import ssl

import anyio
import h2.config
import h2.connection
import h2.events
import pytest

from tests.integration.border.conftest import HOST, Way
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio

Fields = list[tuple[str, str]]


async def send(through: Way, fields: Fields) -> str:
    """The status of the answer to a request with these fields, or "" where the connection was closed."""
    tls = ssl.create_default_context(cafile=str(through.border.ca_file))
    tls.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", through.border.https_port, ssl=tls, server_hostname=HOST
    )
    connection = h2.connection.H2Connection(
        h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    )
    connection.initiate_connection()
    connection.send_headers(1, fields, end_stream=True)
    writer.write(connection.data_to_send())
    try:
        with anyio.fail_after(10):
            while data := await reader.read(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.ResponseReceived):
                        return next(value.decode() for name, value in event.headers if name == b":status")
    finally:
        writer.transport.abort()
    return ""


def request(path: str = "/", *more: tuple[str, str], method: str = "GET", authority: str = HOST) -> Fields:
    return [(":method", method), (":authority", authority), (":scheme", "https"), (":path", path), *more]


async def test_an_ordinary_request_passes(through: Way) -> None:
    assert await send(through, request("/a?b=c#d")) == "200"
    assert await send(through, request("*", method="OPTIONS")) in ("200", "404")


@pytest.mark.parametrize(
    "path",
    ["http://evil.test/", "//evil.test\t", "/admin HTTP/1.1", "/a b", "abc", "?q", "/a\x7f"],
)
async def test_a_target_that_is_no_path_is_refused(through: Way, path: str) -> None:
    assert await send(through, request(path)) in ("403", "")
    assert through.secure.arrived == []


@pytest.mark.parametrize(
    "fields",
    [
        request("/ HTTP/1.1\r\nHost: evil.test\r\nX: "),
        request("/", ("x-a", "b\r\nx-smuggled: 1")),
        request("/", ("x-a: b\r\nx-smuggled", "1")),
        request("/", ("host", "evil.test")),
        request("/", ("transfer-encoding", "chunked")),
        request(authority="evil.test"),
        request(method="GET / HTTP/1.1\r\n\r\nPOST"),
        request(method=GITHUB_TOKEN),
        [(":method", "CONNECT"), (":authority", "evil.test:22")],
    ],
)
async def test_fields_that_an_origin_could_read_otherwise_are_refused(through: Way, fields: Fields) -> None:
    assert await send(through, fields) in ("403", "")
    assert through.secure.arrived == []
    assert GITHUB_TOKEN not in repr(through.border.sink.records)
