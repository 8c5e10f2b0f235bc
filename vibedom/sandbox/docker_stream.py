"""One attached stream of the engine: output split in two without growing, input with an end of its own."""

import asyncio
from collections import deque
from typing import Literal, Protocol, Self

import anyio

from vibedom.sandbox.docker_http import FRAME_HEAD_BYTES

STDOUT: Literal[1] = 1
STDERR: Literal[2] = 2

UNREAD_BYTES = 1 << 20
"""How much of one output is kept while only the other is being read; then the process has to wait."""
_HEAD_BYTES = 1024
_CHUNK_BYTES = 64 << 10


class Piped(Protocol):
    """What `Attached` reads from and writes to."""

    async def read(self) -> tuple[int, bytes] | None:
        """The number of an output and its next bytes, None at the end. Cancelled, it loses nothing. Raises `OSError`
        and `EOFError` where the connection breaks."""
        ...

    async def write(self, data: bytes) -> None:
        """Dropped where the connection is gone. Raises `OSError`."""
        ...

    def end_input(self) -> None: ...

    def close(self) -> None: ...


class Streams:
    """A connection that the engine has handed over to a process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_framed: bool) -> None:
        """`is_framed`: the process has no terminal, and each piece of output says which one it is of."""
        self._reader = reader
        self._writer = writer
        self._is_framed = is_framed
        self._begun: bytes | None = None
        """A frame's head, read already."""

    async def read(self) -> tuple[int, bytes] | None:
        if not self._is_framed:
            data = await self._reader.read(_CHUNK_BYTES)
            return (STDOUT, data) if data else None
        if self._begun is None:
            try:
                self._begun = await self._reader.readexactly(FRAME_HEAD_BYTES)
            except asyncio.IncompleteReadError as exc:
                if exc.partial:
                    raise
                return None
        data = await self._reader.readexactly(int.from_bytes(self._begun[4:], "big"))
        number, self._begun = self._begun[0], None
        return number, data

    async def write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)
            await self._writer.drain()

    def end_input(self) -> None:
        if not self._writer.is_closing() and self._writer.can_write_eof():
            self._writer.write_eof()

    def close(self) -> None:
        self._writer.close()


class Attached:
    """The streams of one process. Both outputs are to be read side by side: the engine sends them as one."""

    def __init__(self, piped: Piped) -> None:
        self._piped = piped
        self._unread: dict[int, deque[bytes]] = {STDOUT: deque(), STDERR: deque()}
        self._ended = False
        self._changed = anyio.Condition()
        self._reading = False
        self.head = b""
        """The first bytes of the output: where a process could not be started, the engine's reason."""
        self.ended = anyio.Event()
        """Set when the output has been read to its end."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def read(self, wanted: Literal[1, 2]) -> bytes | None:
        """The next bytes of one output, None at the end."""
        while True:
            async with self._changed:
                if self._unread[wanted]:
                    data = self._unread[wanted].popleft()
                    self._changed.notify_all()
                    return data
                if self._ended:
                    return None
                if self._reading or self._is_full():
                    await self._changed.wait()
                    continue
                self._reading = True
            await self._fetch()

    def _is_full(self) -> bool:
        return any(sum(map(len, chunks)) >= UNREAD_BYTES for chunks in self._unread.values())

    async def _fetch(self) -> None:
        """Take one piece of the engine to where it belongs; only one reader does that at a time."""
        data, channel, is_end = b"", int(STDOUT), False
        try:
            piece = await self._piped.read()
            if piece is None:
                is_end = True
            else:
                number, data = piece
                self.head += data[: _HEAD_BYTES - len(self.head)]
                channel = STDERR if number == STDERR else STDOUT
        except (OSError, EOFError):
            # The connection broke: whatever the process still prints is lost, its exit code is not.
            is_end = True
        finally:
            with anyio.CancelScope(shield=True):
                await self._settle(data, channel, is_end=is_end)

    async def _settle(self, data: bytes, channel: int, *, is_end: bool) -> None:
        async with self._changed:
            self._reading = False
            if data:
                self._unread[channel].append(data)
            if is_end:
                self._ended = True
                self.ended.set()
                self.close()
            self._changed.notify_all()

    async def write(self, data: bytes) -> None:
        """Bytes to the standard input; dropped once the process or its input has ended."""
        try:
            await self._piped.write(data)
        except OSError:
            # The process went away between the look and the write.
            return

    def close_input(self) -> None:
        """End the standard input and keep the output: a half-close of the connection."""
        self._piped.end_input()

    def close(self) -> None:
        """Let go of the connection; the process goes on."""
        self._piped.close()
