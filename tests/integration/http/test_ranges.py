"""A range is what it says it is: it passes as it came, or it is refused, and is never a scrubbed part of something."""

from pathlib import Path

import pytest

from tests.integration.http.wire import answering, before, exchange, get
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio


def partial(body: bytes, content_type: str = "text/plain", *headers: str) -> bytes:
    lines = ["HTTP/1.1 206 Partial Content", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [f"Content-Range: bytes 0-{len(body) - 1}/9999999", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize("size", [100, 700_000])
async def test_a_range_without_a_secret_is_byte_exact(tmp_path: Path, size: int) -> None:
    body = (b"some text of a log\n" * size)[:size]
    async with before(answering(partial(body)), tmp_path) as (border, _):
        head, _, rest = (await exchange(border, get("/", f"Range: bytes=0-{size - 1}"))).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 206")
        assert b"content-range: bytes 0-" in head.lower()
        assert body in rest or b"chunked" in head.lower()


async def test_a_range_with_a_secret_is_refused_with_the_remedy(tmp_path: Path) -> None:
    body = f"key={GITHUB_TOKEN}\n".encode()
    async with before(answering(partial(body)), tmp_path) as (border, _):
        answer = await exchange(border, get("/", "Range: bytes=0-99"))
        assert answer.startswith(b"HTTP/1.1 403")
        assert b"without Range" in answer
        assert GITHUB_TOKEN.encode() not in answer
        assert [r.reason for r in border.records("response")] == ["partial-body"]


async def test_a_long_range_is_cut_before_its_secret(tmp_path: Path) -> None:
    body = b"words and words\n" * 50_000 + f"key={GITHUB_TOKEN}\n".encode() + b"more of them\n" * 1000
    async with before(answering(partial(body)), tmp_path) as (border, _):
        answer = await exchange(border, get("/", f"Range: bytes=0-{len(body) - 1}"))
        assert GITHUB_TOKEN.encode() not in answer
        assert b"REDACTED" not in answer
        assert b"more of them" not in answer


async def test_a_range_of_something_binary_is_not_read(tmp_path: Path) -> None:
    body = b"\x00\xff" * 40 + GITHUB_TOKEN.encode()
    async with before(answering(partial(body, "application/zip")), tmp_path) as (border, _):
        assert (await exchange(border, get("/", "Range: bytes=0-119"))).endswith(body)
