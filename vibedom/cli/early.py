"""The first moments of `vibedom run`, in which an engine works already: where they are the last, nothing is left."""

import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.to_thread

from vibedom.head_start import begin_early
from vibedom.paths import Home
from vibedom.runtimes import Choice
from vibedom.sandbox.docker_foundation import Foundation

Run = Callable[[Foundation | None], Awaitable[int]]


async def with_head_start(home: Home, project: Path, *, runtime: Choice, name: str | None, run: Run) -> int:
    """What `run` returns, which is given what was begun; or 128+N where signal N came before a session listened to it.

    SIGINT is asyncio's business.
    """
    begun = begin_early(home, project, runtime=runtime, name=name)
    if begun is None:
        return await run(None)
    try:
        return await _until_signal(run, begun)
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from None
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(begun.discard)


async def _until_signal(run: Run, begun: Foundation) -> int:
    code, received = 0, list[int]()
    async with anyio.create_task_group() as listening:
        with anyio.CancelScope() as work:
            listening.start_soon(_end_on_signal, work, received)
            code = await run(begun)
        listening.cancel_scope.cancel()
    return 128 + received[0] if received else code


async def _end_on_signal(scope: anyio.CancelScope, received: list[int]) -> None:
    """Until the session listens: its handlers take the place of these."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
        async for number in signals:
            received.append(number)
            scope.cancel()
