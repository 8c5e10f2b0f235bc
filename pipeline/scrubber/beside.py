"""Two looks at the same bytes at the same time: the engine itself, which takes nearly all of it, needs no GIL."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

LONG_BYTES = 64 * 1024
"""Below this the way to a thread and back takes longer than the look."""


class Beside:
    """One thread that works beside its callers; whoever comes while it is busy does his work himself."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "vibedom-beside")
        self._is_free = threading.Lock()

    def begin[Out](self, work: Callable[[bytes], Out], data: bytes) -> Callable[[], Out]:
        """What gives `work(data)`, or raises what that raises. It has begun already where that is worth a thread."""
        if len(data) < LONG_BYTES or not self._is_free.acquire(blocking=False):
            return partial(work, data)
        return self._pool.submit(self._done, work, data).result

    def _done[Out](self, work: Callable[[bytes], Out], data: bytes) -> Out:
        try:
            return work(data)
        finally:
            self._is_free.release()
