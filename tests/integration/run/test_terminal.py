"""A terminal in front of the agent: size, keys, exit code, and what is left of it afterwards."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
import time

import pytest

from tests.integration.run.conftest import Vibedom

pytestmark = [pytest.mark.anyio, pytest.mark.engine]


class Terminal:
    """A pseudo-terminal with vibedom on it."""

    def __init__(self, vibedom: Vibedom, *command: str, rows: int, columns: int) -> None:
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen(
            vibedom.run_argv(*command),
            env={**vibedom.environment, "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        self.seen = b""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def read_until(self, text: bytes, seconds: float = 60) -> None:
        os.set_blocking(self.master, False)
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            try:
                self.seen += os.read(self.master, 65536)
            except BlockingIOError:
                time.sleep(0.02)

    def type_until(self, keys: bytes, text: bytes, times: int = 100) -> None:
        """Type `keys` again and again until `text` is seen."""
        for _ in range(times):
            self.type(keys)
            with contextlib.suppress(AssertionError):
                return self.read_until(text, seconds=0.2)
        raise AssertionError(self.seen)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)


async def test_the_agent_sees_the_size_and_its_changes_and_gets_every_key(vibedom: Vibedom) -> None:
    # An engine before API 1.42 sizes a container's terminal after its start only, so the size is waited for.
    script = (
        "until [ \"$(stty size)\" = '31 97' ]; do sleep 0.05; done; stty size;"
        " trap 'stty size' WINCH; stty raw -echo; echo READY;"
        " dd bs=1 count=3 2>/dev/null | od -An -tx1; stty sane;"
        " while :; do read l || continue; [ $l = end ] && exit 5; stty size; done"
    )
    terminal = Terminal(vibedom, "sh", "-c", script, rows=31, columns=97)
    try:
        terminal.read_until(b"31 97")
        terminal.read_until(b"READY")
        terminal.type(b"\x03\x10\x1a")
        terminal.read_until(b"03 10 1a")
        terminal.resize(44, 120)
        os.kill(terminal.process.pid, 28)
        terminal.type_until(b"size\n", b"44 120")
        terminal.type(b"end\n")
        terminal.read_until(b"ended with exit code 5")
        terminal.process.wait(timeout=30)
        assert terminal.process.returncode == 5
        assert termios.tcgetattr(terminal.slave) == terminal.before
    finally:
        terminal.close()


async def test_a_shell_is_the_default_and_the_changes_can_be_applied_at_its_end(vibedom: Vibedom) -> None:
    terminal = Terminal(vibedom, rows=24, columns=80)
    try:
        # What is typed before the agent has the terminal is dropped when that goes into raw mode.
        terminal.type_until(b"echo hi > made.txt; echo DO''NE\n", b"DONE")
        terminal.type(b"exit\n")
        terminal.read_until(b"[k]eep")
        terminal.type(b"a\n")
        terminal.read_until(b"applied 1 change")
        terminal.process.wait(timeout=30)
        assert (vibedom.project / "made.txt").read_text() == "hi\n"
    finally:
        terminal.close()
