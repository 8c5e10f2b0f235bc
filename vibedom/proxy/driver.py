"""Drives mitmproxy's layers: events go in, commands come out, and a hook that has nothing to wait for costs no task.

mitmproxy starts a task for every hook. A flow has half a dozen, and nearly all of them are decided at once: each would
be a turn of the event loop that the flow waits for.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import Any, cast

from mitmproxy import options as mitmproxy_options
from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events, server
from mitmproxy.proxy.mode_specs import ProxyMode

from vibedom.proxy.turns import GiveWay, GiveWayCompleted

MAX_JOINED_BYTES = 64 * 1024
MAX_READ_BYTES = 256 * 1024
"""What asyncio takes from the kernel at a time."""


class DrivenHandler(server.LiveConnectionHandler):
    """mitmproxy's connection handler with a loop of its own. `handle_hook` must not raise."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        options: mitmproxy_options.Options,
    ) -> None:
        super().__init__(reader, writer, options, ProxyMode.parse("regular"))
        self._events: deque[events.Event] = deque()
        self._is_driving = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._to_send: dict[Connection, list[bytes]] = {}
        """What one event makes the layers send: a head and its body leave together, in one call of the kernel."""

    async def handle_connection(self, connection: Connection) -> None:
        io = self.transports[connection]
        if isinstance(io.reader, asyncio.StreamReader):
            io.reader = cast(asyncio.StreamReader, _LongReads(io.reader))
        await super().handle_connection(connection)

    async def server_event(self, event: events.Event) -> None:
        """Give the layers an event and carry out what they ask for. Never waits: what takes time is a task, and an
        event that arises on the way (a hook that ended at once) is next in the queue."""
        self._events.append(event)
        if self._is_driving:
            return
        self._is_driving = True
        self.timeout_watchdog.register_activity()  # type: ignore[no-untyped-call]
        try:
            while self._events:
                for command in self.layer.handle_event(self._events.popleft()):
                    self._carry_out(command)
            for connection in list(self._to_send):
                self._send(connection)
        # The layers are broken then, and an exchange may be half-way: `log` cuts the connection.
        except Exception:
            self._events.clear()
            self._to_send.clear()
            self.log("crashed", logging.ERROR)
        finally:
            self._is_driving = False

    def _carry_out(self, command: commands.Command) -> None:
        match command:
            case commands.StartHook():
                self._start(self.hook_task(command))
            case commands.OpenConnection():
                task = self._start(self.open_connection(command), at_once=False)
                self.transports[command.connection] = server.ConnectionIO(handler=task)
            case commands.RequestWakeup():
                self.wakeup_timer.add(self._start(self.wakeup(command), at_once=False))
            case commands.ConnectionCommand():
                if command.connection in self.transports:  # else it is closed already
                    self._on_connection(command)
            case GiveWay():
                asyncio.get_running_loop().call_soon(self._resume, command)
            case commands.Log():
                self.log(command.message, command.level)
            case _:
                raise TypeError(f"a command that nobody knows: {type(command).__name__}")

    def _resume(self, command: GiveWay) -> None:
        self._start(self.server_event(GiveWayCompleted(command)))

    def _on_connection(self, command: commands.ConnectionCommand) -> None:
        match command:
            case commands.SendData():
                self._to_send.setdefault(command.connection, []).append(command.data)
            case commands.CloseConnection():
                self._send(command.connection)
                half_close = isinstance(command, commands.CloseTcpConnection) and command.half_close
                self.close_connection(command.connection, half_close)
            case _:
                raise TypeError(f"a command that nobody knows: {type(command).__name__}")

    def _send(self, connection: Connection) -> None:
        pieces = self._to_send.pop(connection, None)
        io = self.transports.get(connection)
        if pieces and io is not None and io.writer is not None and not io.writer.is_closing():
            # Not `writelines`: in Python 3.12.1 it counts nothing as waiting, and a slow reader would fill the memory.
            for data in _joined(pieces):
                io.writer.write(data)

    def _start(self, work: Coroutine[Any, Any, None], *, at_once: bool = True) -> asyncio.Task[None]:
        """A task that runs up to its first wait right here, or from the loop's next turn on."""
        task = asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=at_once)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return task


class _LongReads:
    """A reader that gives all there is: mitmproxy asks for 64 KiB at a time, and each of its steps costs the same."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def read(self, count: int) -> bytes:
        return await self._reader.read(MAX_READ_BYTES)


def _joined(pieces: list[bytes]) -> list[bytes]:
    """Few pieces instead of many small ones. To copy a long one costs more than the call of the kernel it saves."""
    if len(pieces) == 1 or sum(map(len, pieces)) > MAX_JOINED_BYTES:
        return pieces
    return [b"".join(pieces)]
