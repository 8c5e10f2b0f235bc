"""docker_process: a terminal settles on its last size while the engine is not ready; what cannot start is named."""

import anyio
import pytest

from tests.unit.sandbox.test_docker_stream import Recorded
from vibedom.sandbox.docker_http import RefusalError
from vibedom.sandbox.docker_process import CANNOT_FIND, DockerProcess, is_missing
from vibedom.sandbox.docker_stream import Attached

pytestmark = pytest.mark.anyio


class SlowTerminal:
    """A process whose terminal takes sizes only after some refusals."""

    def __init__(self, refusals: list[int]) -> None:
        self.refusals = refusals
        self.sizes: list[tuple[int, int]] = []

    async def resize(self, columns: int, rows: int) -> None:
        await anyio.lowlevel.checkpoint()
        if self.refusals:
            raise RefusalError("process not found", self.refusals.pop())
        self.sizes.append((columns, rows))

    async def signal(self, signum: int) -> None:
        raise AssertionError("nobody signals here")

    async def wait(self, attached: Attached) -> int:
        return 0


def process(handle: SlowTerminal, *, tty: bool = True) -> DockerProcess:
    return DockerProcess(handle, Attached(Recorded()), tty=tty)


async def test_a_size_is_tried_again_until_the_engine_takes_it() -> None:
    terminal = SlowTerminal([409, 500, 409])
    with anyio.fail_after(5):
        await process(terminal).resize(120, 40)
    assert terminal.sizes == [(120, 40)]


async def test_of_fifty_sizes_the_last_one_stands() -> None:
    terminal = SlowTerminal([409])
    resized = process(terminal)
    async with anyio.create_task_group() as group:
        for columns in range(50, 100):
            group.start_soon(resized.resize, columns, 30)
    assert terminal.sizes[-1] == (99, 30)
    assert len(terminal.sizes) < 5


async def test_a_process_that_has_ended_is_not_waited_for() -> None:
    terminal = SlowTerminal([404] * 1000)
    ended = process(terminal)
    await ended.wait()
    with anyio.fail_after(1):
        await ended.resize(80, 24)


async def test_without_a_terminal_there_is_no_size() -> None:
    terminal = SlowTerminal([])
    await process(terminal, tty=False).resize(80, 24)
    assert terminal.sizes == []


NOT_FOUND = b'OCI runtime exec failed: exec failed: exec: "x": executable file not found in $PATH: unknown'


@pytest.mark.parametrize(
    ("shown", "head", "expected"),
    [
        ({"Pid": 0, "ExitCode": 126}, NOT_FOUND, True),
        ({"Pid": 4711, "ExitCode": 126}, NOT_FOUND, False),
        ({"Pid": 0, "ExitCode": 126}, b"exec: permission denied", False),
    ],
)
async def test_only_the_engines_own_words_make_a_command_missing(
    shown: dict[str, int], head: bytes, expected: bool
) -> None:
    assert is_missing(shown, head) is expected
    assert CANNOT_FIND == 127
