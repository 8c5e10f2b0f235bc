"""Memory channels, one task a stage, fan-out, backpressure, shutdown.

judge() -> [Captured] -> content_filter -> [Filtered] -> scrubber -> [Scrubbed] -> whitelist -> [Judged]
        -> record -> required sinks -> gate -> judge() returns, other sinks follow

An event that nothing has to wait for (a small body, a sink that takes its record at once) goes through the same stages
in the same order within `judge`: the channels would add a turn of the event loop for each of them. One with a large
body takes the same way around a worker thread. Whatever cannot be finished there, for whatever reason, goes on through
the channels; stages are pure, so nothing happens twice.
"""

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import msgspec
from anyio.abc import TaskGroup, TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from pipeline.archives import is_archive
from pipeline.events import (
    Captured,
    Decision,
    Edits,
    Filtered,
    Judged,
    Reason,
    Record,
    Scan,
    Scrubbed,
)
from pipeline.feed import Feed, put
from pipeline.gate import Gate
from pipeline.lanes import Lanes
from pipeline.ports import Stage

CHANNEL_CAPACITY = 64
LARGE_BODY_BYTES = 16 * 1024
"""From this size on a body is scrubbed in a worker thread: below it, the hop costs more than the scrubbing."""
JUDGE_SECONDS = 20.0
"""How long a flow waits for its decision before it is denied."""


class Stages(msgspec.Struct, frozen=True, kw_only=True):
    """The stages in their order. A reload replaces all of them at once."""

    content_filter: Stage[Captured, Filtered]
    scrubber: Stage[Filtered, Scrubbed]
    whitelist: Stage[Scrubbed, Judged]
    record: Stage[Judged, Record]


class Topology:
    """Owns the channels and tasks of one session's pipeline. `judge` is the only way in."""

    def __init__(self, stages: Stages, feeds: Sequence[Feed], *, judge_seconds: float = JUDGE_SECONDS) -> None:
        self.stages = stages
        self.feeds = tuple(feeds)
        self.gate = Gate()
        self.is_paused = False
        self._judge_seconds = judge_seconds
        self._lanes = Lanes()
        self._is_serving = False
        self._large: TaskGroup | None = None
        self._scrubbed: MemoryObjectSendStream[Scrubbed] | None = None
        self._entry, self._captured = anyio.create_memory_object_stream[Captured](CHANNEL_CAPACITY)
        self._channels: dict[str, MemoryObjectReceiveStream[Any]] = {"content_filter": self._captured}

    @property
    def depths(self) -> dict[str, int]:
        """Stage -> events that wait for it."""
        return {name: channel.statistics().current_buffer_used for name, channel in self._channels.items()}

    @property
    def is_recording(self) -> bool:
        """No required sink has failed."""
        return not any(feed.is_required and feed.is_failed for feed in self.feeds)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until `close`. Everything queued for the sinks is written before this returns."""
        to_scrubber, filtered = anyio.create_memory_object_stream[Filtered](CHANNEL_CAPACITY)
        to_whitelist, scrubbed = anyio.create_memory_object_stream[Scrubbed](CHANNEL_CAPACITY)
        to_record, judged = anyio.create_memory_object_stream[Judged](CHANNEL_CAPACITY)
        self._channels |= {"scrubber": filtered, "whitelist": scrubbed, "record": judged}
        self._scrubbed = to_whitelist
        async with self._entry, anyio.create_task_group() as sinks:
            for feed in self.feeds:
                await sinks.start(feed.run)
            try:
                async with anyio.create_task_group() as stages:
                    self._large = stages
                    stages.start_soon(self._pump, "content_filter", self._captured, to_scrubber)
                    stages.start_soon(self._pump, "scrubber", filtered, to_whitelist)
                    stages.start_soon(self._pump, "whitelist", scrubbed, to_record)
                    stages.start_soon(self._deliver, judged)
                    self._is_serving = True
                    task_status.started()
            finally:
                self._is_serving = False
                for feed in self.feeds:
                    feed.close()

    def close(self) -> None:
        """Deny what waits, then let the stages and sinks finish."""
        self._is_serving = False
        self.gate.close()
        self._entry.close()

    async def judge(self, captured: Captured) -> Judged:
        """The decision on one event. Raises nothing but cancellation; what goes wrong is a denial."""
        if self.is_paused:
            return denial(captured, "paused")
        if not self.is_recording:
            return denial(captured, "audit-unavailable")
        at_once = _unless_raised(self._judge_at_once, captured) if self._is_serving else None
        if isinstance(at_once, Judged):
            return at_once
        ticket = self.gate.expect(captured.flow_id)
        judged: Judged | None = None
        try:
            with anyio.move_on_after(self._judge_seconds):  # for room in a channel that a sink holds up, too
                if at_once is None:
                    await put(self._entry, captured)
                else:
                    judged = await self._judge_in_thread(at_once)
                judged = judged or await ticket.wait(self._judge_seconds)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return denial(captured, "shutting-down")
        self.gate.forget(captured.flow_id)
        if judged is None:
            return denial(captured, "timed-out" if self.is_recording else "audit-unavailable")
        return judged

    async def note(self, record: Record) -> None:
        """Write a record that no flow waits for (session events)."""
        for feed in self.feeds:
            await feed.put(record)

    def _judge_at_once(self, captured: Captured) -> Judged | Filtered | None:
        """The decision; what is too large to be scrubbed here; None where something has to be waited for."""
        filtered = self.stages.content_filter(captured)
        return filtered if _is_large(filtered) else self._finish(self.stages.scrubber(filtered))

    async def _judge_in_thread(self, event: Filtered) -> Judged | None:
        """The decision on what is large, or None where it is under way through the channels."""
        result = await self._lanes.run(event.captured.target.host, self._judge_step, "scrubber", event)
        if not self._is_serving or self._scrubbed is None:
            raise anyio.ClosedResourceError
        judged = _unless_raised(self._finish, result) if isinstance(result, Scrubbed) else None
        if judged is None:
            await self._pass_on(event, result, self._scrubbed)
        return judged

    def _finish(self, scrubbed: Scrubbed) -> Judged | None:
        """Decided and recorded at once, or None where the sink has to be waited for."""
        judged = self.stages.whitelist(scrubbed)
        return judged if not judged.is_final or self._record_at_once(self.stages.record(judged)) else None

    def _record_at_once(self, record: Record) -> bool:
        required = [feed for feed in self.feeds if feed.is_required]
        if len(required) > 1 or not all(feed.put_now(record) for feed in required):
            return False
        for feed in self.feeds:
            if not feed.is_required:
                feed.offer(record)
        return True

    async def _pump[In: (Captured, Filtered, Scrubbed)](
        self, name: str, receive: MemoryObjectReceiveStream[In], send: MemoryObjectSendStream[Any]
    ) -> None:
        async with receive, send:
            async for event in receive:
                if isinstance(event, Filtered) and name == "scrubber" and _is_large(event):
                    assert self._large is not None  # noqa: S101
                    self._large.start_soon(self._step_in_thread, event, send.clone())
                else:
                    await self._pass_on(event, self._judge_step(name, event), send)

    async def _step_in_thread(self, event: Filtered, send: MemoryObjectSendStream[Any]) -> None:
        async with send:
            host = event.captured.target.host
            await self._pass_on(event, await self._lanes.run(host, self._judge_step, "scrubber", event), send)

    def _judge_step(self, name: str, event: Captured | Filtered | Scrubbed) -> object | None:
        stage: Callable[[Any], object] = getattr(self.stages, name)
        try:
            return stage(event)
        # A stage never raises; where it does all the same the flow is denied, and the others go on.
        except Exception:
            return None

    async def _pass_on(self, event: Any, result: object | None, send: MemoryObjectSendStream[Any]) -> None:
        if result is not None:
            await put(send, result)
            return
        captured = event.captured if isinstance(event, Filtered) else event
        await self._record(denial(captured, "stage-raised"))

    async def _deliver(self, receive: MemoryObjectReceiveStream[Judged]) -> None:
        async with receive:
            async for judged in receive:
                if judged.is_final:
                    await self._record(judged)
                else:
                    self.gate.resolve(judged.scrubbed.flow_id, judged)

    async def _record(self, judged: Judged) -> None:
        """Required sinks first: the flow goes on when they have written, and is denied when they could not."""
        flow_id = judged.scrubbed.flow_id
        try:
            record = self.stages.record(judged)
        # As for the other stages: what cannot be recorded is denied.
        except Exception:
            self.gate.resolve(flow_id, None)
            return
        required = [feed for feed in self.feeds if feed.is_required]
        outcomes: list[bool] = []

        def written(is_written: bool) -> None:
            outcomes.append(is_written)
            if not is_written:
                self.gate.resolve(flow_id, None)
            elif len(outcomes) == len(required):
                self.gate.resolve(flow_id, judged)

        for feed in required:
            await feed.put(record, written)
        if not required:
            self.gate.resolve(flow_id, judged)
        for feed in self.feeds:
            if not feed.is_required:
                await feed.put(record)


def _unless_raised[In, Out](step: Callable[[In], Out], event: In) -> Out | None:
    try:
        return step(event)
    # As in `_judge_step`: the way through the channels denies it.
    except Exception:
        return None


def _is_large(event: Filtered) -> bool:
    """A compressed body may grow a thousandfold, whatever its length; so may what is packed in one."""
    body = event.captured.body
    if body is None:
        return False
    return len(body.data) >= LARGE_BODY_BYTES or bool(event.scan.codings) or is_archive(body.data)


def denial(event: Captured | Scrubbed, reason: Reason) -> Judged:
    """A denial made without the stages. It carries nothing the client sent but the target."""
    scrubbed = Scrubbed(
        flow_id=event.flow_id,
        step=event.step,
        at=event.at,
        target=event.target if isinstance(event, Scrubbed) else msgspec.structs.replace(event.target, authority=None),
        context="external",
        direction=event.direction,
        scan=Scan(plan="none"),
        edits=Edits(),
    )
    return Judged(scrubbed=scrubbed, decision=Decision(verdict="deny", reason=reason), is_final=True)
