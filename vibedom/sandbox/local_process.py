"""One process of a local sandbox: its streams are pipes or a TTY, its end comes through a channel to process 1."""

import array
import contextlib
import fcntl
import marshal
import os
import socket
import struct
import termios
from collections.abc import Sequence
from typing import Any

import anyio

from vibedom.errors import SandboxError

_CHUNK_BYTES = 1 << 16
_LONGEST_REQUEST_BYTES = 180_000
"""Argv and environment of one command travel in one datagram; the kernel takes a little more than this."""
_START_SECONDS = 30.0


class LocalProcess:
    """Implements `Process`. Make it with `start_process`."""

    def __init__(self, channel: socket.socket, stdin: int, stdout: int, stderr: int | None) -> None:
        self._channel = channel
        self._stdin: int | None = stdin
        self._stdout: int | None = stdout
        self._stderr = stderr
        self._has_tty = stderr is None
        self._code: int | None = None
        self._ended = anyio.Lock()

    async def read(self) -> bytes | None:
        data = await _read(self._stdout)
        if data is None and self._has_tty:
            # Many programs close their streams before they exit; to close the terminal then would hang up on them.
            await self.wait()
        if data is None and self._stdout is not None:
            self._let_go(self._stdout)
            self._stdout = None
        return data

    async def read_stderr(self) -> bytes | None:
        data = await _read(self._stderr)
        if data is None and self._stderr is not None:
            self._let_go(self._stderr)
            self._stderr = None
        return data

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self._stdin is not None:
            try:
                view = view[os.write(self._stdin, view) :]
            except BlockingIOError:
                await anyio.wait_writable(self._stdin)
            except OSError:  # EPIPE or EIO: the reader is gone, and what it would have read with it
                await self.close_stdin()

    async def close_stdin(self) -> None:
        """End of input. A TTY has none of its own: there it is the key the terminal is set to (Ctrl-D)."""
        if self._stdin is None:
            return
        if self._has_tty:
            with contextlib.suppress(OSError):
                os.write(self._stdin, _end_of_file_key(self._stdin))
        else:
            self._let_go(self._stdin)
        self._stdin = None

    async def resize(self, columns: int, rows: int) -> None:
        if self._has_tty and self._stdout is not None:
            fcntl.ioctl(self._stdout, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    async def signal(self, signum: int) -> None:
        with contextlib.suppress(OSError):  # process 1 is gone, and everybody with it
            self._channel.send(f"signal {signum}".encode())

    async def wait(self) -> int:
        async with self._ended:
            if self._code is None:
                self._code = await _read_exit(self._channel)
                self._channel.close()
            return self._code

    @property
    def is_over(self) -> bool:
        """It has ended, and everything of it has been read."""
        return self._code is not None and self._stdout is None and self._stderr is None

    def close(self) -> None:
        """Let go of the streams; the process sees the end of its input, or a hang-up of its TTY."""
        for descriptor in {self._stdin, self._stdout, self._stderr}:
            if descriptor is not None:
                anyio.notify_closing(descriptor)
                os.close(descriptor)
        self._stdin = self._stdout = self._stderr = None
        self._channel.close()

    def _let_go(self, descriptor: int) -> None:
        """Close one stream, unless another one is the same TTY."""
        others = [self._stdin, self._stdout, self._stderr].count(descriptor)
        if others == 1:
            anyio.notify_closing(descriptor)
            os.close(descriptor)


async def _read(descriptor: int | None) -> bytes | None:
    while descriptor is not None:
        try:
            return os.read(descriptor, _CHUNK_BYTES) or None
        except BlockingIOError:
            await anyio.wait_readable(descriptor)
        except OSError:  # EIO: the last process has closed the TTY
            return None
    return None


async def _read_exit(channel: socket.socket) -> int:
    """The exit code, or 137 (SIGKILL) where process 1 ended before it could tell."""
    while True:
        await anyio.wait_readable(channel)
        try:
            word = channel.recv(64)
        except BlockingIOError:
            continue
        except OSError:
            word = b""
        verb, _, number = word.partition(b" ")
        if verb == b"exit" and number.isdigit():
            return int(number) & 0xFF
        if not word:
            return 137


def _end_of_file_key(terminal: int) -> bytes:
    key = termios.tcgetattr(terminal)[6][termios.VEOF]
    return key if isinstance(key, bytes) else bytes([key])


async def start_process(control: socket.socket, request: dict[str, Any], *, tty: bool) -> LocalProcess:
    """Ask process 1 at the other side of `control` to start `request`. Raises `SandboxError` where it cannot."""
    text = marshal.dumps(request)
    if len(text) > _LONGEST_REQUEST_BYTES:
        raise SandboxError("the command and its environment are too long for the sandbox; pass them in a file")
    with contextlib.ExitStack() as undo:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        undo.callback(ours.close)
        kept, given = ([], []) if tty else _pipes()
        for descriptor in kept:
            undo.callback(os.close, descriptor)
        try:
            _send(control, b"channel", [theirs.fileno()])
            _send(ours, text, given)
        finally:
            theirs.close()
            for descriptor in given:
                os.close(descriptor)
        ours.setblocking(False)
        master = await _started(ours)
        undo.pop_all()
    if tty:
        os.set_blocking(master, False)
        return LocalProcess(ours, master, master, None)
    return LocalProcess(ours, *kept)


def _pipes() -> tuple[list[int], list[int]]:
    """Standard input, output and error: our ends, which never block, and the process's."""
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    kept = [in_write, out_read, err_read]
    for descriptor in kept:
        os.set_blocking(descriptor, False)
    return kept, [in_read, out_write, err_write]


def _send(channel: socket.socket, word: bytes, descriptors: Sequence[int]) -> None:
    try:
        socket.send_fds(channel, [word], list(descriptors))
    except OSError as exc:
        raise SandboxError("the sandbox has ended; start a new session") from exc


async def _started(channel: socket.socket) -> int:
    """Wait for process 1's answer; the TTY's descriptor, or -1 where there is none."""
    with anyio.move_on_after(_START_SECONDS):
        await anyio.wait_readable(channel)
        word, ancillary, _, _ = channel.recvmsg(64, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
        received = array.array("i")
        for _, _, data in ancillary:
            received.frombytes(data[: len(data) - len(data) % 4])
        if word == b"started":
            return received[0] if received else -1
    raise SandboxError("the sandbox cannot start another process; see its limit of processes (`limits.pids`)")
