"""WebSocket messages of every kind, and the way a connection ends."""

from pathlib import Path

import pytest
from aiohttp import ClientSession, WSMsgType, web

from tests.integration.border.conftest import PLAIN, way
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio

BINARY = bytes(range(256)) * 8
LARGE = "some words of a message " * 40_000


@pytest.mark.parametrize("compress", [0, 15])
async def test_messages_of_every_kind_arrive_and_the_close_code_too(tmp_path: Path, compress: int) -> None:
    codes: list[int | None] = []

    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=bool(compress), max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            else:
                await socket.send_bytes(message.data)
        codes.append(socket.close_code)
        return socket

    async with way(tmp_path, talk) as through, ClientSession() as client:
        url, proxy = f"http://{PLAIN}/", through.border.proxy_url
        async with client.ws_connect(url, proxy=proxy, compress=compress, max_msg_size=0) as socket:
            await socket.send_str(LARGE)
            assert (await socket.receive(timeout=20)).data == LARGE
            await socket.send_bytes(BINARY)
            assert (await socket.receive(timeout=20)).data == BINARY
            await socket.send_bytes(BINARY + GITHUB_TOKEN.encode())  # dropped: it cannot be scrubbed
            await socket.send_str("")
            assert (await socket.receive(timeout=20)).data == ""
            await socket.send_str(LARGE + GITHUB_TOKEN)
            assert (await socket.receive(timeout=20)).data == LARGE + "[REDACTED_GITHUB_PAT]"
            await socket.close(code=4321, message=b"done")
    assert codes == [4321]
