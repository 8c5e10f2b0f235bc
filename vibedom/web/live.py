"""What one page is behind by, sent as it happens: newline-delimited JSON over one long answer.

There is no queue per page. Each has a cursor into the tables, so a page that reads slowly, or a laptop that slept, gets
the state as it is then and costs no memory meanwhile.
"""

from typing import Any

import anyio
import msgspec
from aiohttp import web

from vibedom.web.latency import Latency
from vibedom.web.session_watch import SessionWatch

HEARTBEAT_SECONDS = 10.0
"""A line is sent at least this often, so that a page knows when the server is gone."""
MOST_ROWS = 2000
"""In one message; the rest comes in the next."""
MOST_STREAMS = 16
"""Pages at a time."""


class Cursor:
    """What one page has been told."""

    def __init__(self, watch: SessionWatch, latency: Latency) -> None:
        self._watch, self._latency = watch, latency
        self._change = self._alert = 0
        self._told: dict[str, bytes] = {}

    def next(self) -> bytes:
        """The next message, empty where the page knows all."""
        watch = self._watch
        message: dict[str, Any] = {}
        rows = watch.flows.since(self._change)[:MOST_ROWS]
        if rows:
            self._change = rows[-1].change
            message["flows"] = rows
        alerts = watch.alerts_since(self._alert)
        if alerts:
            self._alert = alerts[-1][0]
            message["alerts"] = [alert for _, alert in alerts]
        overview = watch.overview
        self._tell(message, "sessions", watch.sessions)
        self._tell(message, "totals", overview.totals)
        self._tell(message, "hosts", overview.hosts)
        self._tell(message, "rules", overview.rules)
        self._tell(message, "blocked", overview.blocked)
        self._tell(message, "minutes", overview.minutes)
        self._tell(message, "latency", self._latency.current)
        return msgspec.json.encode(message) + b"\n" if message else b""

    def _tell(self, message: dict[str, Any], name: str, value: Any) -> None:
        """Only what differs from what was told."""
        encoded = msgspec.json.encode(value)
        if self._told.get(name) != encoded:
            self._told[name] = encoded
            message[name] = msgspec.Raw(encoded)


class Live:
    """The handler of the stream."""

    def __init__(self, watch: SessionWatch, latency: Latency) -> None:
        self._watch, self._latency = watch, latency
        self._streams = 0
        self._is_closed = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self._streams >= MOST_STREAMS:
            raise web.HTTPServiceUnavailable(text="too many pages are open; close some")
        self._streams += 1
        try:
            return await self._send(request)
        except ConnectionError:  # the page was closed
            return web.Response()
        finally:
            self._streams -= 1

    async def _send(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        cursor = Cursor(self._watch, self._latency)
        while not self._is_closed:
            changed = self._watch.changed
            if message := cursor.next():
                await response.write(message)
                continue
            with anyio.move_on_after(HEARTBEAT_SECONDS) as waiting:
                await changed.wait()
            if waiting.cancelled_caught:
                await response.write(b"{}\n")
        return response

    async def close(self, _: web.Application) -> None:
        """End all streams: they do not end by themselves."""
        self._is_closed = True
        self._watch.wake()
