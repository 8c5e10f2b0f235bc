"""No part of a head carries a key: not its values, nor its names, nor what only the protocol uses."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from aiohttp import web

from tests.integration.border.conftest import HOST, PLAIN, Way, way
from tests.support.border import running_border
from tests.support.curl import curl
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio

LOWER = "glpat-" + "abcdefghij0123456789"
"""A key that stays one in lower case, as names of hosts are."""
CAPITALS = "AKIA" + "ABCDEFGH12345678"
WILD = '[[hosts]]\npattern = "*.wild.test"\n'
PROTOCOL = [
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "Range",
    "Date",
    "TE",
    "Keep-Alive",
    "Upgrade",
    "Trailer",
    "Vary",
    "Server",
    "Age",
    "Connection",
    "Sec-WebSocket-Key",
    "Access-Control-Allow-Headers",
    "Content-Range",
    "Content-Type",
    "Content-Language",
]


async def exchange(through: Way, *lines: str, body: bytes = b"") -> bytes:
    """What the transparent listener answers to a request with these lines until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", through.border.http_port)
    writer.write("".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body)
    with anyio.fail_after(10):
        answer = await reader.read()
    writer.close()
    return answer


async def get(through: Way, *lines: str, method: str = "GET") -> bytes:
    return await exchange(through, f"{method} /x HTTP/1.1", f"Host: {PLAIN}", "Connection: close", *lines)


@pytest.mark.parametrize("name", PROTOCOL)
async def test_headers_of_the_protocol_are_scrubbed_like_all_others(through: Way, name: str) -> None:
    await get(through, f"{name}: x {GITHUB_TOKEN}")
    assert GITHUB_TOKEN.encode() not in through.plain.arrived[-1].everything
    request = through.border.records("request")[-1]
    assert [(f.rule, f.action, f.location) for f in request.findings] == [
        ("github-pat", "scrub", f"header {name.lower()}")
    ]


@pytest.mark.parametrize("name", [GITHUB_TOKEN, f"X-{GITHUB_TOKEN}"])
async def test_a_header_whose_name_is_a_key_is_dropped(through: Way, name: str) -> None:
    await get(through, f"{name}: 1", "X-Kept: yes")
    arrived = through.plain.arrived[-1]
    assert GITHUB_TOKEN.lower().encode() not in arrived.everything.lower()
    assert dict(arrived.headers)["X-Kept"] == "yes"
    assert through.border.records("request")[-1].findings[0].location == "header name"


async def test_a_key_of_capitals_in_a_name_in_lower_case_is_found(through: Way) -> None:
    await get(through, f"x-{CAPITALS.lower()}: 1", "X-Kept: yes")
    arrived = through.plain.arrived[-1]
    assert CAPITALS.lower().encode() not in arrived.everything.lower()
    assert dict(arrived.headers)["X-Kept"] == "yes"


async def test_a_content_type_that_is_a_key_is_in_no_record(through: Way) -> None:
    await get(through, f"Content-Type: text/{GITHUB_TOKEN}")
    assert all(GITHUB_TOKEN.lower() not in repr(record).lower() for record in through.border.sink.records)


@pytest.mark.parametrize("method", [GITHUB_TOKEN, "get", "G\x01T", "A" * 33])
async def test_a_method_that_is_none_is_refused_and_not_recorded(through: Way, method: str) -> None:
    first = ("GET /1 HTTP/1.1", f"Host: {PLAIN}", "")
    await exchange(through, *first, f"{method} /2 HTTP/1.1", f"Host: {PLAIN}", "Connection: close")
    assert [arrived.target for arrived in through.plain.arrived] == ["/1"]
    assert all(method not in repr(record) for record in through.border.sink.records)


async def test_a_key_in_the_name_of_a_host_reaches_neither_the_resolver_nor_a_record(tmp_path: Path) -> None:
    asked: list[str] = []

    def lookup(host: str, _: int) -> list[str]:
        asked.append(host)
        return []

    async with running_border(tmp_path, domains="*.wild.test", lookup=lookup) as border:
        answer = await curl("--proxy", border.proxy_url, f"http://{LOWER}.wild.test/")
    assert b"holds a secret" in answer.body
    assert asked == []
    assert [r.host for r in border.records("request")] == ["[REDACTED_GITLAB_PAT].wild.test"]
    assert all(LOWER not in repr(record) for record in border.sink.records)


async def test_a_key_of_capitals_in_the_name_of_a_host_is_found_in_whatever_form_the_name_has(tmp_path: Path) -> None:
    async with way(tmp_path, more=f'{WILD}dial = "127.0.0.1:9"\n') as through:
        for name in (CAPITALS, CAPITALS.lower()):
            answer = await exchange(through, "GET / HTTP/1.1", f"Host: {name}.wild.test:80", "Connection: close")
            assert b"holds a secret" in answer
        assert [r.host for r in through.border.records("request")] == ["[REDACTED_AWS_KEY_ID].wild.test"] * 2
        assert all(CAPITALS.lower() not in repr(record).lower() for record in through.border.sink.records)


@pytest.mark.parametrize("name", ["Origin", "Referer"])
async def test_a_url_in_a_header_leads_to_no_host_that_is_named_like_a_key(through: Way, name: str) -> None:
    await get(through, f"{name}: https://{GITHUB_TOKEN}.example.com/a", "X-Kept: https://192.0.2.1/")
    arrived = through.plain.arrived[-1]
    assert GITHUB_TOKEN.encode() not in arrived.everything
    assert dict(arrived.headers)[name].endswith("%5D.example.com/a")


async def test_the_words_behind_a_status_are_no_more_than_words(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=404, reason=GITHUB_TOKEN if request.path == "/key" else "Gone For Good")

    async with way(tmp_path, answer) as through:
        for path, status in (("/key", b"404 Not Found"), ("/words", b"404 Gone For Good")):
            line = await exchange(through, f"GET {path} HTTP/1.1", f"Host: {PLAIN}", "Connection: close")
            assert line.startswith(b"HTTP/1.1 " + status + b"\r\n")


@asynccontextmanager
async def raw_origin(head: bytes) -> AsyncIterator[str]:
    """The policy's entry for an origin that answers everything with this head and two bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"Content-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f'[[hosts]]\npattern = "raw.good.test"\ndial = "127.0.0.1:{port}"\n'


@pytest.mark.parametrize(
    ("line", "passed"),
    [
        (b"X: a\r\n  b\r\n\tc", b"X: a b c"),
        (b"X: a\n b", b"X: a b"),
        (b"X: a\rSet-Cookie: b=c", None),
        (b"X: a\r b", None),
        (b"X: a\0b", None),
        (b"X\r: a", None),
        (b" X: a", None),
        (b"X : a", None),
        (b"X", None),
    ],
)
async def test_a_response_head_that_can_be_read_in_two_ways_is_put_right_or_refused(
    tmp_path: Path, line: bytes, passed: bytes | None
) -> None:
    async with (
        raw_origin(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n") as policy,
        running_border(tmp_path, policy=policy) as border,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", border.http_port)
        writer.write(b"GET / HTTP/1.1\r\nHost: raw.good.test\r\nConnection: close\r\n\r\n")
        with anyio.fail_after(10):
            answer = await reader.read()
        writer.close()
        reasons = [record.reason for record in border.records("response")]
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if passed is None:
        assert line not in lines
        assert body != b"hi"
        assert reasons == ["malformed"] or lines[0].startswith(b"HTTP/1.1 502 ")
    else:
        assert (lines[0], body) == (b"HTTP/1.1 200 OK", b"hi")
        assert passed in lines
        assert not any(each.startswith((b" ", b"\t")) for each in lines)


@pytest.mark.parametrize("coding", ["gzip, chunked", "deflate, chunked", "GZIP,chunked"])
async def test_a_transfer_coding_that_nobody_takes_off_is_refused(through: Way, coding: str) -> None:
    hidden = gzip.compress(GITHUB_TOKEN.encode())
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
    lines = ("POST / HTTP/1.1", f"Host: {PLAIN}", "Connection: close", f"Transfer-Encoding: {coding}")
    await exchange(through, *lines, body=body)
    assert through.plain.arrived == []


async def test_a_clean_request_keeps_every_header_as_it_was(tmp_path: Path) -> None:
    sent = {"accept": "a/b;q=0.1", "accept-language": "de-CH, fr;q=0.5", "date": "Tue, 01 Sep 2026 10:00:00 GMT"}
    async with way(tmp_path) as through:
        arguments = [part for name, value in sent.items() for part in ("-H", f"{name}: {value}")]
        await through.explicit(f"https://{HOST}/", *arguments)
        assert sent.items() <= dict(through.secure.arrived[-1].headers).items()
