"""A console seen and typed to through the control socket."""

import math
import signal as signal_numbers
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio

from vibedom.console import Console
from vibedom.control import messages as m
from vibedom.control.server import Line
from vibedom.errors import VibedomError
from vibedom.sandbox.runtime import Process

HANG_UP_SECONDS = 5.0
STUCK_SECONDS = 2.0
"""A viewer that takes nothing for so long is cut off, so that the agent goes on."""


class RemoteViewer:
    """Sends the output to a client."""

    def __init__(self, line: Line, *, name: str, is_patient: bool = False) -> None:
        """`is_patient`: the process may wait for its viewer as long as a client is given at all."""
        self.name = name
        self._line = line
        self._is_patient = is_patient

    async def begin(self, *, has_tty: bool) -> None:
        await self._line.reply(m.Attached(has_tty=has_tty))

    async def show(self, data: bytes, *, is_error: bool) -> None:
        within = math.inf if self._is_patient else STUCK_SECONDS
        for start in range(0, len(data), m.PIECE_BYTES):
            piece = m.Output(data=data[start : start + m.PIECE_BYTES], is_error=is_error)
            await self._line.reply(piece, within=within)


async def listen(
    console: Console, line: Line, hung_up: anyio.CancelScope, signal: Callable[[int], Awaitable[None]] | None = None
) -> None:
    """Do what the client says, and cancel `hung_up` when it hangs up."""
    async for said in line.said():
        match said:
            case m.Input():
                await console.write(said.data)
            case m.EndOfInput():
                await console.close_input()
            case m.Resize():
                await console.resize(_within(said.columns), _within(said.rows))
            case m.Signal() if signal is not None and 0 < said.number < 65:
                await signal(said.number)
    hung_up.cancel()


async def attach(console: Console, line: Line, columns: int, rows: int) -> None:
    """Show the agent's console to a client until it hangs up, is stuck, or the agent ends."""
    viewer = RemoteViewer(line, name="another `vibedom attach`")
    async with console.viewed_by(viewer), anyio.create_task_group() as group:
        group.start_soon(listen, console, line, group.cancel_scope)
        await console.redraw(_within(columns), _within(rows))
        await console.left()
        group.cancel_scope.cancel()
    if console.exit_code is not None:
        await line.reply(m.Exited(code=console.exit_code))


async def execute(process: Process, line: Line, request: m.Exec) -> None:
    """Connect a process with a client. Where the client goes first, the process hears a hang-up."""
    console = Console(process, has_tty=request.tty)
    viewer = RemoteViewer(line, name="its client", is_patient=True)
    try:
        async with console.viewed_by(viewer), anyio.create_task_group() as group:
            group.start_soon(listen, console, line, group.cancel_scope, process.signal)
            await console.resize(_within(request.columns), _within(request.rows))
            await line.reply(m.Exited(code=await console.run()))
            group.cancel_scope.cancel()
    finally:
        if console.exit_code is None:
            with anyio.CancelScope(shield=True), anyio.move_on_after(HANG_UP_SECONDS), suppress(VibedomError):
                await process.signal(signal_numbers.SIGHUP)


def _within(cells: int) -> int:
    return max(1, min(cells, 4096))
