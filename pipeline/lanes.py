"""Threads for work that takes long: two for everybody, and one for those whose work took very long the last time."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

QUICK_THREADS = 2
SLOW_SECONDS = 0.05
"""A megabyte of text takes a tenth of this."""
MAX_REMEMBERED = 1024


class Lanes:
    """Runs work in threads, for whom it is under a key (a host, an exchange). Whoever unpacks one decompression bomb
    after the other waits behind himself and his like; everybody else finds the two quick threads."""

    def __init__(self) -> None:
        # Not anyio's threads: on the way to one and back a flow would wait for three more turns of the event loop.
        self._quick = ThreadPoolExecutor(QUICK_THREADS, "vibedom-quick")
        self._slow = ThreadPoolExecutor(1, "vibedom-slow")
        self._is_slow: dict[str, None] = {}

    async def run[*Args, Out](self, key: str, work: Callable[[*Args], Out], *args: *Args) -> Out:
        """`work(*args)`, with what it raises. Where nobody waits any longer, work that has begun keeps its thread until
        it is done, and what has not begun never does."""
        lane = self._slow if key in self._is_slow else self._quick
        result, seconds = await asyncio.get_running_loop().run_in_executor(lane, _timed, work, args)
        self._is_slow.pop(key, None)
        if seconds > SLOW_SECONDS:
            self._is_slow[key] = None
            if len(self._is_slow) > MAX_REMEMBERED:
                del self._is_slow[next(iter(self._is_slow))]
        return result


def _timed[*Args, Out](work: Callable[[*Args], Out], args: tuple[*Args]) -> tuple[Out, float]:
    began = time.thread_time()  # of this thread alone: a busy machine makes nobody slow
    result = work(*args)
    return result, time.thread_time() - began
