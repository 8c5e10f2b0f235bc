"""A session that runs in the background while a test does something with it."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time
from collections.abc import AsyncIterator, Iterator, Mapping

from tests.integration.run.conftest import Finished, Vibedom

QUIT = b"\x10\x11"


@contextlib.asynccontextmanager
async def detached(vibedom: Vibedom, script: str, *, name: str, options: tuple[str, ...] = ()) -> AsyncIterator[str]:
    """`vibedom run --detach`; the session is stopped at the end."""
    done = await start(vibedom, script, name=name, options=options)
    assert done.code == 0, done
    assert done.out == f"{name}\n"
    try:
        yield name
    finally:
        await vibedom("stop", name)


async def start(vibedom: Vibedom, script: str, *, name: str, options: tuple[str, ...] = ()) -> Finished:
    return await vibedom.run("sh", "-c", script, options=("--detach", "--name", name, *options))


class Terminal:
    """A pseudo-terminal with a command on it."""

    def __init__(self, argv: list[str], environment: Mapping[str, str], *, rows: int = 24, columns: int = 80) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""

        def take_the_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            argv,
            env={**environment, "TERM": "xterm"},
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            preexec_fn=take_the_terminal,  # the only thread of the child
        )

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def read_until(self, pattern: bytes, seconds: float = 60) -> bytes:
        """Output up to and with the first match of a regular expression; what follows is kept for the next call."""
        os.set_blocking(self.master, False)
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < end, (pattern, self.seen[-2000:])
            try:
                self.seen += os.read(self.master, 65536)
            except BlockingIOError:
                time.sleep(0.02)
        read, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return read

    def type_until(self, keys: bytes, pattern: bytes, times: int = 100) -> None:
        """Type `keys` again and again until the answer is as wanted: a new size takes its time to get there."""
        for _ in range(times):
            self.type(keys)
            with contextlib.suppress(AssertionError):
                self.read_until(pattern, seconds=0.3)
                return
        raise AssertionError(self.seen[-2000:])

    @property
    def is_restored(self) -> bool:
        return termios.tcgetattr(self.slave) == self.before

    def hang_up(self) -> None:
        """What closing the window does."""
        os.close(self.slave)
        os.close(self.master)
        self.slave = self.master = -1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for descriptor in (self.slave, self.master):
            if descriptor >= 0:
                os.close(descriptor)


@contextlib.contextmanager
def terminal(vibedom: Vibedom, *arguments: str, rows: int = 24, columns: int = 80) -> Iterator[Terminal]:
    made = Terminal(vibedom.argv(*arguments), vibedom.environment, rows=rows, columns=columns)
    try:
        yield made
    finally:
        made.close()
