"""Long chunks of streams are read piece by piece, and others have their turn where that takes long."""

from collections.abc import Iterable

import pytest

from vibedom.proxy.turns import PIECE_BYTES, TURN_SECONDS, Turns, turns_for

CHUNK = bytes(range(256)) * 1024


class Reader:
    """Reads at a given speed, by a clock of its own; the last byte of each piece waits for the next."""

    def __init__(self, seconds: float) -> None:
        """`seconds` for all of CHUNK."""
        self.now = 0.0
        self.seconds = seconds
        self.pieces: list[int] = []
        self._waiting = b""

    def __call__(self, piece: bytes) -> Iterable[bytes]:
        self.now += self.seconds * len(piece) / len(CHUNK)
        self.pieces.append(len(piece))
        data, self._waiting = self._waiting + piece[:-1], piece[-1:]
        return [data] if data else []

    def clock(self) -> float:
        return self.now


def turns_of(reader: Reader, turns: Turns) -> tuple[list[bytes], list[float]]:
    """The parts of CHUNK, and how long each took."""
    parts, lengths, began = [], [], reader.now
    for part in turns.read(reader, CHUNK):
        parts.append(part)
        lengths.append(reader.now - began)
        began = reader.now
    return parts, lengths


def test_what_is_read_fast_is_one_turn() -> None:
    reader = Reader(TURN_SECONDS / 2)
    parts, _ = turns_of(reader, Turns(clock=reader.clock))
    assert parts == [CHUNK[:-1]]
    assert max(reader.pieces) == PIECE_BYTES


@pytest.mark.parametrize("slowness", [2, 10, 100])
def test_what_is_read_slowly_is_many_short_turns_and_nothing_is_lost(slowness: int) -> None:
    reader = Reader(slowness * TURN_SECONDS)
    parts, lengths = turns_of(reader, Turns(clock=reader.clock))
    assert b"".join(parts) == CHUNK[:-1]
    assert len(parts) >= slowness / 8
    piece = slowness * TURN_SECONDS * PIECE_BYTES / len(CHUNK)
    assert max(lengths) <= 1.01 * TURN_SECONDS + piece
    assert sum(reader.pieces) == len(CHUNK)


def test_a_body_that_is_only_counted_is_read_as_it_comes() -> None:
    counted = Reader(100 * TURN_SECONDS)
    parts = list(turns_for("stream-raw").read(counted, CHUNK))
    assert parts == [CHUNK[:-1]]
    assert counted.pieces == [len(CHUNK)]


@pytest.mark.parametrize("plan", ["gather", "stream", "watch"])
def test_a_body_that_is_scanned_is_read_in_pieces(plan: str) -> None:
    scanned = Reader(0)
    list(turns_for(plan).read(scanned, CHUNK))  # type: ignore[arg-type]
    assert max(scanned.pieces) == PIECE_BYTES


def test_what_the_reader_raises_ends_the_chunk() -> None:
    def broken(piece: bytes) -> Iterable[bytes]:
        raise ValueError

    with pytest.raises(ValueError):
        list(Turns().read(broken, b"x"))
