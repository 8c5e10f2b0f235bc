"""Serves `/metrics` for Prometheus, on loopback or on a Unix socket."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import anyio.to_thread
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from vibedom.errors import PortBusyError, UsageError
from vibedom.paths import Home
from vibedom.web.exposition import registry
from vibedom.web.server import loopback_socket

UNIX = "unix:"


@asynccontextmanager
async def exporting(home: Home, listen: str) -> AsyncIterator[str]:
    """Serve the metrics of `home`'s sessions until the block ends; yields where.

    `listen` is `127.0.0.1:PORT` or `unix:PATH`. Raises `UsageError`, `PortBusyError`.
    """
    with closing(_socket(listen)) as listener:
        is_unix = listener.family == socket.AF_UNIX
        port = 0 if is_unix else listener.getsockname()[1]
        names = None if is_unix else frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        runner = web.AppRunner(_application(home, names), access_log=None, handle_signals=False, shutdown_timeout=1.0)
        try:
            await runner.setup()
            await web.SockSite(runner, listener).start()
            yield listen if is_unix else f"http://127.0.0.1:{port}/metrics"
        finally:
            await runner.cleanup()
            if is_unix:
                with suppress(OSError):
                    os.unlink(listen.removeprefix(UNIX))


def _application(home: Home, names: frozenset[str] | None) -> web.Application:
    metrics = registry(home)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        """A web site that has its name point to loopback (DNS rebinding) cannot read them."""
        if names is not None and request.headers.get("Host") not in names:
            raise web.HTTPMisdirectedRequest(text="this is not the name of this server")
        if "Origin" in request.headers or request.headers.get("Sec-Fetch-Site", "none") != "none":
            raise web.HTTPForbidden(text="metrics are for Prometheus, not for web pages")
        return await handler(request)

    async def scrape(_: web.Request) -> web.Response:
        body = await anyio.to_thread.run_sync(generate_latest, metrics)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"})

    app = web.Application(middlewares=[check], client_max_size=1024)
    app.router.add_get("/metrics", scrape)
    return app


def _socket(listen: str) -> socket.socket:
    if listen.startswith(UNIX):
        return _unix_socket(Path(listen.removeprefix(UNIX)))
    host, _, port = listen.rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise UsageError(f"--listen {listen!r}: metrics stay on this machine; write 127.0.0.1:PORT or unix:PATH")
    return loopback_socket(int(port))


def _unix_socket(path: Path) -> socket.socket:
    """A socket that its owner alone can use: made under a strict mask, so that it never is another's for a moment."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    except OSError as error:
        listener.close()
        raise PortBusyError(f"{path} cannot be made ({error}); remove it if no `vibedom metrics` runs") from None
    finally:
        os.umask(mask)
    return listener
