"""docker_stream: one stream of the engine becomes two outputs, in order, without loss, and with little held back."""

import anyio
import pytest

from vibedom.sandbox.docker_stream import STDERR, STDOUT, UNREAD_BYTES, Attached

pytestmark = pytest.mark.anyio


class Recorded:
    """Streams whose pieces are known; counts how many have been taken."""

    def __init__(self, *messages: tuple[int, bytes], error: Exception | None = None) -> None:
        self.messages = messages
        self.error = error
        self.taken = 0

    async def write(self, data: bytes) -> None:
        raise AssertionError("nothing is written here")

    def end_input(self) -> None:
        raise AssertionError("nothing is written here")

    def close(self) -> None:
        self.is_closed = True

    async def read(self) -> tuple[int, bytes] | None:
        await anyio.lowlevel.checkpoint()
        if self.taken < len(self.messages):
            self.taken += 1
            return self.messages[self.taken - 1]
        if self.error is not None:
            raise self.error
        return None


async def everything(attached: Attached) -> dict[int, bytes]:
    seen = {STDOUT: b"", STDERR: b""}

    async def drain(number: int) -> None:
        while (data := await attached.read(STDOUT if number == STDOUT else STDERR)) is not None:
            seen[number] += data

    async with anyio.create_task_group() as group:
        for number in seen:
            group.start_soon(drain, number)
    return seen


async def test_each_output_gets_its_own_bytes_in_order() -> None:
    attached = Attached(Recorded((1, b"a"), (2, b"x"), (2, b"y"), (1, b"b"), (1, b"c")))
    with anyio.fail_after(5):
        assert await everything(attached) == {STDOUT: b"abc", STDERR: b"xy"}
    assert attached.ended.is_set()
    assert attached.head == b"axybc"


async def test_the_end_is_the_end_again_and_again() -> None:
    attached = Attached(Recorded())
    with anyio.fail_after(5):
        assert [await attached.read(STDOUT), await attached.read(STDERR), await attached.read(STDOUT)] == [None] * 3


async def test_a_connection_that_breaks_is_an_end() -> None:
    attached = Attached(Recorded((1, b"before"), error=ConnectionResetError()))
    with anyio.fail_after(5):
        assert await everything(attached) == {STDOUT: b"before", STDERR: b""}


async def test_a_reader_of_one_output_holds_little_of_the_other() -> None:
    chunk = bytes(64 << 10)
    stream = Recorded(*[(2, chunk)] * 100, (1, b"last"))
    attached = Attached(stream)
    with anyio.move_on_after(0.2) as waiting:
        await attached.read(STDOUT)
    assert waiting.cancelled_caught
    assert stream.taken * len(chunk) <= UNREAD_BYTES + len(chunk)
    with anyio.fail_after(5):
        assert await everything(attached) == {STDOUT: b"last", STDERR: chunk * 100}


async def test_a_cancelled_read_loses_nothing() -> None:
    attached = Attached(Recorded(*[(1, bytes([number])) for number in range(200)]))
    seen = b""
    for _ in range(1000):
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(_cancel_soon, scope)
                data = await attached.read(STDOUT)
                seen += data or b""
                group.cancel_scope.cancel()
    seen += (await everything(attached))[STDOUT]
    assert seen == bytes(range(200))


async def _cancel_soon(scope: anyio.CancelScope) -> None:
    await anyio.lowlevel.checkpoint()
    scope.cancel()
