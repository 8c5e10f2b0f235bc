"""One sink with its own task and bounded channel, so that no sink can hold up another."""

import contextlib
from collections.abc import Callable

import anyio
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectSendStream

from pipeline.events import Record
from pipeline.ports import Beside, Counting, Immediate, Sink

Done = Callable[[bool], None]
"""Called once a record is written (True) or lost (False)."""

BATCH = 256
"""Records written in one call at the most."""
LINGER_SECONDS = 0.02
"""For more records to write with the first one, where no flow waits for the writing."""
BACKOFF_SECONDS = (0.1, 0.5, 2.0, 10.0)
WRITE_SECONDS = 30.0
"""A write that takes longer has failed."""
CLOSE_SECONDS = 10.0
"""What an optional sink gets for what is still queued at the end; a session does not stay for it."""


async def put[T](channel: MemoryObjectSendStream[T], item: T) -> None:
    """Send, and wait only where there is no room: `send` gives up its turn each time, which costs more than a stage."""
    try:
        channel.send_nowait(item)
    except anyio.WouldBlock:
        await channel.send(item)


class Feed:
    """Feeds one sink. A `required` sink pushes back, and its first failure is final: `is_failed` stops the traffic.
    Any other sink gets retries with backoff; when its channel is full the oldest record is dropped and counted, but one
    with a finding or a signal is kept as long as there are not as many of those: a flood must not hide it."""

    def __init__(
        self,
        sink: Sink,
        *,
        is_required: bool,
        capacity: int = 1024,
        write_seconds: float = WRITE_SECONDS,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        self.sink = sink
        self._write_seconds = write_seconds
        self._close_seconds = close_seconds
        self._writing = anyio.CancelScope()
        self.is_required = is_required
        self.is_failed = False
        self.dropped = 0
        self.oldest_at: float | None = None
        """Unix seconds of the oldest record that is being written, None where nothing waits."""
        self._immediate = sink if is_required and isinstance(sink, Immediate) else None
        self._count_lost = sink.lost if isinstance(sink, Counting) else None
        self._send, self._receive = anyio.create_memory_object_stream[tuple[Record, Done | None]](capacity)
        self._capacity = capacity
        self._kept: list[tuple[Record, Done | None]] = []
        """What had to leave the full channel and is not to be dropped: older than everything in it."""

    @property
    def backlog(self) -> int:
        """Records in the channel, and those kept beside it."""
        return self._receive.statistics().current_buffer_used + len(self._kept)

    async def put(self, record: Record, done: Done | None = None) -> None:
        """Queue a record. For a required sink this waits for room; `done` tells the writing's outcome."""
        if self.is_required:
            if self.is_failed:
                self._tell(done, False)
                return
            await put(self._send, (record, done))
        else:
            self.offer(record, done)

    def put_now(self, record: Record) -> bool:
        """Write a record here and now. False where its sink cannot do that or has others to write, and where it failed:
        then the record is not written, and is to be `put`."""
        if self._immediate is None or self.is_failed or self.oldest_at is not None or self.backlog:
            return False
        try:
            return self._immediate.write_now((record,))
        except OSError:
            self.is_failed = True
            return False

    def offer(self, record: Record, done: Done | None = None) -> None:
        """Queue a record for a sink that is not required, in the place of the oldest where there is no room."""
        while True:
            try:
                self._send.send_nowait((record, done))
            except anyio.WouldBlock:
                self._make_room()
            else:
                return

    def _make_room(self) -> None:
        try:
            oldest = self._receive.receive_nowait()
        except anyio.WouldBlock:
            return
        record, _ = oldest
        if (record.findings or record.signals) and len(self._kept) < self._capacity:
            self._kept.append(oldest)
        else:
            self._drop([oldest])

    def _drop(self, queued: list[tuple[Record, Done | None]]) -> None:
        self._lose(len(queued))
        for _, done in queued:
            self._tell(done, False)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Write until `close`; ends when everything queued is written or lost."""
        task_status.started()
        async with anyio.create_task_group() as beside:
            if isinstance(self.sink, Beside):
                beside.start_soon(self.sink.run_beside)
            async with self._receive:
                with self._writing:
                    async for first in self._receive:
                        if not self.is_required:
                            await anyio.sleep(LINGER_SECONDS)
                        await self._write(self._batch(first))
                self._lose_the_rest()
            await self._close_sink()
            beside.cancel_scope.cancel()

    async def _close_sink(self) -> None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(5):
            try:
                await self.sink.aclose()
            # As for writing: the end of one sink must not cut off the others.
            except Exception:
                self.is_failed = True

    def close(self) -> None:
        """No more records come."""
        self._send.close()
        if not self.is_required:
            self._writing.deadline = anyio.current_time() + self._close_seconds

    def _lose_the_rest(self) -> None:
        with contextlib.suppress(anyio.WouldBlock, anyio.EndOfStream):
            while True:
                self._kept.append(self._receive.receive_nowait())
        if self._kept:
            self._drop(self._kept)

    def _batch(self, first: tuple[Record, Done | None]) -> list[tuple[Record, Done | None]]:
        batch, self._kept = [*self._kept, first], []
        while len(batch) < BATCH:
            try:
                batch.append(self._receive.receive_nowait())
            except (anyio.WouldBlock, anyio.EndOfStream):
                break
        return batch

    async def _write(self, batch: list[tuple[Record, Done | None]]) -> None:
        records = [record for record, _ in batch]
        self.oldest_at = records[0].at
        is_written = not self.is_failed and await self._try(records)
        self.oldest_at = None
        for _, done in batch:
            self._tell(done, is_written)

    async def _try(self, records: list[Record]) -> bool:
        delays = () if self.is_required else BACKOFF_SECONDS
        for delay in (*delays, None):
            try:
                with anyio.fail_after(self._write_seconds):
                    await self.sink.write(records)
            # A sink may be anybody's code; what it raises must not stop the other sinks, nor pass for success.
            except Exception:
                if delay is None:
                    break
                await anyio.sleep(delay)
            else:
                return True
        if self.is_required:
            self.is_failed = True
        else:
            self._lose(len(records))
        return False

    def _lose(self, count: int) -> None:
        self.dropped += count
        if self._count_lost is not None:
            self._count_lost(count)

    @staticmethod
    def _tell(done: Done | None, is_written: bool) -> None:
        if done is not None:
            done(is_written)
