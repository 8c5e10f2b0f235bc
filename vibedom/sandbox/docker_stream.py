"""One attached stream of the engine: output split in two without growing, input with an end of its own."""

import asyncio
from collections import deque
from typing import Literal, Self

import aiohttp
import anyio
from aiodocker.stream import Stream

STDOUT: Literal[1] = 1
STDERR: Literal[2] = 2

UNREAD_BYTES = 1 << 20
"""How much of one output is kept while only the other is being read; then the process has to wait."""
_HEAD_BYTES = 1024


class Attached:
    """The streams of one process. Both outputs are to be read side by side: the engine sends them as one."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._unread: dict[int, deque[bytes]] = {STDOUT: deque(), STDERR: deque()}
        self._ended = False
        self._changed = anyio.Condition()
        self._reading = False
        self.head = b""
        """The first bytes of the output: where a process could not be started, the engine's reason."""
        self.ended = anyio.Event()
        """Set when the output has been read to its end."""

    async def open(self) -> Self:
        """Connect: an attach sees all output from here on, an exec starts."""
        await self._stream.__aenter__()
        return self

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

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
        """Take one message of the engine to where it belongs; only one reader does that at a time."""
        data, channel, is_end = b"", int(STDOUT), False
        try:
            message = await self._stream.read_out()
            if message is None:
                is_end = True
            else:
                self.head += message.data[: _HEAD_BYTES - len(self.head)]
                data, channel = message.data, (STDERR if message.stream == STDERR else STDOUT)
        except (OSError, aiohttp.ClientError):
            # The connection broke: whatever the process still prints is lost, its exit code is not.
            is_end = True
        finally:
            with anyio.CancelScope(shield=True):
                await self._settle(data, channel, is_end=is_end)
                if is_end:
                    await self.aclose()

    async def _settle(self, data: bytes, channel: int, *, is_end: bool) -> None:
        async with self._changed:
            self._reading = False
            if data:
                self._unread[channel].append(data)
            if is_end:
                self._ended = True
                self.ended.set()
            self._changed.notify_all()

    async def write(self, data: bytes) -> None:
        """Bytes to the standard input; dropped once the process or its input has ended."""
        transport = self._transport()
        if transport is None or transport.is_closing():
            return
        try:
            await self._stream.write_in(data)
        except (OSError, aiohttp.ClientError):
            # The process went away between the look and the write.
            return

    async def close_input(self) -> None:
        """End the standard input and keep the output: a half-close of the hijacked connection."""
        transport = self._transport()
        if transport is not None and not transport.is_closing() and transport.can_write_eof():
            transport.write_eof()

    def _transport(self) -> asyncio.WriteTransport | None:
        # aiodocker has no half-close: its close() ends the output as well.
        response = self._stream._resp
        connection = response.connection if response is not None else None
        return connection.transport if connection is not None else None

    async def aclose(self) -> None:
        """Let go of the connection; the process goes on."""
        try:
            await self._stream.close()
        except (AssertionError, AttributeError):
            # aiodocker takes it for granted that the connection is still there; after the last output it is not.
            return
