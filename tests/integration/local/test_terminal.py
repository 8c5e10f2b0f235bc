"""A terminal in the local sandbox is a real one: job control, interrupts, sizes, hang-up."""

import signal

import pytest

from tests.integration.runtimes import Box, finish, read_until

pytestmark = [pytest.mark.anyio]

SHELL = ("env", "PS1=> ", "bash", "--norc", "--noprofile", "-i")


async def test_ctrl_c_interrupts_the_command_and_not_the_shell(box: Box) -> None:
    process = await box.exec(*SHELL, tty=True)
    await read_until(process, "> ")
    await process.write(b"sh -c 'echo begin; exec sleep 1000'\n")
    await read_until(process, "begin\r\n")
    await process.write(b"\x03")
    await read_until(process, "> ")
    await process.write(b"echo code $?; exit 5\n")
    await read_until(process, f"code {128 + signal.SIGINT}\r\n")
    assert (await finish(process)).code == 5


async def test_ctrl_z_stops_a_job_and_fg_goes_on_with_it(box: Box) -> None:
    process = await box.exec(*SHELL, tty=True)
    await read_until(process, "> ")
    await process.write(b"sh -c 'echo begin; read line; echo got $line'\n")
    await read_until(process, "begin\r\n")
    await process.write(b"\x1a")
    await read_until(process, "Stopped")
    await process.write(b"fg\n")
    await read_until(process, "read line")
    await process.write(b"more\n")
    await read_until(process, "got more\r\n")
    await process.write(b"exit\n")
    assert (await finish(process)).code == 0


async def test_a_new_size_is_signalled(box: Box) -> None:
    process = await box.exec("bash", "-c", "trap 'stty size' WINCH; echo on; while :; do read -t 1; done", tty=True)
    await read_until(process, "on\r\n")
    await process.resize(91, 17)
    await read_until(process, "17 91\r\n")
    await process.signal(signal.SIGKILL)
    assert (await finish(process)).code == 128 + signal.SIGKILL


async def test_the_end_of_the_input_is_the_terminals_own_key(box: Box) -> None:
    process = await box.exec("cat", tty=True)
    await process.write(b"line\n")
    await read_until(process, "line\r\nline\r\n")
    assert (await finish(process)).code == 0


async def test_a_process_that_closes_its_terminal_before_it_ends_is_not_hung_up_on(box: Box) -> None:
    process = await box.exec("sh", "-c", "exec 0<&- 1>&- 2>&-; sleep 0.3; exit 7", tty=True)
    assert (await finish(process)).code == 7


async def test_the_terminal_is_the_sandboxs_own_device(box: Box) -> None:
    first = await box.exec("sh", "-c", "tty; ls /dev/pts; read x", tty=True)
    seen = await read_until(first, "ptmx\r\n")
    assert seen.split() == ["/dev/pts/0", "0", "ptmx"]
    assert (await finish(first, stdin=b"x\n")).code == 0


async def test_closing_the_sandbox_hangs_up(box: Box) -> None:
    process = await box.exec(
        "sh", "-c", "trap 'echo hup >/work/hup; exit' HUP TERM; echo on; while :; do sleep 0.05; done", tty=True
    )
    await read_until(process, "on\r\n")
    box.border.close()
    await box.sandbox.aclose()
    assert (box.spec.upper / "hup").read_text() == "hup\n"
