"""The first moments of `vibedom run`, in which an engine works already: where they are the last, nothing is left."""

import os
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from vibedom.sandbox.docker_foundation import Foundation


async def with_head_start(begun: "Foundation", run: Callable[[], Awaitable[int]]) -> int:
    """What `run` returns. What no sandbox has taken of what was `begun` is gone then, or when a signal ends all."""
    try:
        async with anyio.create_task_group() as listening:
            listening.start_soon(_end_by_signal, begun)
            code = await run()
            listening.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from None
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(begun.discard)
    return code


async def _end_by_signal(begun: "Foundation") -> None:
    """As the signal does by itself, but for what an engine would keep. Until the session listens: its handlers take the
    place of these. SIGINT is asyncio's business."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
        async for number in signals:
            await anyio.to_thread.run_sync(begun.discard)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
