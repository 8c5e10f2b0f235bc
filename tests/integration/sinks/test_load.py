"""50,000 records through the whole fan-out while one sink hangs: `bench_sinks --million` does it with a million."""

from pathlib import Path

import anyio
import pytest

from benchmarks.bench_sinks import corpus
from benchmarks.fan_out import Load, run_load
from sinks.parts import parts

COUNT = 50_000
MEMORY_BYTES = 64 * 1024 * 1024


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Load]:
    directory = tmp_path_factory.mktemp("load")

    async def run() -> Load:
        return await run_load(directory, corpus(10_000), COUNT, outside="hangs")

    return directory, anyio.run(run)


def test_audit_log_is_complete_and_verified(load: tuple[Path, Load]) -> None:
    directory, result = load
    assert (result.audit_lines, result.is_verified) == (COUNT, True)
    assert sum(file.read_bytes().count(b"\n") for file in parts(directory / "network.jsonl")) == COUNT
    assert result.dropped["jsonl"] == 0


def test_memory_is_bounded(load: tuple[Path, Load]) -> None:
    assert load[1].grown_bytes < MEMORY_BYTES


def test_alerts_of_the_sink_that_hangs_are_on_disk(load: tuple[Path, Load]) -> None:
    assert load[1].waiting > 0


def test_no_sink_loses_a_record_without_saying_how_many(load: tuple[Path, Load]) -> None:
    """What the stream was given and what it says it never got add up."""
    import json

    directory, result = load
    messages = [json.loads(line) for line in (directory / "out").read_bytes().splitlines()]
    sent = sum(message.get("kind") == "record" for message in messages)
    reported = sum(message.get("lost", 0) for message in messages)
    assert sent + reported == COUNT
    assert reported == result.dropped["stream"]
