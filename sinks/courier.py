"""Carries entries from a spool to the outside: apart from the traffic, at least once, for as long as it takes."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import anyio
import anyio.to_thread

from sinks.spool import Batch, Spool

BATCH = 256
CARRY_SECONDS = 30.0
"""A delivery that takes longer has failed."""
BACKOFF_SECONDS = (0.2, 1.0, 5.0, 15.0, 60.0)
CLOSE_SECONDS = 4.0
"""What is not delivered then stays in the spool."""


class Carrier(Protocol):
    """Takes entries somewhere. `carry` raises where that fails, and is called again with the same entries."""

    async def carry(self, entries: Sequence[bytes], /) -> None: ...

    async def report_lost(self, count: int, /) -> None:
        """Tell the far side that `count` entries will never come. Raises like `carry`."""
        ...

    async def aclose(self) -> None: ...


class Courier:
    """`post` is quick whatever the far side does; `run_beside` delivers. Without a runner, `aclose` delivers."""

    def __init__(
        self,
        carrier: Carrier,
        spool: Spool,
        *,
        batch: int = BATCH,
        carry_seconds: float = CARRY_SECONDS,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        self._carrier = carrier
        self.spool = spool
        self._batch = batch
        self._carry_seconds = carry_seconds
        self._close_seconds = close_seconds
        self._news = anyio.Event()
        self._closing = anyio.Event()
        self._ended: anyio.Event | None = None
        self.failures = 0
        """Attempts in a row that failed."""
        self.delivered = 0

    async def post(self, entries: Sequence[bytes]) -> None:
        """Keep the entries for delivery. Raises `OSError`; then none of them is kept."""
        if entries:
            await anyio.to_thread.run_sync(self.spool.append, entries)
            self._news.set()

    async def drain(self) -> bool:
        """Deliver until nothing is left; False where an attempt failed. Not beside `run_beside`."""
        self._closing.set()
        while await self._deliver_next():
            pass
        return not self.spool.pending

    async def run_beside(self) -> None:
        """Deliver until `aclose`, and then what is left, while its time lasts."""
        ended = self._ended = anyio.Event()
        try:
            while await self._deliver_next():
                pass
        finally:
            ended.set()

    async def aclose(self) -> None:
        """Deliver what is left, for a few seconds at the most. Never raises for the far side. Safe more than once."""
        self._closing.set()
        self._news.set()
        with anyio.move_on_after(self._close_seconds):
            if self._ended is not None:
                await self._ended.wait()
            else:
                while await self._deliver_next():
                    pass
        await self._carrier.aclose()

    async def _deliver_next(self) -> bool:
        """One batch, waiting for one. False once closing has nothing left to do, or nothing that works."""
        news = self._news = anyio.Event()  # before looking: what comes after the look sets it
        batch = await anyio.to_thread.run_sync(self.spool.peek, self._batch)
        if batch is None and not self.spool.lost:
            if self._closing.is_set():
                return False
            await news.wait()
            return True
        if await self._try(batch):
            self.failures = 0
            return True
        self.failures += 1
        if self._closing.is_set():
            return False
        with anyio.move_on_after(BACKOFF_SECONDS[min(self.failures, len(BACKOFF_SECONDS)) - 1]):
            await self._closing.wait()
        return True

    async def _try(self, batch: Batch | None) -> bool:
        lost = self.spool.lost
        try:
            with anyio.fail_after(self._carry_seconds):
                if batch is not None:
                    await self._carrier.carry(batch.entries)
                elif lost:
                    await self._carrier.report_lost(lost)
        # A carrier may be anybody's code; what it raises must not end the deliveries that could still work.
        except Exception:
            return False
        if batch is not None:
            await anyio.to_thread.run_sync(partial(self.spool.done, batch))
            self.delivered += len(batch.entries)
        elif lost:
            await anyio.to_thread.run_sync(partial(self.spool.forget_lost, lost))
        return True
