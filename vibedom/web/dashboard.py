"""The dashboard: one page for all sessions of a home."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from aiohttp import web

from vibedom.paths import Home
from vibedom.web.assets import add_assets
from vibedom.web.commands import Commands
from vibedom.web.guard import Guard
from vibedom.web.latency import Latency
from vibedom.web.live import Live
from vibedom.web.server import serving
from vibedom.web.session_watch import SessionWatch

MOST_BODY_BYTES = 16 * 1024


@asynccontextmanager
async def dashboard(home: Home, *, port: int = 0) -> AsyncIterator[str]:
    """Serve the dashboard until the block ends; yields the address that opens it once. Raises `PortBusyError`."""
    watch, latency = SessionWatch(home), Latency(home)

    def build(guard: Guard) -> web.Application:
        app = guard.application(most_bytes=MOST_BODY_BYTES)
        live = Live(watch, latency)
        app.router.add_get("/api/live", live.answer)
        app.on_shutdown.append(live.close)
        Commands(home, watch).add_to(app)
        add_assets(app, page="dashboard.html")
        return app

    async with anyio.create_task_group() as following:
        following.start_soon(watch.run)
        following.start_soon(watch.ask)
        following.start_soon(latency.run)
        async with serving(build, port=port) as url:
            yield url
        following.cancel_scope.cancel()
