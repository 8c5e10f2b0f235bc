"""What the dashboard's buttons do: each asks the session's own supervisor."""

from collections.abc import Awaitable
from typing import Literal

import anyio.to_thread
import msgspec
from aiohttp import web

from vibedom.control.client import Client
from vibedom.control.messages import Allow, Decide, Pause, Request, Resume, Stop
from vibedom.errors import NoSuchSessionError, UsageError, VibedomError
from vibedom.names import is_name
from vibedom.paths import Home
from vibedom.web.session_watch import SessionWatch
from vibedom.whitelist_edit import add_patterns


class AllowHost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/allow`."""

    session: str
    host: str
    port: int = 0
    """0: any."""
    scope: Literal["once", "session", "always", "no"] = "session"
    """`no` answers a question only."""
    question: int | None = None
    """Of the open question that this answers."""


class Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/control`."""

    session: str
    action: Literal["pause", "resume", "stop"]


_REQUESTS: dict[str, Request] = {"pause": Pause(), "resume": Resume(), "stop": Stop()}


class Commands:
    """The handlers. What cannot be done is answered with 409 and one line for people."""

    def __init__(self, home: Home, watch: SessionWatch) -> None:
        self._home, self._watch = home, watch

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_post("/api/allow", self._allow)
        app.router.add_post("/api/control", self._control)

    async def _allow(self, request: web.Request) -> web.Response:
        wish = read_body(await request.read(), AllowHost)
        self._check(wish.session)
        host = f"[{wish.host}]" if ":" in wish.host else wish.host
        pattern = f"{host}:{wish.port}" if wish.port not in (0, 80, 443) else host
        text = await said(self._do_allow(wish, pattern))
        self._watch.overview.forget_host(wish.session, wish.host)
        self._watch.wake()
        return web.json_response({"text": text})

    async def _do_allow(self, wish: AllowHost, pattern: str) -> str:
        client = Client(self._home, wish.session)
        if wish.question is not None:
            return await client.do(Decide(question=wish.question, answer=wish.scope))
        if wish.scope == "no":
            raise UsageError("nobody asks for this host any more")
        try:
            return await client.do(Allow(pattern=pattern, scope=wish.scope))
        except NoSuchSessionError:
            if wish.scope != "always":
                raise
        # For good: the whitelist is a file, and nobody has to run for that.
        return "; ".join(await anyio.to_thread.run_sync(add_patterns, self._home, [pattern]))

    async def _control(self, request: web.Request) -> web.Response:
        wish = read_body(await request.read(), Control)
        self._check(wish.session)
        text = await said(Client(self._home, wish.session).do(_REQUESTS[wish.action]))
        await self._watch.ask_states()
        self._watch.wake()
        return web.json_response({"text": text})

    def _check(self, session: str) -> None:
        """A name becomes a path: only that of a session that is shown does."""
        if not is_name(session) or all(row.id != session for row in self._watch.sessions):
            raise web.HTTPNotFound(text="no such session")


def read_body[T](body: bytes, kind: type[T]) -> T:
    """The body as JSON of this form. Raises the 400."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise web.HTTPBadRequest(text=str(error)) from None


async def said[T](doing: Awaitable[T]) -> T:
    """The outcome of `doing`; an error of vibedom's becomes the answer."""
    try:
        return await doing
    except VibedomError as error:
        raise web.HTTPConflict(text=str(error)) from None
