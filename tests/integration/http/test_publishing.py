"""npm and twine publish packages: byte for byte where they hold no key, and not at all where they do."""

import base64
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.integration.border.conftest import HOST
from tests.support.border import Running, running_border
from tests.support.clients import Clients
from tests.support.detection import GITHUB_TOKEN
from tests.support.origin import Origin, origin
from tests.support.package_origin import wheel

pytestmark = pytest.mark.anyio
NAME = "vbd-mine"
LOGIN = "f3Kd9" + "Qz7LmW2xTb4R"


class Registry:
    """Clients before an origin that takes packages."""

    def __init__(self, border: Running, clients: Clients, secure: Origin) -> None:
        self.border = border
        self.clients = clients
        self.arrived = secure.arrived

    def blocked(self) -> list[tuple[str, str]]:
        return [(f.rule, f.action) for r in self.border.records("request") for f in r.findings if f.action == "block"]


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    async def take(sent: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": True}) if sent.method in ("PUT", "POST") else web.Response(status=404)

    async with origin(take, names=(HOST,)) as secure:
        policy = (
            f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
            'context = "registry"\n'
        )
        async with running_border(tmp_path, policy=policy) as border:
            yield Registry(border, Clients(border, tmp_path, is_transparent=False), secure)


def npm_package(home: Path, source: str) -> tuple[str, ...]:
    """A folder to publish, and the command that does."""
    (home / "package.json").write_text(json.dumps({"name": NAME, "version": "1.0.0", "files": ["index.js"]}))
    (home / "index.js").write_text(source)
    (home / ".npmrc").write_text(f"//{HOST}/:_authToken={LOGIN}\n")
    quiet = ("--no-update-notifier", "--loglevel=error", "--fetch-retries=0")
    return ("npm", "publish", *quiet, f"--registry=https://{HOST}/")


async def test_npm_publishes_a_package_byte_for_byte(registry: Registry, tmp_path: Path) -> None:
    command = npm_package(tmp_path, "module.exports = 1\n" * 3000)
    await registry.clients.run(*command)
    put = next(arrived for arrived in registry.arrived if arrived.method == "PUT")
    (attached,) = json.loads(put.body)["_attachments"].values()
    await registry.clients.run("npm", "pack", "--silent")
    assert base64.b64decode(attached["data"]) == (tmp_path / f"{NAME}-1.0.0.tgz").read_bytes()
    assert ("authorization", f"Bearer {LOGIN}") in [(name.lower(), value) for name, value in put.headers]


async def test_npm_publishes_nothing_that_holds_a_key(registry: Registry, tmp_path: Path) -> None:
    command = npm_package(tmp_path, f"module.exports = '{GITHUB_TOKEN}'\n")
    with pytest.raises(AssertionError, match="403"):
        await registry.clients.run(*command)
    assert [arrived for arrived in registry.arrived if arrived.method == "PUT"] == []
    assert ("github-pat", "block") in registry.blocked()


@pytest.mark.skipif(shutil.which("twine") is None, reason="twine is not installed")
async def test_twine_uploads_nothing_that_holds_a_key_and_all_else_byte_for_byte(
    registry: Registry, tmp_path: Path
) -> None:
    file = tmp_path / "vbd_demo-1.0-py3-none-any.whl"
    login = ("--non-interactive", "--disable-progress-bar", "-u", "me", "-p", LOGIN)
    command = ("twine", "upload", *login, "--repository-url", f"https://{HOST}/legacy/", str(file))
    file.write_bytes(wheel())
    with pytest.raises(AssertionError, match="403"):
        await registry.clients.run(*command)
    assert [arrived for arrived in registry.arrived if arrived.method == "POST"] == []
    file.write_bytes(wheel(b"KEY = 1\n"))
    await registry.clients.run(*command)
    (post,) = [arrived for arrived in registry.arrived if arrived.method == "POST"]
    assert file.read_bytes() in post.body
    basic = base64.b64encode(f"me:{LOGIN}".encode()).decode()
    assert ("authorization", f"Basic {basic}") in [(name.lower(), value) for name, value in post.headers]
