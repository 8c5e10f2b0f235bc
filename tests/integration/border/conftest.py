"""An origin behind a border, and two ways for curl to get there."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from pipeline.events import Record
from tests.support.border import Running, running_border
from tests.support.curl import Answer, curl
from tests.support.origin import Handler, Origin, echo, origin

HOST = "api.good.test"
PLAIN = "plain.good.test"


class Way:
    """A border with its origins; `explicit` and `transparent` are curl's two ways through it."""

    def __init__(self, border: Running, secure: Origin, plain: Origin) -> None:
        self.border = border
        self.secure = secure
        self.plain = plain

    async def explicit(self, url: str, *arguments: str) -> Answer:
        return await curl("--proxy", self.border.proxy_url, "--cacert", self.border.ca_file, *arguments, url)

    async def recorded(self, is_meant: Callable[[Record], bool]) -> Record:
        """The first record that is meant; waits for it."""
        with anyio.fail_after(10):
            while True:
                for record in self.border.sink.records:
                    if is_meant(record):
                        return record
                await anyio.lowlevel.checkpoint()

    async def transparent(self, url: str, *arguments: str) -> Answer:
        port = self.border.https_port if url.startswith("https") else self.border.http_port
        return await curl("--connect-to", f"::127.0.0.1:{port}", "--cacert", self.border.ca_file, *arguments, url)


def policy_of(secure: Origin, plain: Origin) -> str:
    return (
        f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
        f'[[hosts]]\npattern = "{PLAIN}"\ndial = "127.0.0.1:{plain.port}"\n'
    )


@asynccontextmanager
async def way(directory: Path, handler: Handler = echo, *, more: str = "") -> AsyncIterator[Way]:
    async with (
        origin(handler, names=(HOST,)) as secure,
        origin(handler) as plain,
        running_border(directory, policy=policy_of(secure, plain) + more) as border,
    ):
        yield Way(border, secure, plain)


@pytest.fixture
async def through(tmp_path: Path) -> AsyncIterator[Way]:
    async with way(tmp_path) as made:
        yield made
