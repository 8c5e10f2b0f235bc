"""httpx, requests, node's own fetch and WebSocket, pip and npm: each on both ways where it knows of proxies."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web

from tests.integration.border.conftest import HOST, Way, way
from tests.support.border import running_border
from tests.support.clients import Clients
from tests.support.detection import GITHUB_TOKEN
from tests.support.origin import origin
from tests.support.package_origin import PACKAGE, SOURCE, packages

pytestmark = pytest.mark.anyio
REDACTED = "[REDACTED_GITHUB_PAT]"
both_ways = pytest.mark.parametrize("is_transparent", [False, True], ids=["explicit", "transparent"])


@pytest.fixture
async def through(tmp_path: Path) -> AsyncIterator[Way]:
    async with way(tmp_path) as made:
        yield made


def clients(through: Way, home: Path, *, is_transparent: bool) -> Clients:
    return Clients(through.border, home, is_transparent=is_transparent)


def was_scrubbed(through: Way) -> None:
    assert GITHUB_TOKEN.encode() not in through.secure.arrived[-1].everything
    assert REDACTED.encode() in through.secure.arrived[-1].body
    (finding,) = [f for r in through.border.records("request") for f in r.findings]
    assert (finding.rule, finding.action) == ("github-pat", "scrub")


@both_ways
async def test_requests_is_served_and_scrubbed(through: Way, tmp_path: Path, *, is_transparent: bool) -> None:
    code = f"""
import requests
with requests.Session() as session:
    answers = [session.post("https://{HOST}/", json={{"k": key}}) for key in ("{GITHUB_TOKEN}", "plain")]
print([answer.json() for answer in answers])
"""
    output = await clients(through, tmp_path, is_transparent=is_transparent).python(sys.executable, code)
    assert output == f"[{{'k': '{REDACTED}'}}, {{'k': 'plain'}}]\n"
    assert [a.body for a in through.secure.arrived] == [f'{{"k": "{REDACTED}"}}'.encode(), b'{"k": "plain"}']


@both_ways
async def test_aiohttp_is_served_and_scrubbed_and_so_is_what_it_makes_on_the_way(
    through: Way, tmp_path: Path, *, is_transparent: bool
) -> None:
    escaped = GITHUB_TOKEN.replace("_", "\\u005f")  # as a JSON encoder may write it
    code = f"""
import aiohttp, asyncio, os, ssl
async def pieces():
    for piece in ('{{"k": "', r"{escaped}", '"}}'):
        yield piece.encode()
async def main():
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    async with aiohttp.ClientSession(trust_env=True) as session:
        for body in (dict(json={{"k": "{GITHUB_TOKEN}"}}), dict(data=pieces())):
            headers = {{"Content-Type": "application/json"}}
            async with session.post("https://{HOST}/", ssl=context, headers=headers, **body) as answer:
                print(await answer.json())
asyncio.run(main())
"""
    output = await clients(through, tmp_path, is_transparent=is_transparent).python(sys.executable, code)
    assert output == f"{{'k': '{REDACTED}'}}\n" * 2
    assert [a.body for a in through.secure.arrived] == [f'{{"k": "{REDACTED}"}}'.encode()] * 2
    locations = [f.location for r in through.border.records("request") for f in r.findings]
    assert locations == ["body $.k"] * 2


@both_ways
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
async def test_httpx_is_served_and_scrubbed(
    through: Way, tmp_path: Path, version: str, *, is_transparent: bool
) -> None:
    code = f"""
import httpx, ssl, os
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
with httpx.Client(http2={version == "HTTP/2"}, verify=context) as client:
    answer = client.post("https://{HOST}/", json={{"k": "{GITHUB_TOKEN}"}})
print(answer.http_version, answer.json())
"""
    output = await clients(through, tmp_path, is_transparent=is_transparent).python(sys.executable, code)
    assert output == f"{version} {{'k': '{REDACTED}'}}\n"
    was_scrubbed(through)


async def test_httpx_multiplexes_and_every_answer_is_its_own(through: Way, tmp_path: Path) -> None:
    code = f"""
import anyio, httpx, ssl, os
async def main():
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    async with httpx.AsyncClient(http2=True, verify=context) as client:
        found = {{}}
        async def ask(number):
            answer = await client.post("https://{HOST}/", content=str(number) * 3000)
            found[number] = answer.text == str(number) * 3000
        async with anyio.create_task_group() as group:
            for number in range(30):
                group.start_soon(ask, number)
        print(len(found), all(found.values()))
anyio.run(main)
"""
    assert await clients(through, tmp_path, is_transparent=False).python(sys.executable, code) == "30 True\n"


async def test_nodes_fetch_is_served_and_scrubbed_where_it_is_caught(through: Way, tmp_path: Path) -> None:
    code = f"""
fetch('https://{HOST}/', {{method: 'POST', headers: {{'content-type': 'application/json'}},
    body: JSON.stringify({{k: '{GITHUB_TOKEN}'}})}}).then(answer => answer.json()).then(found => console.log(found.k))
"""
    assert await clients(through, tmp_path, is_transparent=True).node(code) == f"{REDACTED}\n"
    was_scrubbed(through)


async def test_nodes_websocket_is_served_and_scrubbed_where_it_is_caught(tmp_path: Path) -> None:
    heard: list[str] = []

    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                heard.append(message.data)
                await socket.send_str(f"I say {GITHUB_TOKEN}")
        return socket

    async with way(tmp_path, talk) as through:
        running = clients(through, tmp_path, is_transparent=True)
        flag = "--experimental-websocket"
        probe = f"console.log(typeof WebSocket, process.allowedNodeEnvironmentFlags.has('{flag}'))"
        kind, has_flag = (await running.node(probe)).split()
        if kind == "undefined" and has_flag == "false":
            pytest.skip("older than Node 20.10; Python's client speaks WebSocket in test_websocket.py")
        code = f"""
const socket = new WebSocket('wss://{HOST}/');
socket.onopen = () => socket.send('token {GITHUB_TOKEN}');
socket.onmessage = message => {{ console.log(message.data); socket.close(); }};
socket.onerror = error => {{ console.log(error.message); process.exit(1); }};
"""
        output = await running.node(code, *([flag] if has_flag == "true" else []))
        assert f"I say {REDACTED}" in output
        assert heard == [f"token {REDACTED}"]


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Clients]:
    """Clients before an origin of packages whose context is `registry`."""
    async with origin(packages(HOST), names=(HOST,)) as secure:
        policy = (
            f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
            'context = "registry"\n'
        )
        async with running_border(tmp_path, policy=policy) as border:
            yield Clients(border, tmp_path, is_transparent=False)


async def test_pip_installs_a_package_byte_for_byte(registry: Clients, tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-cache-dir", "--no-deps")
    await registry.run(*pip, "--index-url", f"https://{HOST}/simple/", "--target", str(tmp_path / "site"), PACKAGE)
    assert (tmp_path / "site" / "vbd_demo.py").read_bytes() == SOURCE


async def test_npm_installs_a_package_byte_for_byte(registry: Clients, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "mine", "version": "1.0.0"}')
    npm = ("npm", "install", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    await registry.run(*npm, f"--registry=https://{HOST}/", PACKAGE)
    code = f"console.log(require('./node_modules/{PACKAGE}'))"
    assert await registry.run("node", "-e", code) == f"{GITHUB_TOKEN}\n"
