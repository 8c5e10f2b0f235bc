"""What is packed comes out of a stream as it does of a whole body, however the stream is cut."""

import gzip
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.unpacking import MAX_WORK_BYTES, Unpacking
from tests.unit.pipeline.test_archives import PACKED, TEXT

STREAMED = {name: packed for name, packed in PACKED.items() if not packed.isascii()}
"""Base64 is not looked into where a body streams."""


def unpacked(data: bytes, size: int) -> list[bytes]:
    unpacking = Unpacking()
    return [text for at in range(0, len(data), size) for text in unpacking.feed(data[at : at + size])]


@pytest.mark.parametrize("packed", STREAMED.values(), ids=STREAMED.keys())
@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_what_is_packed_comes_out_of_a_stream(packed: bytes, size: int) -> None:
    assert any(TEXT in text for text in unpacked(packed, size))


def test_what_is_cut_in_two_comes_whole_with_the_second_part() -> None:
    packed = gzip.compress(random.Random(1).randbytes(50_000) + TEXT + random.Random(2).randbytes(50_000))
    assert sum(TEXT in text for text in unpacked(packed, 100)) >= 1


def test_a_bomb_in_a_stream_costs_no_more_than_the_limit() -> None:
    bomb = gzip.compress(bytes(1 << 26), 1) * 3
    began = time.thread_time()
    assert sum(len(text) for text in unpacked(bomb, 65536)) <= 2 * MAX_WORK_BYTES
    assert time.thread_time() - began < 5


@given(st.binary(max_size=2000), st.sampled_from([b"PK\x03\x04", b"\x1f\x8b\x08\0", b"x\x9c"]), st.integers(1, 50))
def test_never_raises_for_any_bytes_in_any_pieces(data: bytes, beginning: bytes, size: int) -> None:
    unpacked(beginning + data, size)
