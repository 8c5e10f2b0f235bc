"""Every runtime gives the same processes: streams, terminals, signals and exit codes."""

import hashlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.integration import runtimes
from tests.integration.runtimes import Box, finish, locked, make_spec, read_until
from vibedom.sandbox.runtime import Process

pytestmark = [pytest.mark.anyio, pytest.mark.engine]


@pytest.fixture(params=sorted(runtimes.RUNTIMES))
async def box(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Box]:
    """A locked sandbox in which nothing runs yet."""
    runtime = await runtimes.runtime_or_skip(request.param, tmp_path / "state")
    async with locked(runtime, make_spec(tmp_path)) as found:
        yield found
    assert await runtime.leftovers() == []
    await runtime.aclose()


CODES = [
    (("true",), 0),
    (("sh", "-c", "exit 7"), 7),
    (("sh", "-c", "exit 255"), 255),
    (("sh", "-c", "kill -9 $$"), 128 + signal.SIGKILL),
    (("sh", "-c", "kill -TERM $$"), 128 + signal.SIGTERM),
    (("no-such-command",), 127),
    (("/work/readme.txt",), 126),
]


@pytest.mark.parametrize(("argv", "code"), CODES)
async def test_the_main_process_ends_with_its_own_code(box: Box, argv: tuple[str, ...], code: int) -> None:
    assert (await finish(await box.start(*argv))).code == code


async def test_an_exec_ends_with_its_own_code(box: Box) -> None:
    await box.idle()
    for argv, code in CODES:
        assert (await finish(await box.exec(*argv))).code == code, argv


async def test_output_and_error_come_apart_without_a_terminal(box: Box) -> None:
    outcome = await finish(await box.start("sh", "-c", "echo out; echo err >&2; exit 3"))
    assert (outcome.code, outcome.out, outcome.err) == (3, "out\n", "err\n")


async def test_the_end_of_the_input_reaches_the_process_and_its_answer_comes_back(box: Box) -> None:
    data = bytes(range(256)) * 8192
    process = await box.start("sha256sum")
    outcome = await finish(process, stdin=data)
    assert (outcome.code, outcome.out) == (0, f"{hashlib.sha256(data).hexdigest()}  -\n")
    await box_write_after_the_end(process)


async def box_write_after_the_end(process: Process) -> None:
    """What is written after a process has ended is dropped without an error."""
    await process.write(b"late")
    await process.close_stdin()


async def test_the_input_of_an_exec_ends_too(box: Box) -> None:
    await box.idle()
    outcome = await finish(await box.exec("cat"), stdin=b"through\n")
    assert (outcome.code, outcome.out) == (0, "through\n")


async def test_ten_megabytes_arrive_whole(box: Box) -> None:
    process = await box.start("sh", "-c", "head -c 10485760 /dev/zero | tr '\\000' x; echo end >&2")
    outcome = await finish(process)
    assert (outcome.code, len(outcome.out), set(outcome.out), outcome.err) == (0, 10 << 20, {"x"}, "end\n")


async def test_a_process_waits_for_a_slow_reader(box: Box) -> None:
    """What is not read is not held: the process has not got far when nobody has read for a while."""
    process = await box.start(
        "sh",
        "-c",
        "i=0; echo 0 >progress; while [ $i -lt 600 ]; do head -c 100000 /dev/zero; i=$((i+1)); echo $i >progress; done",
    )
    assert await process.read()
    stalled = await box.sh(
        "while :; do a=$(cat progress); sleep 1; case $a in '') ;; $(cat progress)) break ;; esac; done; echo $a"
    )
    assert int(stalled.out) < 300
    assert (await finish(process)).code == 0


async def test_an_exec_prints_while_nobody_has_asked_for_its_end(box: Box) -> None:
    await box.idle()
    process = await box.exec("sh", "-c", "echo one; read line; echo two $line")
    await read_until(process, "one\n")
    await process.write(b"more\n")
    await read_until(process, "two more\n")
    assert (await finish(process)).code == 0


async def test_a_terminal_has_one_output_and_the_size_it_is_given(box: Box) -> None:
    process = await box.start("sh", "-c", "tty; echo err >&2; read go; stty size; exit 4", tty=True)
    await process.resize(132, 43)
    seen = await read_until(process, "err\r\n")
    assert "/dev/" in seen
    assert await process.read_stderr() is None
    await process.write(b"go\n")
    outcome = await finish(process)
    assert outcome.out.splitlines()[-1] == "43 132"
    assert outcome.code == 4


async def test_a_terminal_for_an_exec(box: Box) -> None:
    await box.idle()
    process = await box.exec("sh", "-c", "echo ready; read go; stty size", tty=True)
    await process.resize(101, 31)
    await read_until(process, "ready")
    await process.write(b"go\n")
    assert (await finish(process)).out.splitlines()[-1] == "31 101"


async def test_of_many_sizes_at_once_the_last_one_counts(box: Box) -> None:
    process = await box.start("sh", "-c", "echo ready; read go; stty size", tty=True)
    await read_until(process, "ready")
    async with anyio.create_task_group() as group:
        for columns in range(60, 110):
            group.start_soon(process.resize, columns, 20)
    await process.write(b"go\n")
    assert (await finish(process)).out.splitlines()[-1] == "20 109"


async def test_the_terminals_interrupt_reaches_the_foreground_only(box: Box) -> None:
    process = await box.start("sh", "-c", "trap 'echo caught' INT; echo ready; read x; echo still here", tty=True)
    await read_until(process, "ready")
    await process.write(b"\x03")
    await read_until(process, "caught")
    await process.write(b"\n")
    assert (await finish(process)).code == 0


@pytest.mark.parametrize("beside", [False, True])
async def test_a_signal_reaches_the_process(box: Box, beside: bool) -> None:
    if beside:
        await box.idle()
    start = box.exec if beside else box.start
    process = await start("sh", "-c", "trap 'echo got it; exit 5' USR1; echo ready; while :; do sleep 0.05; done")
    await read_until(process, "ready")
    await process.signal(signal.SIGUSR1)
    await read_until(process, "got it")
    assert (await finish(process)).code == 5


async def test_a_killed_exec_has_the_code_of_a_kill_and_the_main_process_goes_on(box: Box) -> None:
    main = await box.idle()
    process = await box.exec("sh", "-c", "echo ready; exec sleep 1000")
    await read_until(process, "ready")
    await process.signal(signal.SIGKILL)
    assert (await finish(process)).code == 128 + signal.SIGKILL
    assert (await box.sh("echo alive")).out == "alive\n"
    await main.signal(signal.SIGTERM)
    assert (await finish(main)).code == 128 + signal.SIGTERM


async def test_no_command_is_a_login_shell(box: Box) -> None:
    process = await box.start(tty=True)
    await process.write(b"echo $((6*7)); exit 9\n")
    await read_until(process, "42")
    assert (await finish(process)).code == 9


async def test_the_working_directory_is_the_commands(box: Box) -> None:
    process = await box.start("pwd", working_directory="/mnt/workspace")
    assert (await finish(process)).out == "/mnt/workspace\n"


async def test_pausing_holds_every_process_and_resuming_lets_them_go_on(box: Box) -> None:
    process = await box.start("sh", "-c", "while :; do echo tick; sleep 0.01; done")
    await read_until(process, "tick")
    await box.sandbox.pause()
    with anyio.move_on_after(0.5) as quiet:
        while await process.read() is not None:
            quiet.deadline = max(quiet.deadline, anyio.current_time() + 0.3)
    assert quiet.cancelled_caught
    await box.sandbox.resume()
    await read_until(process, "tick")
    await box.sandbox.stop(0)
    await finish(process)


async def test_stop_asks_first(box: Box) -> None:
    process = await box.start("sh", "-c", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    await read_until(process, "ready")
    await box.sandbox.stop(20)
    outcome = await finish(process)
    assert (outcome.code, outcome.out) == (0, "bye\n")


async def test_stop_kills_what_does_not_listen(box: Box) -> None:
    process = await box.start("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    await read_until(process, "ready")
    with anyio.fail_after(30):
        await box.sandbox.stop(1)
    assert (await finish(process)).code == 128 + signal.SIGKILL


async def test_a_paused_sandbox_can_be_stopped(box: Box) -> None:
    process = await box.idle()
    await box.sandbox.pause()
    with anyio.fail_after(30):
        await box.sandbox.stop(1)
    assert (await finish(process)).code in (128 + signal.SIGTERM, 128 + signal.SIGKILL)


async def test_no_zombie_is_left(box: Box) -> None:
    await box.idle()
    await box.sh("i=0; while [ $i -lt 300 ]; do (true & exec true) & i=$((i+1)); done; wait")
    zombies = "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null"
    assert (await box.sh(f"while {zombies}; do sleep 0.1; done >/dev/null; echo none")).out == "none\n"
