"""Asking a session's supervisor.

    async with connect(home, session_id) as client:
        report = await client.ask(Status())

`ask` is for one answer; each takes a connection of its own. `stream` gives every answer as it comes.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import anyio

from vibedom.control import address, wire
from vibedom.control.messages import Done, Failed, Pending, Question, Questions, Reply, Report, Request, Said, Status
from vibedom.errors import ControlError, NoSuchSessionError, VibedomError
from vibedom.paths import Home

ASK_SECONDS = 60.0
"""For one answer. Stopping or pausing a sandbox takes its time."""


class Conversation:
    """One connection after its request was sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def next(self) -> Reply | None:
        """The next answer, None where the session hung up. Raises `VibedomError` where it is `Failed`."""
        frame = await wire.read_frame(self._reader)
        if frame is None:
            return None
        reply = wire.read_reply(frame)
        if isinstance(reply, Failed):
            error = VibedomError(reply.message)
            error.exit_code = reply.exit_code
            raise error
        return reply

    async def say(self, message: Said) -> None:
        """Raises `ControlError` where the session hung up."""
        try:
            wire.write_frame(self._writer, message)
            await self._writer.drain()
        except OSError:
            raise ControlError("the session has ended") from None


class Client:
    """The supervisor of one session. Every method raises `VibedomError` with what the session answered."""

    def __init__(self, home: Home, session_id: str) -> None:
        self._path = home.session(session_id).control_socket
        self._id = session_id

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Conversation]:
        """A connection with `request` sent. Raises `NoSuchSessionError` where no supervisor listens."""
        try:
            sock = await anyio.to_thread.run_sync(address.connect, self._path)
        except OSError:
            raise NoSuchSessionError(f"{self._id} is not running; `vibedom list` shows what is") from None
        reader, writer = await asyncio.open_unix_connection(sock=sock)
        try:
            wire.write_frame(writer, wire.envelope(request))
            await writer.drain()
            yield Conversation(reader, writer)
        except ConnectionError:
            raise ControlError(f"{self._id} hung up; see its session.log") from None
        finally:
            writer.close()

    async def ask(self, request: Request) -> Reply:
        """The one answer to `request`."""
        with anyio.move_on_after(ASK_SECONDS):
            async with self.stream(request) as conversation:
                reply = await conversation.next()
            if reply is None:
                raise ControlError(f"{self._id} ended before it answered; see its session.log")
            return reply
        raise ControlError(f"{self._id} does not answer within {ASK_SECONDS:.0f} s; see its session.log")

    async def do(self, request: Request) -> str:
        """For requests that are answered with `Done`: its text."""
        reply = await self.ask(request)
        return reply.text if isinstance(reply, Done) else ""

    async def status(self) -> Report:
        reply = await self.ask(Status())
        if not isinstance(reply, Report):
            raise ControlError(f"{self._id} gave no report; use the vibedom that started it")
        return reply

    async def pending(self) -> tuple[Question, ...]:
        reply = await self.ask(Pending())
        return reply.questions if isinstance(reply, Questions) else ()

    async def watch_pending(self) -> AsyncGenerator[tuple[Question, ...], None]:
        """The open questions now and after every change, until the session ends. While somebody watches, a session
        without a terminal asks as well."""
        async with self.stream(Pending(watch=True)) as conversation:
            while (reply := await conversation.next()) is not None:
                if isinstance(reply, Questions):
                    yield reply.questions


@asynccontextmanager
async def connect(home: Home, session_id: str) -> AsyncIterator[Client]:
    """A client of the session's supervisor. Raises `NoSuchSessionError` where it does not run."""
    client = Client(home, session_id)
    await client.status()
    yield client
