"""The first moments of `vibedom run`, in which an engine works already: where they are the last, nothing is left."""

import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from vibedom.sandbox.docker_foundation import Foundation


async def with_head_start(begun: "Foundation", run: Callable[[], Awaitable[int]]) -> int:
    """What `run` returns; or 128+N where signal N came before a session listened to it. What no sandbox has taken of
    what was `begun` is gone then.

    SIGINT is asyncio's business.
    """
    try:
        return await _until_signal(run)
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from None
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(begun.discard)


async def _until_signal(run: Callable[[], Awaitable[int]]) -> int:
    code, received = 0, list[int]()
    async with anyio.create_task_group() as listening:
        with anyio.CancelScope() as work:
            listening.start_soon(_end_on_signal, work, received)
            code = await run()
        listening.cancel_scope.cancel()
    return 128 + received[0] if received else code


async def _end_on_signal(scope: anyio.CancelScope, received: list[int]) -> None:
    """Until the session listens: its handlers take the place of these."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
        async for number in signals:
            received.append(number)
            scope.cancel()
