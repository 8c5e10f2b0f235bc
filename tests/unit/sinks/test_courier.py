"""The courier delivers everything at least once, in order, and never makes anybody wait for the far side."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from pipeline.events import Record
from pipeline.feed import Feed
from sinks import courier as courier_module
from sinks.alert import Alert
from sinks.alert_engine import AlertEngine
from sinks.alerts import AlertSink
from sinks.courier import Courier
from sinks.outbox import Outbox
from sinks.spool import Spool

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "BACKOFF_SECONDS", (0.01,))


class FarSide:
    """A carrier and a delivery that fails or hangs as it is told, and what arrived."""

    def __init__(self, *, failing: int = 0) -> None:
        self.failing = failing
        self.hangs = False
        self.got: list[bytes] = []
        self.alerts: list[Alert] = []
        self.lost = 0
        self.arrival = anyio.Event()

    async def carry(self, entries: Sequence[bytes], /) -> None:
        await self._behave()
        self.got += entries
        self.arrival.set()

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        await self._behave()
        self.alerts += alerts
        self.arrival.set()

    async def report_lost(self, count: int, /) -> None:
        await self._behave()
        self.lost += count
        self.arrival.set()

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _behave(self) -> None:
        if self.hangs:
            await anyio.sleep_forever()
        if self.failing:
            self.failing -= 1
            raise RuntimeError("the far side is down")

    async def wait(self) -> None:
        with anyio.fail_after(20):
            await self.arrival.wait()
        self.arrival = anyio.Event()


def record(number: int) -> Record:
    return Record(
        kind="request", flow="f", at=1e9 + number, verdict="deny", reason="not-listed", host=f"h{number}.test"
    )


async def test_entries_are_delivered_as_they_come_and_after_failures(tmp_path: Path) -> None:
    far = FarSide(failing=3)
    courier = Courier(far, Spool(tmp_path / "s"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(courier.run_beside)
        await courier.post([b"1", b"2"])
        await far.wait()
        await courier.post([b"3"])
        await far.wait()
        await courier.aclose()
    assert far.got == [b"1", b"2", b"3"]
    assert (courier.delivered, courier.spool.pending) == (3, 0)


async def test_without_a_runner_closing_delivers(tmp_path: Path) -> None:
    far = FarSide()
    courier = Courier(far, Spool(tmp_path / "s"), batch=2)
    await courier.post([b"1", b"2", b"3"])
    assert far.got == []
    await courier.aclose()
    await courier.aclose()
    assert far.got == [b"1", b"2", b"3"]


async def test_what_a_dead_far_side_did_not_take_is_delivered_by_the_next_run(tmp_path: Path) -> None:
    down = Courier(FarSide(failing=10**6), Spool(tmp_path / "s"))
    await down.post([b"1"])
    await down.aclose()
    up = FarSide()
    courier = Courier(up, Spool(tmp_path / "s"))
    await courier.post([b"2"])
    await courier.aclose()
    assert up.got == [b"1", b"2"]


async def test_hanging_far_side_holds_up_neither_posting_nor_closing(tmp_path: Path) -> None:
    far = FarSide()
    far.hangs = True
    courier = Courier(far, Spool(tmp_path / "s"), close_seconds=0.05)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(courier.run_beside)
        with anyio.fail_after(20):
            for number in range(50):
                await courier.post([b"%d" % number])
            await courier.aclose()
        tasks.cancel_scope.cancel()
    assert Spool(tmp_path / "s").pending == 50


async def test_delivery_that_takes_too_long_is_tried_again(tmp_path: Path) -> None:
    far = FarSide()
    far.hangs = True
    courier = Courier(far, Spool(tmp_path / "s"), carry_seconds=0.05)
    await courier.post([b"1"])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(courier.run_beside)
        with anyio.fail_after(20):
            while not courier.failures:
                await anyio.wait_all_tasks_blocked()
        far.hangs = False
        await far.wait()
        await courier.aclose()
    assert far.got == [b"1"]


async def test_what_had_no_room_is_reported_once_the_far_side_is_back(tmp_path: Path) -> None:
    far = FarSide()
    spool = Spool(tmp_path / "s", limit_bytes=80)
    courier = Courier(far, spool)
    for number in range(100):
        await courier.post([b"%03d" % number])
    kept = spool.pending
    assert kept < 100
    await courier.aclose()
    assert far.got == [b"%03d" % number for number in range(100 - kept, 100)]
    assert (far.lost, spool.lost) == (100 - kept, 0)


async def test_alerts_reach_a_delivery_that_was_down_and_the_feed_was_never_held_up(tmp_path: Path) -> None:
    far = FarSide(failing=5)
    outbox = Outbox(far, Spool(tmp_path / "s"), session="s1")
    feed = Feed(AlertSink("x", AlertEngine(session="s1"), outbox), is_required=False)
    async with anyio.create_task_group() as tasks:
        await tasks.start(feed.run)
        for number in range(5):
            await feed.put(record(number))
        await far.wait()
        feed.close()
    assert [alert.host for alert in far.alerts] == [f"h{number}.test" for number in range(5)]
    assert feed.dropped == 0


async def test_alerts_of_a_hanging_delivery_are_on_disk_when_the_session_ends(tmp_path: Path) -> None:
    far = FarSide()
    far.hangs = True
    outbox = Outbox(far, Spool(tmp_path / "s"), session="s1")
    outbox.courier._close_seconds = 0.05
    feed = Feed(AlertSink("x", AlertEngine(session="s1"), outbox), is_required=False)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            await tasks.start(feed.run)
            for number in range(5):
                await feed.put(record(number))
            feed.close()
    assert Spool(tmp_path / "s").pending == 5


async def test_records_that_a_feed_had_no_room_for_are_told_of_in_an_alert(tmp_path: Path) -> None:
    far = FarSide()
    feed = Feed(AlertSink("x", AlertEngine(session="s1"), far), is_required=False, capacity=2)
    for number in range(5):
        await feed.put(record(number))
    async with anyio.create_task_group() as tasks:
        await tasks.start(feed.run)
        feed.close()
    held_back = [alert for alert in far.alerts if alert.name == "alerts held back"]
    assert [(alert.count, "faster" in alert.message) for alert in held_back] == [(3, True)]
    assert feed.dropped == 3


async def test_damaged_entry_does_not_hold_up_what_follows(tmp_path: Path) -> None:
    far = FarSide()
    spool = Spool(tmp_path / "s")
    spool.append([b"{damaged"])
    outbox = Outbox(far, spool, session="s1")
    sink = AlertSink("x", AlertEngine(session="s1"), outbox)
    await sink.write([record(1)])
    await sink.aclose()
    assert [alert.host for alert in far.alerts] == ["h1.test"]


async def test_sink_that_cannot_be_closed_ends_no_other(tmp_path: Path) -> None:
    class Stuck:
        name = "stuck"

        async def write(self, records: Sequence[Record], /) -> None: ...

        async def aclose(self) -> None:
            raise RuntimeError("no")

    feed = Feed(Stuck(), is_required=False)
    async with anyio.create_task_group() as tasks:
        await tasks.start(feed.run)
        feed.close()
    assert feed.is_failed
