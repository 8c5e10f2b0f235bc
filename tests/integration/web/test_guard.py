"""Who gets an answer from a local page, over a real socket."""

import base64
import hashlib
import re
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from vibedom.errors import PortBusyError
from vibedom.web.assets import add_assets
from vibedom.web.guard import HEADERS, KEY_HEADER, Guard
from vibedom.web.server import serving

pytestmark = pytest.mark.anyio


class Page:
    """A page that serves one secret, and a client that is no browser: it sends what it is told."""

    def __init__(self, url: str, client: aiohttp.ClientSession) -> None:
        self.origin, _, self.token = url.partition("/#")
        self.port = int(self.origin.rpartition(":")[2])
        self.client = client
        self.cookie = ""
        self.key = ""

    async def enter(self, token: str | None = None, *, visitor: str = "v" * 32) -> int:
        async with self.client.post(
            f"{self.origin}/enter", data=f"{visitor} {token or self.token}", headers={"Origin": self.origin}
        ) as answer:
            if answer.status == 200:
                self.key = (await answer.json())["key"]
                self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
            return answer.status

    async def status(self, method: str = "GET", path: str = "/api/secret", **headers: str) -> int:
        """With the cookie and key, and headers that replace what a page of this server would send."""
        sent = {"Cookie": self.cookie, KEY_HEADER: self.key, "Origin": self.origin} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        sent = {name: value for name, value in sent.items() if value}
        async with self.client.request(method, self.origin + path, headers=sent) as answer:
            body = await answer.text()
            assert ("treasure" in body) == (answer.status == 200 and path.startswith("/api/"))
            return answer.status


def build(guard: Guard) -> web.Application:
    async def secret(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="treasure")

    app = guard.application(most_bytes=1000)
    app.router.add_get("/api/secret", secret)
    app.router.add_post("/api/secret", secret)
    add_assets(app, page="dashboard.html")
    return app


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with (
        serving(build) as url,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        yield Page(url, client)


async def test_the_token_opens_the_page_once(page: Page) -> None:
    assert await page.status() == 401
    assert await page.enter("wrong" + page.token[5:]) == 403
    assert await page.enter() == 200
    assert await page.status() == 200
    assert await page.enter(visitor="w" * 32) == 403
    assert await page.status() == 200


async def test_the_visitor_whose_answer_was_lost_may_ask_for_it_again(page: Page) -> None:
    assert await page.enter(visitor="v" * 31) == 403
    assert await page.enter() == 200
    key = page.key
    assert await page.enter() == 200
    assert page.key == key
    assert await page.enter("wrong" + page.token[5:]) == 403


async def test_cookie_and_key_are_both_needed(page: Page) -> None:
    await page.enter()
    assert await page.status(Cookie="") == 401
    assert await page.status(X_Vibedom_Key="") == 401
    assert await page.status(Cookie=page.cookie + "x") == 401
    assert await page.status(X_Vibedom_Key=page.key[:-1]) == 401


async def test_the_cookie_is_for_this_site_only_and_no_script_reads_it(page: Page) -> None:
    async with page.client.post(
        f"{page.origin}/enter", data=f"{'v' * 32} {page.token}", headers={"Origin": page.origin}
    ) as answer:
        attributes = answer.headers["Set-Cookie"].lower().split("; ")
    assert {"httponly", "samesite=strict", "path=/"} <= set(attributes)
    assert not any(each.startswith("domain") for each in attributes)


@pytest.mark.parametrize(
    "name", ["evil.test", "evil.test:{port}", "127.0.0.1", "127.0.0.1.evil.test:{port}", "[::1]:{port}"]
)
async def test_another_host_name_gets_nothing(page: Page, name: str) -> None:
    await page.enter()
    assert await page.status(Host=name.format(port=page.port)) == 421
    assert await page.status(path="/", Host=name.format(port=page.port)) == 421
    assert await page.status(Host=f"localhost:{page.port}") == 200


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"])
async def test_a_request_of_another_site_gets_nothing(page: Page, origin: str) -> None:
    await page.enter()
    assert await page.status(Origin=origin.format(port=page.port)) == 403
    assert await page.status("POST", Origin=origin.format(port=page.port)) == 403
    assert await page.status(Sec_Fetch_Site="cross-site") == 403
    assert await page.status(Sec_Fetch_Site="same-site") == 403


async def test_nothing_is_changed_for_a_request_that_does_not_say_where_it_comes_from(page: Page) -> None:
    await page.enter()
    assert await page.status("POST", Origin="") == 403
    assert await page.status("POST") == 200


async def test_a_second_host_header_gets_nothing(page: Page) -> None:
    with socket.create_connection(("127.0.0.1", page.port), 10) as raw:
        raw.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nHost: evil.test\r\nConnection: close\r\n\r\n".encode()
        )
        answer = await _all_of(raw)
    assert answer.split(b" ")[1] in (b"400", b"421")


async def _all_of(raw: socket.socket) -> bytes:
    import anyio.to_thread

    def read() -> bytes:
        parts = []
        while data := raw.recv(4096):
            parts.append(data)
        return b"".join(parts)

    return await anyio.to_thread.run_sync(read)


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/secret", "/static/dashboard.js", "/static/../guard.py"])
async def test_every_answer_forbids_frames_foreign_resources_and_caches(page: Page, path: str) -> None:
    async with page.client.get(page.origin + path) as answer:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert "Server" not in answer.headers
    assert "'unsafe" not in HEADERS["Content-Security-Policy"]


async def test_a_body_over_the_limit_is_refused(page: Page) -> None:
    await page.enter()
    headers = {"Cookie": page.cookie, KEY_HEADER: page.key, "Origin": page.origin}
    async with page.client.post(f"{page.origin}/api/secret", data=b"x" * 1001, headers=headers) as answer:
        assert answer.status == 413


async def test_a_page_is_on_loopback_only_and_a_taken_port_is_said(page: Page) -> None:
    with socket.socket() as taken:
        assert taken.connect_ex(("127.0.0.1", page.port)) == 0
    with pytest.raises(PortBusyError, match=f"127.0.0.1:{page.port} cannot be used"):
        async with serving(build, port=page.port):
            pass


async def test_the_pages_name_no_other_place(page: Page) -> None:
    async with page.client.get(page.origin) as answer:
        markup = await answer.text()
    for foreign in ("http:", "https:", "style=", "onclick"):
        assert foreign not in markup
    (own,) = re.findall("<script>(.*)</script>", markup)
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in HEADERS["Content-Security-Policy"]
