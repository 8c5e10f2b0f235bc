"""Following a log: every whole line once, in order, whatever happens to the file."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vibedom.web.log_tail import PIECE_BYTES, LogTail


def drained(tail: LogTail) -> list[bytes]:
    lines: list[bytes] = []
    while more := tail.read():
        lines += more
    return lines


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def rotate(path: Path, number: int) -> None:
    """As `JsonlSink` does it."""
    fresh = path.with_name(path.name + ".next")
    fresh.touch()
    os.rename(path, path.with_name(f"network.{number:06d}.jsonl"))
    os.rename(fresh, path)


def test_a_line_is_given_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    tail = LogTail(path, last_bytes=1000)
    assert tail.read() == []
    append(path, b"one\ntw")
    assert drained(tail) == [b"one"]
    append(path, b"o\n")
    assert drained(tail) == [b"two"]
    tail.close()


@given(st.lists(st.sampled_from(["line", "half", "rotate", "read"]), max_size=40))
def test_no_line_is_lost_or_given_twice_across_rotations(steps: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "network.jsonl"
        path.touch()
        tail = LogTail(path, last_bytes=1000)
        written: list[bytes] = []
        got: list[bytes] = []
        parts = 0
        for number, step in enumerate(steps):
            line = b"%d" % number
            if step == "line":
                append(path, line + b"\n")
                written.append(line)
            elif step == "half":
                append(path, line)
                got += drained(tail)
                append(path, b"\n")
                written.append(line)
            elif step == "rotate":
                parts += 1
                rotate(path, parts)
            else:
                got += drained(tail)
        for _ in range(parts + 1):  # an empty part ends a drain
            got += drained(tail)
        tail.close()
        assert got == written


def test_only_the_end_of_a_long_log_is_read_and_no_cut_line(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    append(path, b"".join(b"%06d\n" % number for number in range(10_000)))
    tail = LogTail(path, last_bytes=70)
    assert drained(tail) == [b"%06d" % number for number in range(9_990 + 1, 10_000)]
    tail.close()


def test_a_flood_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "network.jsonl"
    line = b"x" * 999 + b"\n"
    append(path, line * (3 * PIECE_BYTES // 1000))
    tail = LogTail(path, last_bytes=1 << 30)
    assert len(tail.read()) <= PIECE_BYTES // 1000
    assert len(drained(tail)) + PIECE_BYTES // 1000 == 3 * PIECE_BYTES // 1000
    tail.close()


def test_a_link_in_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"treasure\n")
    path = tmp_path / "network.jsonl"
    path.symlink_to(secret)
    tail = LogTail(path, last_bytes=1000)
    assert tail.read() == []
    tail.close()
