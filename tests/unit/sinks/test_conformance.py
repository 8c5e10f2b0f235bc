"""Every sink keeps the contract that third-party sinks are tested by, and delivers after its far side was down."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from pipeline.feed import Feed
from pipeline.ports import Sink
from sinks import courier as courier_module
from tests.unit.sinks.places import BREAKABLE, PLACES, Place
from vibedom.testing import SinkContract, nasty_record, record


@pytest.fixture(params=PLACES, ids=lambda place: place.__name__.removesuffix("_place"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield from request.param(tmp_path)


class TestEverySink(SinkContract):
    @pytest.fixture(autouse=True)
    def _at(self, place: Place) -> None:
        self.place = place

    def open_sink(self) -> Sink:
        return self.place.open_sink()

    def arrived(self) -> bytes:
        return self.place.read()

    def test_what_arrives_is_printable_whatever_an_agent_got_into_a_record(self) -> None:
        self._run(lambda sink: sink.write([nasty_record()]))
        text = self.arrived().decode()
        assert "a-key" in text
        assert all(line.isprintable() for line in text.split("\n"))


@pytest.fixture(params=BREAKABLE, ids=lambda place: place.__name__.removesuffix("_place"))
def failing_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield from request.param(tmp_path)


def test_nothing_is_lost_or_reordered_while_the_far_side_fails(
    failing_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "BACKOFF_SECONDS", (0.05,))
    assert failing_place.failing is not None
    failing_place.failing.touch()
    mend = failing_place.failing.unlink

    async def run() -> int:
        feed = Feed(failing_place.open_sink(), is_required=False)
        async with anyio.create_task_group() as tasks:
            await tasks.start(feed.run)
            for number in range(5):
                await feed.put(record(number))
            courier = getattr(feed.sink, "courier", None) or feed.sink.delivery.courier  # type: ignore[attr-defined]
            with anyio.fail_after(60):
                while not courier.failures:  # noqa: ASYNC110  # a courier has no event for it
                    await anyio.sleep(0.01)
                mend()
                while courier.spool.pending:  # noqa: ASYNC110
                    await anyio.sleep(0.01)
            feed.close()
        return feed.dropped

    assert anyio.run(run) == 0
    data = failing_place.read()
    positions = [data.find(record(number).host.encode()) for number in range(5)]
    assert positions == sorted(positions)
    assert min(positions) >= 0


def test_next_run_delivers_what_was_left_when_the_far_side_was_down_to_the_end(failing_place: Place) -> None:
    assert failing_place.failing is not None

    async def write(number: int) -> None:
        sink = failing_place.open_sink()
        await sink.write([record(number)])
        await sink.aclose()

    failing_place.failing.touch()
    anyio.run(write, 0)
    failing_place.failing.unlink()
    anyio.run(write, 1)
    data = failing_place.read()
    assert 0 <= data.find(b"h000.test") < data.find(b"h001.test")
