"""The supervisor's side of the control socket. A client that is stuck or talks nonsense costs its own connection."""

import asyncio
import os
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Protocol

import anyio
from anyio.abc import TaskStatus

from vibedom.control import address, wire
from vibedom.control.messages import Failed, Reply, Request, Said
from vibedom.errors import ControlError, VibedomError, own_error

MAX_CLIENTS = 64
REQUEST_SECONDS = 10.0
"""For a client to say what it wants."""
MESSAGE_LETTERS = 8000
WRITE_SECONDS = 10.0
"""For a client to take an answer. One that does not is cut off."""
BUG = (
    "a bug in vibedom: the request was not carried out, the session goes on; session.log in its directory has the place"
)


class Line:
    """The way back to one client, and what it says after its request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def reply(self, message: Reply, *, within: float = WRITE_SECONDS) -> None:
        """Raises `ConnectionError` where the client is gone or does not read."""
        wire.write_frame(self._writer, message)
        try:
            with anyio.fail_after(within):
                await self._writer.drain()
        except TimeoutError:
            self._writer.transport.abort()
            raise ConnectionAbortedError("the client does not read") from None

    async def while_connected(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` until it ends or the client hangs up. For requests after which a client says nothing."""

        async def watch(scope: anyio.CancelScope) -> None:
            async for _ in self.said():
                pass
            scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(watch, group.cancel_scope)
            await work()
            group.cancel_scope.cancel()

    async def said(self) -> AsyncIterator[Said]:
        """What the client says, until it hangs up. Raises `ControlError` for what is no such message."""
        while (frame := await wire.read_frame(self._reader)) is not None:
            yield wire.read_said(frame)


class Handler(Protocol):
    """What answers the requests."""

    async def handle(self, request: Request, line: Line) -> None:
        """Answer `request` on `line`. A `VibedomError` becomes a `Failed`."""
        ...


class ControlServer:
    """Serves one socket."""

    def __init__(self, path: Path, handler: Handler, log: Callable[[str], Awaitable[None]]) -> None:
        """`log` is told of bugs, which cost the request they come up in."""
        self._path = path
        self._handler = handler
        self._log = log
        self._slots = anyio.Semaphore(MAX_CLIENTS)

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then the socket's file is gone. Raises `ControlError` where it cannot be made."""
        try:
            sock = address.listen(self._path)
        except OSError as exc:
            raise ControlError(f"{self._path}: the control socket cannot be made ({exc.strerror})") from None
        loop = asyncio.get_running_loop()
        try:
            async with anyio.create_task_group() as group:
                task_status.started()
                while True:
                    await self._slots.acquire()
                    try:
                        conn, _ = await loop.sock_accept(sock)
                    except OSError:  # out of descriptors: the listener goes on
                        self._slots.release()
                        await anyio.sleep(0.05)
                        continue
                    group.start_soon(self._serve_client, conn)
        finally:
            sock.close()
            self._path.unlink(missing_ok=True)

    async def _serve_client(self, conn: socket.socket) -> None:
        try:
            if address.peer_uid(conn) in (os.geteuid(), 0):
                await self._converse(conn)
        except OSError:
            pass  # the client is gone
        finally:
            conn.close()
            self._slots.release()

    async def _converse(self, conn: socket.socket) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=conn)
        line = Line(reader, writer)
        try:
            await self._answer(reader, line)
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, line: Line) -> None:
        try:
            request = await _request(reader)
            if request is not None:
                await self._handler.handle(request, line)
        except OSError:
            raise  # the client is gone
        except Exception as exc:  # a bug here must not end the agent's work; whatever was to be allowed is not
            cause = own_error(exc)
            if isinstance(cause, VibedomError):
                await line.reply(Failed(message=str(cause)[:MESSAGE_LETTERS], exit_code=cause.exit_code))
            elif not isinstance(exc, ExceptionGroup) or exc.split(OSError)[1] is not None:
                await self._log(f"bug: a request on the control socket was not answered: {_place(exc)}")
                await line.reply(Failed(message=BUG, exit_code=VibedomError.exit_code))


def _place(exc: BaseException) -> str:
    """Type and line of code: a message could hold anything."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    frames = traceback.extract_tb(exc.__traceback__)
    where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(exc).__name__}{where}"


async def _request(reader: asyncio.StreamReader) -> Request | None:
    """What the client wants, None where it hung up or does not say."""
    with anyio.move_on_after(REQUEST_SECONDS):
        frame = await wire.read_frame(reader)
        return None if frame is None else wire.read_request(frame)
    return None
