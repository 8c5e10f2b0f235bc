"""The user's terminal while the agent owns it: raw mode, size, and bytes both ways. Restored whatever happens."""

import os
import signal
import sys
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

from vibedom.sandbox.runtime import Process

READ_BYTES = 64 * 1024
RESET = b"\x1b[0m\x1b[?25h" + b"".join(b"\x1b[?%dl" % mode for mode in (1000, 1002, 1003, 1006, 2004, 1049))
"""Takes back what an agent that was cut off may have left on: colours, hidden cursor, mouse, paste, second screen."""


def is_interactive() -> bool:
    """Whether both ends of the conversation are a terminal."""
    return os.isatty(sys.stdin.fileno()) and os.isatty(sys.stdout.fileno())


async def converse(process: Process, *, with_tty: bool) -> int:
    """Connect the process to this terminal (or to this process's streams) until it ends; returns its exit code."""
    with _raw_mode() if with_tty else _nothing():
        async with anyio.create_task_group() as group:
            group.start_soon(_feed, process)
            if with_tty:
                group.start_soon(_follow_size, process)
            async with anyio.create_task_group() as output:
                output.start_soon(_copy, process.read, sys.stdout.fileno())
                output.start_soon(_copy, process.read_stderr, sys.stderr.fileno())
            code = await process.wait()
            group.cancel_scope.cancel()
    return code


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _raw_mode() -> Iterator[None]:
    """Keys reach the agent as they are pressed, Ctrl-C and Ctrl-P included."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        os.write(sys.stdout.fileno(), RESET)


async def _feed(process: Process) -> None:
    descriptor = sys.stdin.fileno()
    while True:
        try:
            await anyio.wait_readable(descriptor)
        except (OSError, ValueError):
            data = await anyio.to_thread.run_sync(os.read, descriptor, READ_BYTES, abandon_on_cancel=True)
        else:
            data = os.read(descriptor, READ_BYTES)
        if not data:
            await process.close_stdin()
            return
        await process.write(data)


async def _follow_size(process: Process) -> None:
    """Now, and after every change; a burst of changes ends in one call with the last size."""
    with anyio.open_signal_receiver(signal.SIGWINCH) as changes:
        await _resize(process)
        async for _ in changes:
            await anyio.sleep(0.02)
            await _resize(process)


async def _resize(process: Process) -> None:
    columns, rows = os.get_terminal_size(sys.stdout.fileno())
    await process.resize(columns, rows)


async def _copy(read: Callable[[], Awaitable[bytes | None]], descriptor: int) -> None:
    while (data := await read()) is not None:
        await _write_all(descriptor, data)


async def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            await anyio.wait_writable(descriptor)
        except (BrokenPipeError, OSError):
            return  # nobody reads any more; the agent goes on
