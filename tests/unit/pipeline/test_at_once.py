"""What is decided without waiting: the same decisions and records as on the long way, in one turn of the loop."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.events import Judged
from pipeline.feed import Feed
from pipeline.topology import LARGE_BODY_BYTES, Topology
from sinks.jsonl import JsonlSink
from sinks.verification import verify
from tests.support.border import MemorySink
from tests.support.detection import GITHUB_TOKEN
from tests.support.events import captured, real_stages

pytestmark = pytest.mark.anyio


class Filling(JsonlSink):
    """A log on a disk that can be full."""

    is_full = False

    def write_now(self, records: Any, /) -> bool:
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write_now(records)


def sink_at(path: Path, **how: Any) -> Filling:
    return Filling(path, session="s", **how)


def decided(judging: Coroutine[Any, Any, Judged]) -> Judged | None:
    """The decision that is made without giving up the turn, or None where something was waited for."""
    task = asyncio.Task(judging, loop=asyncio.get_running_loop(), eager_start=True)
    if task.done():
        return task.result()
    task.cancel()
    return None


async def test_a_small_event_is_judged_and_recorded_in_one_turn(tmp_path: Path) -> None:
    log = tmp_path / "network.jsonl"
    topology = Topology(real_stages(), [Feed(sink_at(log), is_required=True)])
    async with anyio.create_task_group() as group:
        await group.start(topology.run)
        judged = decided(topology.judge(captured(flow_id="f1")))
        assert judged is not None
        assert judged.decision.verdict == "allow"
        assert b'"flow":"f1"' in log.read_bytes(), "the record is there before the flow goes on"
        topology.close()


async def test_the_short_and_the_long_way_decide_and_record_the_same(tmp_path: Path) -> None:
    long = MemorySink()  # which can only be waited for
    short = sink_at(tmp_path / "network.jsonl")
    events = [
        captured(flow_id="a"),
        captured(flow_id="b", step="request_body", body=f'{{"k": "{GITHUB_TOKEN}"}}'.encode()),
        captured(flow_id="c", trouble="malformed"),
    ]
    decisions = []
    for sink in (short, long):
        topology = Topology(real_stages(), [Feed(sink, is_required=True)])
        async with anyio.create_task_group() as group:
            await group.start(topology.run)
            decisions.append([await topology.judge(event) for event in events])
            topology.close()
    assert decisions[0] == decisions[1]
    lines = (tmp_path / "network.jsonl").read_bytes().splitlines()
    assert len(lines) == len(long.records) > 0
    assert GITHUB_TOKEN.encode() not in b"".join(lines)


async def test_a_disk_that_fills_up_denies_that_flow_and_all_that_follow(tmp_path: Path) -> None:
    sink = sink_at(tmp_path / "network.jsonl")
    topology = Topology(real_stages(), [Feed(sink, is_required=True)])
    async with anyio.create_task_group() as group:
        await group.start(topology.run)
        assert (await topology.judge(captured())).decision.verdict == "allow"
        sink.is_full = True
        assert (await topology.judge(captured())).decision.reason == "audit-unavailable"
        sink.is_full = False
        assert (await topology.judge(captured())).decision.reason == "audit-unavailable", "the failure is final"
        topology.close()


async def test_a_log_that_has_to_reach_the_disk_is_waited_for(tmp_path: Path) -> None:
    topology = Topology(real_stages(), [Feed(sink_at(tmp_path / "n.jsonl", fsync="always"), is_required=True)])
    async with anyio.create_task_group() as group:
        await group.start(topology.run)
        assert decided(topology.judge(captured())) is None
        assert (await topology.judge(captured(flow_id="2"))).decision.verdict == "allow"
        topology.close()


async def test_a_large_body_is_not_scrubbed_in_the_loops_own_time(tmp_path: Path) -> None:
    topology = Topology(real_stages(), [Feed(sink_at(tmp_path / "n.jsonl"), is_required=True)])
    async with anyio.create_task_group() as group:
        await group.start(topology.run)
        large = captured(step="request_body", body=b"x" * LARGE_BODY_BYTES)
        assert decided(topology.judge(large)) is None
        topology.close()


async def test_lines_written_at_once_and_in_a_thread_make_one_chain(tmp_path: Path) -> None:
    log = tmp_path / "network.jsonl"
    sink = sink_at(log, rotate_bytes=2000)
    topology = Topology(real_stages(), [Feed(sink, is_required=True)])
    async with anyio.create_task_group() as group:
        await group.start(topology.run)
        async with anyio.create_task_group() as flows:
            for number in range(40):
                body = b"y" * (LARGE_BODY_BYTES if number % 3 == 0 else 10)
                flows.start_soon(topology.judge, captured(flow_id=str(number), step="request_body", body=body))
        topology.close()
    found = verify(log)
    assert found.is_intact
    assert found.lines == 40
