"""The proxy that this machine itself needs: what is allowed goes through it, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.border.conftest import HOST
from tests.support.border import running_border
from tests.support.curl import curl
from tests.support.origin import Origin, origin

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def company_proxy(to: Origin, asked: list[str]) -> AsyncIterator[int]:
    """A CONNECT proxy that leads every tunnel to one origin."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode())
        there, back = await asyncio.open_connection("127.0.0.1", to.port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_allowed_hosts_go_through_the_machines_own_proxy_and_denied_ones_do_not(tmp_path: Path) -> None:
    asked: list[str] = []
    async with origin(names=(HOST,)) as secure, company_proxy(secure, asked) as port:
        policy = f'[upstream]\nproxy = "http://127.0.0.1:{port}"\nca = "{secure.ca_file}"\n'
        async with running_border(tmp_path, domains=HOST, policy=policy, roots=secure.ca_file) as border:
            way = ("--connect-to", f"::127.0.0.1:{border.https_port}", "--cacert", str(border.ca_file))
            for _ in range(2):
                assert (await curl(*way, f"https://{HOST}/", "-o", "/dev/null", "-w", "%{http_code}")).body == b"200"
            assert b"403" in (await curl(*way, "https://evil.test/", "-i")).body
        assert {line.split()[1] for line in asked} == {f"{HOST}:443"}
        assert len(secure.arrived) == 2
