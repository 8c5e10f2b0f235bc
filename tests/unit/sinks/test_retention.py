"""Old parts are compressed and removed, the log still verifies, and it says which of its lines are gone."""

import gzip
import json
import os
import stat
import threading
from pathlib import Path

import anyio
import pytest

from pipeline.events import Record
from pipeline.feed import Feed
from sinks import chain
from sinks.jsonl import JsonlSink
from sinks.parts import compress, is_compressed, open_part, parts
from sinks.retention import Keeping
from sinks.verification import Verification, verify

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "network.jsonl"


def record(number: int) -> Record:
    return Record(kind="request", flow=f"f{number}", at=1e9, verdict="allow", reason="listed", host=f"h{number}.test")


async def write(path: Path, numbers: range, keeping: Keeping, rotate_bytes: int | None = 1000) -> None:
    """Through a feed, as a session does it."""
    feed = Feed(JsonlSink(path, session="s1", rotate_bytes=rotate_bytes, keeping=keeping), is_required=True)
    async with anyio.create_task_group() as tasks:
        await tasks.start(feed.run)
        for number in numbers:
            written = anyio.Event()
            await feed.put(record(number), lambda ok, event=written: event.set())  # type: ignore[misc]
            await written.wait()
        feed.close()
    assert not feed.is_failed


async def compressed(path: Path) -> None:
    """Reopen until a run had the time to compress every part."""
    with anyio.fail_after(30):
        while any(part != path and not is_compressed(part) for part in parts(path)):
            feed = Feed(JsonlSink(path, session="s1", keeping=Keeping(compress=True)), is_required=True)
            async with anyio.create_task_group() as tasks:
                await tasks.start(feed.run)
                for _ in range(20):
                    await anyio.wait_all_tasks_blocked()
                feed.close()


def hosts(path: Path) -> list[str]:
    lines = []
    for part in parts(path):
        with open_part(part) as stream:
            lines += [json.loads(line) for line in stream]
    return [line["host"] for line in lines if "host" in line]


def faults(result: Verification) -> list[str]:
    return [problem.fault for problem in result.problems]


async def test_rotated_parts_are_compressed_and_still_verified_and_read(path: Path) -> None:
    await write(path, range(30), Keeping(compress=True))
    await compressed(path)
    rotated = [part for part in parts(path) if part != path]
    assert len(rotated) > 3
    assert all(part.name.endswith(".jsonl.gz") for part in rotated)
    assert {stat.S_IMODE(part.stat().st_mode) for part in rotated} == {0o600}
    assert hosts(path) == [f"h{number}.test" for number in range(30)]
    result = verify(path)
    assert (result.is_intact, result.last, result.removed) == (True, 30, 0)


async def test_log_whose_last_part_is_compressed_is_continued(path: Path) -> None:
    await write(path, range(10), Keeping(compress=True))
    await compressed(path)
    await anyio.Path(path).unlink()  # a crash in the middle of a rotation
    before = verify(path).last
    chain.head_path(path).unlink()
    await write(path, range(20, 22), Keeping(compress=True))
    assert verify(path).is_intact
    assert verify(path).last == before + 2


async def test_edit_and_damage_in_a_compressed_part_are_found(path: Path) -> None:
    await write(path, range(30), Keeping(compress=True))
    await compressed(path)
    part = parts(path)[1]
    whole = gzip.decompress(part.read_bytes())
    part.write_bytes(gzip.compress(whole.replace(b"allow", b"deny!", 1)))
    assert faults(verify(path)) == ["edited"]
    part.write_bytes(gzip.compress(whole)[:-20])
    assert "malformed" in faults(verify(path))


async def test_crash_between_compressing_and_removing_leaves_each_line_once(path: Path) -> None:
    await write(path, range(20), Keeping())
    part = parts(path)[0]
    part.with_name(part.name + ".gz").write_bytes(gzip.compress(part.read_bytes()))
    assert hosts(path) == [f"h{number}.test" for number in range(20)]
    assert verify(path).is_intact


async def test_oldest_parts_go_when_the_log_is_too_large_and_the_log_says_which(path: Path) -> None:
    await write(path, range(100), Keeping(max_bytes=5000))
    files = parts(path)
    assert sum(file.stat().st_size for file in files) <= 5000 + 1500
    result = verify(path)
    assert result.is_intact
    assert result.removed > 50
    first = json.loads(files[0].read_bytes().splitlines()[0])
    assert first["seq"] == result.removed + 1
    told = [json.loads(line) for file in files for line in file.read_bytes().splitlines() if b"retention" in line]
    assert f"lines 1 to {result.removed} are removed" in told[-1]["note"]
    await write(path, range(100, 105), Keeping())
    assert verify(path).is_intact


async def test_old_parts_go_and_the_running_one_stays_however_old_it_is(path: Path) -> None:
    await write(path, range(20), Keeping())
    for part in parts(path):
        os.utime(part, (1e9, 1e9))
    await write(path, range(20, 21), Keeping(max_age_seconds=3600), rotate_bytes=None)
    assert parts(path) == [path]
    assert hosts(path)[-1] == "h20.test"
    assert verify(path).is_intact
    assert verify(path).removed > 0


async def test_lines_removed_by_somebody_else_are_still_missing(path: Path) -> None:
    await write(path, range(100), Keeping(max_bytes=5000))
    parts(path)[0].unlink()
    assert "missing" in faults(verify(path))


async def test_floor_that_no_line_of_the_log_confirms_proves_nothing(path: Path) -> None:
    await write(path, range(30), Keeping())
    first, second = parts(path)[:2]
    last = chain.read_link(first.read_bytes().splitlines()[-1])
    assert last is not None
    chain.floor_path(path).write_bytes(chain.link_text(last[1]))
    assert verify(path).is_intact  # nothing is gone yet
    first.unlink()
    assert faults(verify(path)) == ["missing"]
    assert second.exists()


async def test_removal_cut_short_by_a_crash_is_finished_by_the_next_run(path: Path) -> None:
    await write(path, range(60), Keeping())
    saved = {part: part.read_bytes() for part in parts(path)[:4]}
    await write(path, range(60, 61), Keeping(max_bytes=3000))
    gone = [part for part in saved if not part.exists()]
    assert len(gone) > 2
    for part in gone[1:]:
        part.write_bytes(saved[part])
    assert verify(path).is_intact
    await write(path, range(61, 62), Keeping())
    assert not any(part.exists() for part in gone)
    assert verify(path).is_intact


async def test_part_removed_while_it_is_compressed_does_not_come_back(path: Path) -> None:
    await write(path, range(20), Keeping())
    part = parts(path)[0]

    class Removing(threading.Event):
        def is_set(self) -> bool:
            part.unlink(missing_ok=True)
            return False

    assert not compress(part, lock=threading.Lock(), stop=Removing())
    assert [file.name for file in path.parent.iterdir() if "000001" in file.name] == []
