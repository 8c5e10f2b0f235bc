"""The audit log's file: private, whole lines only, continued after a restart, loud when the disk is full."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from pipeline.events import Finding, Record
from sinks import chain
from sinks.append_file import BusyFileError
from sinks.chain import ChainError
from sinks.jsonl import JsonlSink
from sinks.parts import parts
from sinks.verification import verify

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def record(number: int, **more: object) -> Record:
    return Record(kind="request", flow=f"f{number}", at=1700000000.5, verdict="allow", reason="listed", **more)  # type: ignore[arg-type]


async def write(path: Path, *records: Record, session: str = "s1") -> None:
    sink = JsonlSink(path, session=session)
    await sink.write(records)
    await sink.aclose()


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def test_each_record_is_one_line_with_number_session_time_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    await write(path, record(1, host="a.test"), record(2))
    first, second = read(path)
    assert list(first)[:4] == ["schema_version", "seq", "session", "time"]
    assert (first["schema_version"], first["seq"], second["seq"]) == (1, 1, 2)
    assert first["time"] == "2023-11-14T22:13:20.500Z"
    assert first["host"] == "a.test"
    assert list(first)[-1] == "hash"


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    await write(path, record(1))
    for file in (path, chain.head_path(path)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_link_in_the_place_of_the_log_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    (tmp_path / "network.jsonl").symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        JsonlSink(tmp_path / "network.jsonl", session="s1")
    assert not target.exists()


async def test_log_has_one_writer(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "network.jsonl", session="s1")
    with pytest.raises(BusyFileError):
        JsonlSink(tmp_path / "network.jsonl", session="s1")
    await sink.aclose()
    await sink.aclose()
    await JsonlSink(tmp_path / "network.jsonl", session="s1").aclose()


async def test_lines_are_printable_ascii_whatever_is_in_a_record(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    nasty = 'a\nb\r\x1b[2J\x00\x7f\x9b\u2028\u202e\ud7ff\U0001f600é"\\'
    await write(path, record(1, note=nasty, content_type=nasty), record(2))
    lines = path.read_bytes().split(b"\n")
    assert len(lines) == 3
    assert all(32 <= byte < 127 for line in lines for byte in line)
    assert read(path)[0]["note"] == nasty
    assert verify(path).is_intact


async def test_restart_continues_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    await write(path, record(1), record(2))
    await write(path, record(3))
    assert [line["seq"] for line in read(path)] == [1, 2, 3]
    assert verify(path).is_intact


async def test_restart_after_a_crash_drops_the_unfinished_line_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    await write(path, record(1))
    with path.open("ab") as file:
        file.write(b'{"schema_version":1,"seq":2,"ses')
    await write(path, record(2))
    lines = read(path)
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert (lines[1]["kind"], lines[1]["reason"]) == ("session", "recovered")
    assert "32 bytes" in str(lines[1]["note"])
    assert verify(path).is_intact


async def test_crash_between_the_lines_and_the_head_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    await write(path, record(1))
    head = chain.head_path(path).read_bytes()
    await write(path, record(2))
    chain.head_path(path).write_bytes(head)
    assert verify(path).is_intact
    await write(path, record(3))
    assert verify(path).last == 3


async def test_log_that_was_cut_short_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    await write(path, record(1), record(2))
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(ChainError, match="lines 2 to 2 are missing"):
        JsonlSink(path, session="s1")


async def test_log_of_another_session_or_kind_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    await write(path, record(1))
    with pytest.raises(ChainError, match="belongs to session 's1'"):
        JsonlSink(path, session="s2")
    other = tmp_path / "other.jsonl"
    other.write_bytes(b'{"not":"ours"}\n')
    with pytest.raises(ChainError, match="not one of an audit log"):
        JsonlSink(other, session="s1")


async def test_session_name_cannot_break_the_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="session"):
        JsonlSink(tmp_path / "network.jsonl", session='a","b":"')


async def test_rotation_keeps_every_line_and_restart_goes_on_from_the_last_part(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    sink = JsonlSink(path, session="s1", rotate_bytes=1)
    for number in range(5):
        await sink.write([record(number)])
    await sink.aclose()
    names = [file.name for file in parts(path)]
    assert names == [*(f"network.{n:06d}.jsonl" for n in range(1, 5)), "network.jsonl"]
    path.unlink()  # a crash between the renames of a rotation leaves no file of the log's own name
    path.with_name("network.jsonl.head").unlink()
    await write(path, record(6))
    assert read(path)[0]["seq"] == 5
    assert verify(path).is_intact


async def test_full_disk_raises_and_leaves_only_whole_lines_then_the_same_records_go_in(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    script = f"""
import resource, signal, anyio
from pathlib import Path
from pipeline.events import Record
from sinks.jsonl import JsonlSink
from sinks.parts import parts
from sinks.verification import verify
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def record(n): return Record(kind="request", flow=f"f{{n}}", at=1.0, verdict="allow", reason="listed")
async def main():
    sink = JsonlSink(Path({str(path)!r}), session="s1")
    await sink.write([record(0)])
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    batch = [record(n) for n in range(1, 30)]
    for _ in range(2):
        try:
            await sink.write(batch)
        except OSError as error:
            print("raised", error.errno)
    print("size", Path({str(path)!r}).read_bytes().count(b"\\n"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await sink.write(batch)
    await sink.aclose()
anyio.run(main)
"""
    done = await anyio.run_process([sys.executable, "-c", script], stderr=subprocess.STDOUT, check=False)
    assert done.stdout.decode().split("\n")[:3] == ["raised 27", "raised 27", "size 1"]
    result = verify(path)
    assert (result.is_intact, result.lines) == (True, 30)


async def test_rotation_never_writes_over_a_part_although_an_earlier_one_was_removed(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    for number in range(3):
        sink = JsonlSink(path, session="s1", rotate_bytes=1)
        await sink.write([record(number)])
        await sink.aclose()
    (tmp_path / "network.000001.jsonl").unlink()
    sink = JsonlSink(path, session="s1", rotate_bytes=1)
    await sink.write([record(3)])
    await sink.aclose()
    assert [line["seq"] for part in parts(path) for line in read(part)] == [2, 3, 4]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, where root may mount one."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "small", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("needs root and a mount")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


async def test_full_file_system_raises_and_the_log_stays_intact(small_disk: Path) -> None:
    sink = JsonlSink(small_disk / "network.jsonl", session="s1")
    await sink.write([record(0)])
    with pytest.raises(OSError, match="No space left"):
        await sink.write([record(number) for number in range(1000)])
    await sink.aclose()
    result = verify(small_disk / "network.jsonl")
    assert (result.is_intact, result.lines) == (True, 1)


async def test_log_holds_no_field_that_a_record_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    finding = Finding(
        rule="a-key",
        secret_class="credential",
        action="scrub",
        direction="request",
        location="body",
        length=40,
        fingerprint="0" * 16,
    )
    await write(path, record(1, findings=(finding,)))
    line = read(path)[0]
    assert set(line) <= {*Record.__struct_fields__, "schema_version", "seq", "session", "time", "hash"}


async def test_descriptors_are_closed(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        await write(tmp_path / f"{number}.jsonl", record(1))
    with pytest.raises(ChainError):
        JsonlSink(tmp_path / "1.jsonl", session="other")
    assert len(os.listdir("/proc/self/fd")) == before
