"""HTTP/2 towards the sandbox: its exchanges do not wait for each other."""

from pathlib import Path

import anyio
import pytest
from aiohttp import web

from tests.integration.border.conftest import HOST, way

pytestmark = pytest.mark.anyio

EXCHANGES = 12


async def test_more_exchanges_than_five_are_open_at_once(tmp_path: Path) -> None:
    waiting, all_here = 0, anyio.Event()

    async def together(_: web.Request) -> web.StreamResponse:
        nonlocal waiting
        waiting += 1
        if waiting == EXCHANGES:
            all_here.set()
        await all_here.wait()
        return web.Response(text="here.")

    async with way(tmp_path, together) as through:
        urls = [f"https://{HOST}/{number}" for number in range(EXCHANGES - 1)]
        arguments = ("-Z", "--parallel-max", str(EXCHANGES), "--http2", *urls)
        answer = await through.transparent(f"https://{HOST}/last", *arguments)
    assert answer.body == b"here." * EXCHANGES
