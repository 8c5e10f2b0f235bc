"""The agent's process with whoever looks at it: one viewer at a time, or nobody, and the process never waits for one
that is stuck."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import anyio

from vibedom.errors import UsageError
from vibedom.sandbox.runtime import Process
from vibedom.terminal_state import TerminalState

KEPT_BYTES = 64 * 1024
"""Of a terminal's last output, shown to whoever attaches. In memory only: an agent may print secrets."""


class Viewer(Protocol):
    """Somebody who sees the output."""

    name: str
    """For the one who comes second: `the terminal it was started on`."""

    async def begin(self, *, has_tty: bool) -> None:
        """Called before the first output."""
        ...

    async def show(self, data: bytes, *, is_error: bool) -> None:
        """Raises `OSError` where nobody is there any more; then the agent goes on without this viewer."""
        ...


class Console:
    """Reads the process's output to its end, shows it, and passes input on."""

    def __init__(self, process: Process, *, has_tty: bool) -> None:
        self.has_tty = has_tty
        self.exit_code: int | None = None
        self._process = process
        self._viewer: Viewer | None = None
        self._kept = bytearray()
        self._state = TerminalState()
        self._showing = anyio.Lock()
        self._notice: bytes | None = None
        self._left = anyio.Event()
        self._joined = anyio.Event()

    @property
    def is_watched(self) -> bool:
        """A viewer is there."""
        return self._viewer is not None

    async def run(self) -> int:
        """The exit code, after everything the process wrote was shown or there was nobody to show it to."""
        async with anyio.create_task_group() as output:
            output.start_soon(self._pump, self._process.read, False)
            output.start_soon(self._pump, self._process.read_stderr, True)
        self.exit_code = await self._process.wait()
        self.leave()
        return self.exit_code

    @asynccontextmanager
    async def viewed_by(self, viewer: Viewer) -> AsyncIterator[None]:
        """`viewer` sees the output, what was kept of it first. Raises `UsageError` where somebody is there already."""
        if self._viewer is not None:
            raise UsageError(f"the session is shown on {self._viewer.name}; detach there first")
        self._viewer, self._left = viewer, anyio.Event()
        try:
            async with self._showing:
                await viewer.begin(has_tty=self.has_tty)
                if self._kept:
                    # From a line's start where the front is cut off: it may be half a character.
                    start = self._kept.find(b"\n") + 1 if len(self._kept) == KEPT_BYTES else 0
                    await viewer.show(bytes(self._kept[start:]), is_error=False)
            self._joined.set()
            yield
        finally:
            if self._viewer is viewer:
                self.leave()

    async def joined(self) -> None:
        """Wait for the first viewer."""
        await self._joined.wait()

    async def left(self) -> None:
        """Wait until the viewer is gone, or the process."""
        await self._left.wait()

    def leave(self) -> None:
        """Go on without a viewer."""
        self._viewer = None
        self._left.set()

    async def write(self, data: bytes) -> None:
        await self._process.write(data)

    async def close_input(self) -> None:
        await self._process.close_stdin()

    async def resize(self, columns: int, rows: int) -> None:
        if self.has_tty:
            await self._process.resize(columns, rows)

    async def redraw(self, columns: int, rows: int) -> None:
        """Set the size so that a full-screen program draws itself anew, even where the size was the same."""
        await self.resize(columns, max(1, rows - 1))
        await self.resize(columns, rows)

    async def notify(self, notice: bytes) -> None:
        """Show `notice` (a bell, a title) to a terminal as soon as the agent's output is at a place for it."""
        if not self.has_tty or self._viewer is None:
            return
        async with self._showing:
            self._notice = notice
            await self._show_notice()

    async def _pump(self, read: Callable[[], Awaitable[bytes | None]], is_error: bool) -> None:
        while (data := await read()) is not None:
            async with self._showing:
                if self.has_tty:
                    self._state.saw(data)
                    self._kept = (self._kept + data)[-KEPT_BYTES:]
                await self._show(data, is_error)
                await self._show_notice()

    async def _show_notice(self) -> None:
        if self._notice is not None and self._state.is_plain:
            notice, self._notice = self._notice, None
            await self._show(notice, False)

    async def _show(self, data: bytes, is_error: bool) -> None:
        viewer = self._viewer
        if viewer is None:
            return
        try:
            await viewer.show(data, is_error=is_error)
        except OSError:
            if self._viewer is viewer:
                self.leave()
