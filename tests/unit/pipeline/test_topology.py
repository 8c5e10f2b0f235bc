"""The channels: every event is answered once, and whatever goes wrong is a denial."""

import gzip
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import msgspec
import pytest

from pipeline.events import Captured, Filtered, Finding, Judged, Record, Scrubbed
from pipeline.feed import Feed
from pipeline.ports import Sink
from pipeline.topology import Topology
from tests.support.border import MemorySink
from tests.support.detection import GITHUB_TOKEN
from tests.support.events import captured, real_stages, with_target

pytestmark = pytest.mark.anyio

FINDING = Finding(
    rule="github-pat",
    secret_class="credential",
    action="scrub",
    direction="request",
    location="body",
    length=40,
    fingerprint="f" * 16,
)


def record(flow: str, **more: Any) -> Record:
    return Record(kind="request", flow=flow, at=1.0, verdict="allow", reason="listed", **more)


@asynccontextmanager
async def running(*sinks: tuple[Sink, bool], seconds: float = 5, **stages: Any) -> AsyncIterator[Topology]:
    feeds = [Feed(sink, is_required=required) for sink, required in sinks]
    made = msgspec.structs.replace(real_stages(), **stages)
    topology = Topology(made, feeds, judge_seconds=seconds)
    async with anyio.create_task_group() as group:
        await group.start(topology.run)
        yield topology
        topology.close()


class Raising:
    """A stage with a bug."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, event: Any, /) -> Any:
        raise ValueError("a bug, with " + GITHUB_TOKEN)


class HangingSink(MemorySink):
    """A sink that never comes back until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = anyio.Event()

    async def write(self, records: Sequence[Record], /) -> None:
        await self.let_go.wait()
        await super().write(records)


async def test_a_listed_host_is_allowed_after_its_record_is_written() -> None:
    sink = MemorySink()
    async with running((sink, True)) as topology:
        judged = await topology.judge(captured())
        assert judged.decision.verdict == "allow"
        assert [record.flow for record in sink.records] == ["flow-1"]


@pytest.mark.parametrize("stage", ["content_filter", "scrubber", "whitelist", "record"])
async def test_a_stage_that_raises_denies_the_flow_and_the_next_one_is_judged(stage: str) -> None:
    sink = MemorySink()
    async with running((sink, True), seconds=1, **{stage: Raising(stage)}) as topology:
        first = await topology.judge(captured())
        second = await topology.judge(captured(flow_id="flow-2"))
    assert {first.decision.verdict, second.decision.verdict} == {"deny"}
    assert GITHUB_TOKEN not in repr(sink.records)


async def test_a_large_body_is_scrubbed_beside_a_small_one() -> None:
    sink = MemorySink()
    large = b"x " * 200_000 + GITHUB_TOKEN.encode()
    async with running((sink, True)) as topology:
        results: dict[str, Judged] = {}

        async def judge(name: str, body: bytes) -> None:
            results[name] = await topology.judge(captured(flow_id=name, body=body))

        async with anyio.create_task_group() as group:
            group.start_soon(judge, "large", large)
            group.start_soon(judge, "small", b"clean")
    edited = results["large"].scrubbed.edits.body
    assert edited is not None
    assert GITHUB_TOKEN.encode() not in edited.data
    assert results["small"].decision.verdict == "allow"


async def test_every_one_of_many_flows_gets_its_own_answer() -> None:
    sink = MemorySink()
    answers: dict[str, str] = {}
    async with running((sink, True)) as topology:

        async def judge(number: int) -> None:
            event = with_target(captured(flow_id=str(number)), host="good.test" if number % 2 else "evil.test")
            answers[str(number)] = (await topology.judge(event)).decision.verdict

        async with anyio.create_task_group() as group:
            for number in range(500):
                group.start_soon(judge, number)
    assert answers == {str(n): "allow" if n % 2 else "deny" for n in range(500)}
    assert sorted(record.flow for record in sink.records) == sorted(answers)


async def test_a_required_sink_that_fails_denies_everything_from_then_on() -> None:
    sink = MemorySink()
    async with running((sink, True), seconds=2) as topology:
        assert (await topology.judge(captured())).decision.verdict == "allow"
        sink.is_broken = True
        for _ in range(3):
            assert (await topology.judge(captured())).decision.reason == "audit-unavailable"
        sink.is_broken = False
        assert (await topology.judge(captured())).decision.reason == "audit-unavailable", "there is a gap in the log"


async def test_an_optional_sink_that_hangs_holds_up_nothing_and_its_losses_are_counted() -> None:
    audit, slow = MemorySink(), HangingSink()
    async with running((audit, True), (slow, False)) as topology:
        for number in range(3000):
            assert (await topology.judge(captured(flow_id=str(number)))).decision.verdict == "allow"
        assert len(audit.records) == 3000
        dropped = topology.feeds[1].dropped
        assert dropped > 0
        slow.let_go.set()
    assert len(slow.records) + dropped == 3000


@pytest.mark.parametrize("grave", [{"findings": (FINDING,)}, {"signals": ("canary",)}])
async def test_a_flood_hides_no_finding_and_no_signal_from_a_slow_sink(grave: dict[str, Any]) -> None:
    slow = HangingSink()
    feed = Feed(slow, is_required=False, capacity=10)
    async with anyio.create_task_group() as group:
        await group.start(feed.run)
        feed.offer(record("grave", **grave))
        for number in range(100):
            feed.offer(record(str(number)))
        slow.let_go.set()
        feed.close()
    assert [one.flow for one in slow.records] == ["grave", *(str(number) for number in range(90, 100))]
    assert feed.dropped == 90


async def test_what_is_kept_of_a_flood_is_bounded_and_its_losses_are_counted() -> None:
    slow = HangingSink()
    feed = Feed(slow, is_required=False, capacity=10)
    async with anyio.create_task_group() as group:
        await group.start(feed.run)
        for number in range(100):
            feed.offer(record(str(number), findings=(FINDING,)))
        assert feed.backlog == 20
        slow.let_go.set()
        feed.close()
    assert len(slow.records) == 20
    assert feed.dropped == 80


async def test_a_flow_nobody_answers_is_denied_in_time() -> None:
    slow = HangingSink()
    async with running((slow, True), seconds=0.2) as topology:
        assert (await topology.judge(captured())).decision.verdict == "deny"
        slow.let_go.set()


async def test_a_flow_for_which_there_is_no_room_any_more_is_denied_in_time() -> None:
    slow = HangingSink()
    async with running((slow, True), seconds=0.2) as topology:
        async with anyio.create_task_group() as group:
            for number in range(2000):  # more than all channels hold
                group.start_soon(topology.judge, captured(flow_id=str(number)))
        with anyio.fail_after(5):
            assert (await topology.judge(captured())).decision.reason == "timed-out"
        slow.let_go.set()


async def test_a_required_sink_that_hangs_has_failed() -> None:
    feed = Feed(HangingSink(), is_required=True, write_seconds=0.05)
    topology = Topology(real_stages(), [feed])
    async with anyio.create_task_group() as group:
        await group.start(topology.run)
        assert (await topology.judge(captured())).decision.reason == "audit-unavailable"
        topology.close()


async def test_an_optional_sink_that_hangs_does_not_keep_a_session_from_ending() -> None:
    hanging = Feed(HangingSink(), is_required=False, close_seconds=0.05)
    topology = Topology(real_stages(), [hanging])
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            await group.start(topology.run)
            for number in range(600):
                await topology.judge(captured(flow_id=str(number)))
            topology.close()
    assert hanging.dropped > 300


async def test_a_compressed_body_is_scrubbed_in_a_thread_however_small_it_is() -> None:
    threads: list[int] = []
    real = real_stages().scrubber

    class Noting:
        name = "scrubber"

        def __call__(self, event: Filtered, /) -> Scrubbed:
            threads.append(threading.get_ident())
            return real(event)

    bomb = gzip.compress(bytes(1_000_000))
    headers = ((b"content-type", b"text/plain"), (b"content-encoding", b"gzip"))
    async with running((MemorySink(), True), scrubber=Noting()) as topology:
        await topology.judge(captured(body=bomb, headers=headers))
    assert len(bomb) < 2000
    assert threads != [threading.get_ident()]


async def test_a_paused_or_closed_session_denies() -> None:
    sink = MemorySink()
    async with running((sink, True)) as topology:
        topology.is_paused = True
        assert (await topology.judge(captured())).decision.reason == "paused"
        topology.is_paused = False
        topology.close()
        assert (await topology.judge(captured())).decision.reason == "shutting-down"


async def test_new_stages_hold_from_the_next_event_on() -> None:
    sink = MemorySink()
    async with running((sink, True)) as topology:
        event = with_target(captured(), host="later.test")
        assert (await topology.judge(event)).decision.verdict == "deny"
        topology.stages = real_stages("later.test")
        assert (await topology.judge(event)).decision.verdict == "allow"


async def test_a_denial_carries_nothing_the_client_sent() -> None:
    event = captured(headers=((b"x-key", GITHUB_TOKEN.encode()),), path=b"/" + GITHUB_TOKEN.encode())
    event = with_target(event, authority=GITHUB_TOKEN)
    async with running((MemorySink(), True), content_filter=Raising("content_filter")) as topology:
        assert GITHUB_TOKEN not in repr(await topology.judge(event))


async def test_what_is_queued_is_written_before_the_topology_ends() -> None:
    sink = MemorySink()
    async with running((sink, True)) as topology:
        for _ in range(100):
            await topology.note(Record(kind="session", flow="s", at=0, verdict="allow", reason="listed"))
    assert len(sink.records) == 100


def test_the_stages_are_typed_one_after_the_other() -> None:
    made = real_stages()
    filtered = made.content_filter(captured())
    assert isinstance(filtered, Filtered)
    assert isinstance(filtered.captured, Captured)
