"""Serves one local page on loopback until the block ends."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing

from aiohttp import web

from vibedom.errors import PortBusyError
from vibedom.web.guard import Guard

SHUTDOWN_SECONDS = 1.0
"""What requests that are under way get at the end; live streams never end by themselves."""

Build = Callable[[Guard], web.Application]


@asynccontextmanager
async def serving(build: Build, *, port: int = 0) -> AsyncIterator[str]:
    """Serve what `build` makes behind a fresh guard on 127.0.0.1; yields the address that opens it once.

    `port` 0 takes a free one. Raises `PortBusyError`.
    """
    with closing(loopback_socket(port)) as listener:
        guard = Guard(int(listener.getsockname()[1]))
        runner = web.AppRunner(build(guard), access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_SECONDS)
        try:
            await runner.setup()
            await web.SockSite(runner, listener, backlog=64).start()
            yield guard.url
        finally:
            await runner.cleanup()


def loopback_socket(port: int) -> socket.socket:
    """A listening address on 127.0.0.1. Raises `PortBusyError`."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise PortBusyError(f"127.0.0.1:{port} cannot be used ({error.strerror}); choose another --port") from None
    return listener
