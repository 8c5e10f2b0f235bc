"""The contract of a sink as tests: subclass `SinkContract` in a test module of your own, and pytest runs it.

    class TestMySink(SinkContract):
        @pytest.fixture(autouse=True)
        def place(self, tmp_path):
            self.path = tmp_path / "out"

        def open_sink(self):
            return MySink(self.path)

        def arrived(self):
            return self.path.read_bytes()

vibedom's own sinks are tested by the same class.
"""

# ruff: noqa: S101  # asserting is what tests do

from collections.abc import Awaitable, Callable, Sequence

import anyio

from pipeline.events import Finding, Record
from pipeline.feed import Feed
from pipeline.ports import Sink

NASTY = "a\nb\r\x1b[2J\x00\x7f\x9b\u2028\u202e\U0001f600é\"\\\ud800'<!channel>=1+1"
"""What an agent may get into a name, path or location."""


def record(number: int) -> Record:
    """A denied request to `hNNN.test`, which the built-in rules raise an alert about."""
    return Record(
        kind="request",
        flow=f"f{number}",
        at=1e9 + number,
        verdict="deny",
        reason="not-listed",
        host=f"h{number:03d}.test",
    )


def nasty_record() -> Record:
    """One with `NASTY` wherever an agent has a say, and a finding of the rule `a-key`."""
    finding = Finding(
        rule="a-key",
        secret_class="credential",  # noqa: S106
        action="scrub",
        direction="request",
        location=f"body {NASTY}",
        length=20,
        fingerprint="0" * 16,
        severity="high",
    )
    return Record(
        kind="request",
        flow="f1",
        at=1e9,
        verdict="allow",
        reason="listed",
        host=NASTY,
        path=NASTY,
        method=NASTY,
        findings=(finding,),
    )


class SinkContract:
    """What every sink keeps. Records are told apart by their hosts, `h000.test` and so on."""

    def open_sink(self) -> Sink:
        """A sink to the test's own place; called again, it goes on where the last one ended."""
        raise NotImplementedError

    def arrived(self) -> bytes:
        """Everything that arrived in that place so far."""
        raise NotImplementedError

    def test_records_arrive_in_order(self) -> None:
        async def write(sink: Sink) -> None:
            for start in range(0, 9, 3):
                await sink.write([record(number) for number in range(start, start + 3)])

        self._run(write)
        self._expect(range(9))

    def test_an_empty_batch_is_no_trouble(self) -> None:
        async def write(sink: Sink) -> None:
            await sink.write([])
            await sink.write([record(0)])

        self._run(write)
        self._expect(range(1))

    def test_it_can_be_closed_twice_and_opened_again(self) -> None:
        for number in range(2):

            async def write(sink: Sink, number: int = number) -> None:
                await sink.write([record(number)])
                await sink.aclose()

            self._run(write)
        self._expect(range(2))

    def test_a_cancelled_write_can_be_repeated(self) -> None:
        """The records arrive at least once, whenever the cancellation comes."""

        async def write(sink: Sink) -> None:
            batch = [record(0), record(1)]
            with anyio.CancelScope() as scope:
                scope.cancel()
                await sink.write(batch)
            await sink.write(batch)

        self._run(write)
        self._expect(range(2))

    def test_it_has_a_name_for_messages(self) -> None:
        async def write(sink: Sink) -> None:
            assert sink.name
            assert sink.name.isprintable()

        self._run(write)

    def test_whatever_an_agent_gets_into_a_record_is_taken(self) -> None:
        async def write(sink: Sink) -> None:
            await sink.write([nasty_record(), record(7)])

        self._run(write)
        assert b"h007.test" in self.arrived()

    def test_it_works_in_a_feed_of_a_session(self) -> None:
        async def run() -> int:
            feed = Feed(self.open_sink(), is_required=False)
            async with anyio.create_task_group() as tasks:
                await tasks.start(feed.run)
                for number in range(20):
                    await feed.put(record(number))
                feed.close()
            return feed.dropped

        assert anyio.run(run) == 0
        self._expect(range(20))

    def _run(self, write: Callable[[Sink], Awaitable[None]]) -> None:
        async def run() -> None:
            sink = self.open_sink()
            try:
                await write(sink)
            finally:
                await sink.aclose()

        anyio.run(run)

    def _expect(self, numbers: Sequence[int]) -> None:
        """All of `numbers` arrived, first seen in this order."""
        data = self.arrived()
        seen = [(data.find(record(number).host.encode()), number) for number in numbers]
        assert [number for position, number in sorted(seen) if position >= 0] == list(numbers)
