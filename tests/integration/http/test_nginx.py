"""nginx as the origin, curl as the client: compression in chunks, ranges, kept connections, HTTP/2."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.border.conftest import Way
from tests.integration.http.nginx_origin import NAME, NginxOrigin, nginx
from tests.support.border import running_border

pytestmark = pytest.mark.anyio
REDACTED = "[REDACTED_GITHUB_PAT]"
HEADS = ("-i", "--http1.1", "--suppress-connect-headers")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Way]:
    """A border before nginx, with TLS and HTTP/2."""
    async with nginx(tmp_path / "nginx") as server:
        policy = f'[[hosts]]\npattern = "{NAME}"\ndial = "127.0.0.1:{server.port}"\nca = "{server.ca_file}"\n'
        async with running_border(tmp_path, policy=policy) as border:
            yield Way(border, server, server)


ways = pytest.mark.parametrize("by", ["explicit", "transparent"])


@ways
async def test_what_nginx_compresses_in_chunks_arrives_scrubbed_and_compressed(served: Way, by: str) -> None:
    ask = getattr(served, by)
    answer = await ask(f"https://{NAME}/keys.json", "--compressed", *HEADS)
    head, _, body = answer.body.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head.lower()
    assert body == b'{"token": "' + REDACTED.encode() + b'", "fill": "' + b"x" * 5000 + b'"}'


@ways
async def test_nginx_speaks_http2_on_both_sides(served: Way, by: str) -> None:
    answer = await getattr(served, by)(f"https://{NAME}/protocol", "--http2", "-w", "%{http_version}")
    assert answer.body == b"HTTP/2.0\n2"


@ways
async def test_ranges_of_nginx_are_byte_exact(served: Way, by: str) -> None:
    answer = await getattr(served, by)(f"https://{NAME}/blob.bin", "-r", "1000-200999", *HEADS)
    head, _, body = answer.body.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 206")
    assert b"content-range: bytes 1000-200999/1000000" in head.lower()
    assert isinstance(served.secure, NginxOrigin)
    assert body == served.secure.blob[1000:201000]


@ways
async def test_one_connection_to_nginx_serves_many_requests(served: Way, by: str) -> None:
    url = f"https://{NAME}/connection"
    answer = await getattr(served, by)(url, url, url, "--http1.1")
    numbers = [line.split() for line in answer.body.decode().splitlines()]
    assert [requests for _, requests in numbers] == ["1", "2", "3"]
    assert len({connection for connection, _ in numbers}) == 1


@ways
async def test_a_head_and_a_304_of_nginx_have_no_body_and_keep_the_length(served: Way, by: str) -> None:
    ask = getattr(served, by)
    head = await ask(f"https://{NAME}/blob.bin", "-I", "--http1.1")
    assert b"content-length: 1000000" in head.body.lower()
    etag = next(line[6:].decode() for line in head.body.splitlines() if line.lower().startswith(b"etag: "))
    again = await ask(f"https://{NAME}/blob.bin", *HEADS, "-H", f"If-None-Match: {etag}")
    assert again.body.startswith(b"HTTP/1.1 304")
    assert again.body.endswith(b"\r\n\r\n")
