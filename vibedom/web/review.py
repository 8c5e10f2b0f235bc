"""The review page: one session's changes, ticked by file or hunk, and applied."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal

import anyio
import anyio.from_thread
import anyio.to_thread
import msgspec
from aiohttp import web

from vibedom.errors import WorkspaceError
from vibedom.web.assets import add_assets
from vibedom.web.commands import read_body, said
from vibedom.web.guard import Guard
from vibedom.web.review_desk import ReviewDesk
from vibedom.web.server import serving

MOST_BODY_BYTES = 16 << 20
"""A hundred thousand paths may be ticked at once."""


class Choose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/choose`."""

    paths: list[str]
    wanted: bool


class ChooseHunk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/hunk`."""

    path: str
    number: int
    wanted: bool


class Resolve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/resolve`."""

    path: str
    how: Literal["mine", "theirs", "skip"]


class Apply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/apply`."""

    dangerous: list[str]
    """Dangerous changes that the user has said yes to, each."""


class ReviewPage:
    """The handlers. A desk knows one request at a time, whichever window it comes from."""

    def __init__(self, desk: ReviewDesk, session: str, done: anyio.Event) -> None:
        self._desk, self._session, self._done = desk, session, done
        self._one = anyio.Lock()
        self._is_read, self._is_to_read = anyio.Event(), anyio.Event()

    def application(self, guard: Guard) -> web.Application:
        """The page behind its guard."""
        app = guard.application(most_bytes=MOST_BODY_BYTES)
        add_assets(app, page="review.html")
        app.router.add_get("/api/review", self._review)
        app.router.add_get("/api/progress", self._progress)
        app.router.add_get("/api/diff", self._diff)
        app.router.add_post("/api/choose", self._choose)
        app.router.add_post("/api/hunk", self._hunk)
        app.router.add_post("/api/resolve", self._resolve)
        app.router.add_post("/api/plan", self._plan)
        app.router.add_post("/api/apply", self._apply)
        return app

    async def keep_reading(self) -> None:
        """Read the changes, and again after each apply, while the page is served. Raises `WorkspaceError`."""
        while True:
            await anyio.to_thread.run_sync(partial(self._desk.read, anyio.from_thread.check_cancelled))
            self._is_read.set()
            if self._desk.is_done and self._desk.reading == 1:
                self._done.set()
            await self._is_to_read.wait()
            self._is_to_read = anyio.Event()

    async def _review(self, request: web.Request) -> web.Response:
        """Answers when the changes are read; `_progress` says how far they are."""
        start = request.query.get("start", "0")
        if not (start.isascii() and start.isdigit() and len(start) < 10):
            raise web.HTTPBadRequest(text="start is no number")
        await self._is_read.wait()
        rows = await self._ask(partial(self._desk.page, int(start)))
        if rows.total == 0:
            self._done.set()
        return _answer({"session": self._session, **msgspec.structs.asdict(rows)})

    async def _progress(self, _: web.Request) -> web.Response:
        return _answer({"text": self._desk.progress})

    async def _diff(self, request: web.Request) -> web.Response:
        return _answer(await self._ask(partial(self._desk.diff, request.query.get("path", ""))))

    async def _choose(self, request: web.Request) -> web.Response:
        wish = read_body(await request.read(), Choose)
        await self._ask(partial(self._desk.choose, wish.paths, is_wanted=wish.wanted))
        return _answer({})

    async def _hunk(self, request: web.Request) -> web.Response:
        wish = read_body(await request.read(), ChooseHunk)
        choose = partial(self._desk.choose_hunk, wish.path, wish.number, is_wanted=wish.wanted)
        return _answer({"state": await self._ask(choose)})

    async def _resolve(self, request: web.Request) -> web.Response:
        wish = read_body(await request.read(), Resolve)
        return _answer({"state": await self._ask(partial(self._desk.resolve, wish.path, wish.how))})

    async def _plan(self, _: web.Request) -> web.Response:
        return _answer(await self._ask(self._desk.plan))

    async def _apply(self, request: web.Request) -> web.Response:
        wish = read_body(await request.read(), Apply)
        return _answer(await self._ask(partial(self._desk.apply, wish.dangerous)))

    async def _ask[T](self, question: Callable[[], T]) -> T:
        """A closed window does not cut an apply short: the server cancels no handler."""
        return await said(self._in_turn(question))

    async def _in_turn[T](self, question: Callable[[], T]) -> T:
        async with self._one:
            try:
                return await anyio.to_thread.run_sync(question)
            except KeyError:
                raise web.HTTPNotFound(text="there is no such change (any more); load the page again") from None
            except OSError as error:
                raise WorkspaceError(f"a file cannot be read ({error.strerror}); load the page again") from None
            finally:
                if self._is_read.is_set() and not self._desk.is_read:  # something was applied
                    self._is_read = anyio.Event()
                    self._is_to_read.set()


@asynccontextmanager
async def review_page(
    desk: ReviewDesk, session: str, *, port: int = 0, done: anyio.Event | None = None
) -> AsyncIterator[str]:
    """Serve the page until the block ends; yields the address that opens it once, while the changes are still read.
    `done` is set when there are none, or all has been applied and the page shows it. Raises `PortBusyError`, and in a
    group `WorkspaceError` where they cannot be read."""
    page = ReviewPage(desk, session, done or anyio.Event())
    async with serving(page.application, port=port) as url, anyio.create_task_group() as tasks:
        tasks.start_soon(page.keep_reading)
        yield url
        tasks.cancel_scope.cancel()


def _answer(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
