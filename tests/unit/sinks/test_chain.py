"""The chain finds every edited, lost, added, reordered or foreign line, and a log that was cut short."""

import json
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import Record
from sinks import chain
from sinks.chain import ChainError
from sinks.jsonl import JsonlSink
from sinks.verification import Fault, verify

Lines = list[bytes]


def record(number: int, note: str = "") -> Record:
    return Record(
        kind="request",
        flow=f"f{number}",
        at=1700000000.0 + number,
        verdict="allow",
        reason="listed",
        path="/x",
        note=note,
    )


def write_log(path: Path, count: int, *, session: str = "s1", rotate_bytes: int | None = None) -> None:
    async def write() -> None:
        sink = JsonlSink(path, session=session, fsync="never", rotate_bytes=rotate_bytes)
        for number in range(count):
            await sink.write([record(number)])
        await sink.aclose()

    anyio.run(write)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "network.jsonl"
    write_log(path, 9)
    return path


def faults(path: Path) -> list[Fault]:
    return [problem.fault for problem in verify(path).problems]


def test_log_as_it_was_written_is_intact(log: Path) -> None:
    result = verify(log)
    assert result.is_intact
    assert (result.lines, result.last, result.session) == (9, 9, "s1")


def test_hash_is_what_the_documentation_says(log: Path) -> None:
    """A reader needs nothing of vibedom: SHA-256 over the hash before and the line up to its own hash."""
    from hashlib import sha256

    previous = sha256(b"vibedom audit 1\0s1").hexdigest()
    for line in log.read_text().splitlines():
        body, _, rest = line.rpartition(',"hash":"')
        previous = sha256((previous + body).encode()).hexdigest()
        assert rest == previous + '"}'
        assert json.loads(line)["hash"] == previous


def swap(lines: Lines) -> Lines:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def edit(lines: Lines) -> Lines:
    return [*lines[:3], lines[3].replace(b'"allow"', b'"deny"'), *lines[4:]]


def edit_and_seal_again(lines: Lines) -> Lines:
    body = lines[3].replace(b'"allow"', b'"deny"').rpartition(b',"hash":"')[0]
    previous = json.loads(lines[2])["hash"].encode()
    return [*lines[:3], chain.seal(previous, body)[1], *lines[4:]]


def seal_first_of_another_session(lines: Lines) -> Lines:
    return [line.replace(b'"session":"s1"', b'"session":"s2"') if n == 3 else line for n, line in enumerate(lines)]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (edit, {"edited"}),
        (edit_and_seal_again, {"edited"}),
        (swap, {"missing", "order"}),
        (lambda lines: [*lines[:3], *lines[4:]], {"missing"}),
        (lambda lines: lines[1:], {"missing"}),
        (lambda lines: [*lines[:4], lines[3], *lines[4:]], {"order"}),
        (lambda lines: lines[:-1], {"truncated"}),
        (lambda lines: [], {"truncated"}),
        (lambda lines: [*lines[:3], b'{"made":"up"}\n', *lines[3:]], {"malformed"}),
        (lambda lines: [*lines[:3], b"\n", *lines[3:]], {"malformed"}),
        (seal_first_of_another_session, {"other-session"}),
        (lambda lines: [*lines[:-1], lines[-1].replace(b"/x", b"/y")], {"edited"}),
    ],
)
def test_every_kind_of_tampering_is_found(log: Path, change: Callable[[Lines], Lines], found: set[Fault]) -> None:
    log.write_bytes(b"".join(change(log.read_bytes().splitlines(keepends=True))))
    assert found <= set(faults(log))
    assert not verify(log).is_intact


def test_the_line_is_named(log: Path) -> None:
    log.write_bytes(b"".join(edit(log.read_bytes().splitlines(keepends=True))))
    assert [(problem.file, problem.line) for problem in verify(log).problems] == [("network.jsonl", 4)]


@settings(max_examples=150, deadline=None)
@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_no_single_byte_can_change_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, position: int, byte: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "network.jsonl"
    write_log(path, 3)
    data = bytearray(path.read_bytes())
    position %= len(data)
    if data[position] == byte:
        return
    data[position] = byte
    path.write_bytes(data)
    assert not verify(path).is_intact


def test_crash_in_the_middle_of_a_line_is_reported_and_no_fault(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b'{"schema_version":1,"seq":10,"sess')
    result = verify(log)
    assert [problem.fault for problem in result.problems] == ["unfinished"]
    assert result.is_intact
    assert result.lines == 9


def test_last_line_without_its_newline_counts_as_missing(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-1])
    assert "truncated" in faults(log)


def test_without_a_head_everything_but_a_missing_end_is_still_found(log: Path) -> None:
    chain.head_path(log).unlink()
    assert verify(log).is_intact
    log.write_bytes(b"".join(edit(log.read_bytes().splitlines(keepends=True))))
    assert faults(log) == ["edited"]


def test_head_that_is_no_head_is_an_error(log: Path) -> None:
    chain.head_path(log).write_bytes(b"nonsense\n")
    with pytest.raises(ChainError, match="not the head of a log"):
        verify(log)


def test_chain_goes_on_over_rotated_files(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    write_log(path, 50, rotate_bytes=2000)
    result = verify(path)
    assert result.is_intact
    assert (result.lines, result.last) == (50, 50)
    assert len(result.files) > 3
    (tmp_path / result.files[1]).unlink()
    assert "missing" in faults(path)


def test_line_from_another_log_of_the_same_number_does_not_fit(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "network.jsonl"
    other.parent.mkdir()
    write_log(other, 9, session="s2")
    lines = log.read_bytes().splitlines(keepends=True)
    foreign = other.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:3], foreign[3], *lines[4:]]))
    assert "other-session" in faults(log)
