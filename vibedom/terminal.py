"""The user's terminal while the agent owns it: raw mode, size, and bytes both ways. Restored whatever happens."""

import os
import signal
import sys
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

from vibedom.console import Console
from vibedom.detach_keys import DetachKeys

READ_BYTES = 32 * 1024
RESET = b"\x1b[0m\x1b[?25h" + b"".join(b"\x1b[?%dl" % mode for mode in (1000, 1002, 1003, 1006, 2004, 1049))
"""Takes back what an agent that was cut off may have left on: colours, hidden cursor, mouse, paste, second screen."""

Write = Callable[[bytes], Awaitable[None]]
Resize = Callable[[int, int], Awaitable[None]]


class OwnStreams:
    """This process's output as the viewer of a console. It waits for a slow reader: that is the user's own pace."""

    name = "the terminal it was started on"

    async def begin(self, *, has_tty: bool) -> None:
        return

    async def show(self, data: bytes, *, is_error: bool) -> None:
        await write_all((sys.stderr if is_error else sys.stdout).fileno(), data)


def is_interactive() -> bool:
    """Whether both ends of the conversation are a terminal."""
    return os.isatty(sys.stdin.fileno()) and os.isatty(sys.stdout.fileno())


def size() -> tuple[int, int]:
    """Columns and rows of this terminal; 80x24 where there is none."""
    try:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        return 80, 24
    return columns or 80, rows or 24


async def converse(console: Console, keys: bytes = b"") -> bool:
    """Connect the agent to this terminal (or to this process's streams), until cancelled or until the terminal is
    gone. True: the user has typed `keys` and wants to leave; the terminal is as it was before."""
    leaving = DetachKeys(keys if console.has_tty else b"")
    is_leaving = False

    async def write(data: bytes) -> None:
        nonlocal is_leaving
        rest, is_leaving = leaving.feed(data)
        if rest:
            await console.write(rest)
        if is_leaving:
            console.leave()

    with raw_mode() if console.has_tty else _nothing():
        async with console.viewed_by(OwnStreams()), anyio.create_task_group() as group:
            group.start_soon(feed, write, console.close_input, console.has_tty)
            if console.has_tty:
                group.start_soon(follow_size, console.resize)
            await console.left()
            group.cancel_scope.cancel()
    return is_leaving


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def raw_mode() -> Iterator[None]:
    """Keys reach the agent as they are pressed, Ctrl-C and Ctrl-P included."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        # Of a terminal that was closed there is nothing to restore.
        with _ignoring_a_closed_terminal():
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
            os.write(sys.stdout.fileno(), RESET)


@contextmanager
def _ignoring_a_closed_terminal() -> Iterator[None]:
    try:
        yield
    except (termios.error, OSError):
        return


async def feed(write: Write, close: Callable[[], Awaitable[None]], has_tty: bool) -> None:
    """Pass this process's input on until its end. A terminal has no end: one that is closed says nothing any more."""
    descriptor = sys.stdin.fileno()
    while True:
        try:
            await anyio.wait_readable(descriptor)
        except (OSError, ValueError):
            data = await anyio.to_thread.run_sync(os.read, descriptor, READ_BYTES, abandon_on_cancel=True)
        else:
            data = _read(descriptor)
        if not data:
            if not has_tty:
                await close()
            return
        await write(data)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, READ_BYTES)
    except OSError:  # EIO: the terminal was closed
        return b""


async def follow_size(resize: Resize) -> None:
    """Now, and after every change; a burst of changes ends in one call with the last size."""
    with anyio.open_signal_receiver(signal.SIGWINCH) as changes:
        await resize(*size())
        async for _ in changes:
            await anyio.sleep(0.02)
            await resize(*size())


async def write_all(descriptor: int, data: bytes) -> None:
    """Raises `OSError` where nobody reads any more."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            await anyio.wait_writable(descriptor)
