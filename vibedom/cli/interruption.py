"""Ctrl-C while files of the project are written: it ends that in order, and says how."""

import asyncio
from collections.abc import Callable

import anyio
import anyio.from_thread
import anyio.to_thread

from vibedom.errors import InterruptedApplyError


async def in_thread[T](work: Callable[[], T]) -> T:
    """Do `work` in a thread, in which `heed_interruption` hears of Ctrl-C: that cancels a task, of which a thread knows
    nothing, and only the task's group passes it on. What `work` raises comes in a group."""
    done: list[T] = []

    async def run() -> None:
        done.append(await anyio.to_thread.run_sync(work))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
    return done[0]


def heed_interruption(said: str) -> None:
    """Called from that thread. Raises `InterruptedApplyError` with this message once Ctrl-C was pressed."""
    try:
        anyio.from_thread.check_cancelled()
    except asyncio.CancelledError:  # anyio names it in event loops only
        raise InterruptedApplyError(said) from None
