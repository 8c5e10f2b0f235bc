"""The first moments of `vibedom run`, in which an engine works already: where they are the last, nothing is left."""

import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from vibedom.sandbox.docker_foundation import Foundation

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""SIGINT, too: the exception that Python makes of it is lost where it comes in the middle of an import."""
UNWIND_SECONDS = 10.0
"""What a start that a signal ends may take to take back what it has made."""


@contextmanager
def in_order(begun: "Foundation") -> Iterator[None]:
    """Around all of a session: what no sandbox has taken of what was `begun` is gone at the end, and where a signal is
    the end before there is an event loop."""

    def end(number: int, _: object) -> None:
        begun.discard()
        _end_by(number)

    for number in SIGNALS:
        signal.signal(number, end)
    try:
        yield
    finally:
        begun.discard()


async def with_head_start(begun: "Foundation", run: Callable[[], Awaitable[int]]) -> int:
    """What `run` returns. A signal before the session listens takes back what was begun, and then does what it does by
    itself."""
    code, received = 0, list[int]()
    try:
        async with anyio.create_task_group() as listening:
            with anyio.CancelScope() as work:
                listening.start_soon(_end_on_signal, work, received, begun)
                code = await run()
            listening.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from None
    if received:
        await anyio.to_thread.run_sync(begun.discard)
        if received[0] == signal.SIGINT:
            raise KeyboardInterrupt
        _end_by(received[0])
    return code


async def _end_on_signal(work: anyio.CancelScope, received: list[int], begun: "Foundation") -> None:
    """Until the session listens: its handlers take the place of these."""
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        async for number in signals:
            received.append(number)
            work.cancel()
            # A thread that reads rules cannot be cut short, and makes nothing.
            await anyio.sleep(UNWIND_SECONDS)
            await anyio.to_thread.run_sync(begun.discard)
            _end_by(number)


def _end_by(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
