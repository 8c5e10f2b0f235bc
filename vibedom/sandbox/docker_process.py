"""Processes in the agent's container: its main process and those started beside it."""

import math
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

import anyio

from vibedom.errors import SandboxError
from vibedom.sandbox.docker_client import EngineClient
from vibedom.sandbox.docker_http import MissingError, RefusalError
from vibedom.sandbox.docker_stream import STDERR, STDOUT, Attached

RESIZE_SECONDS = 5.0
_POLL_SECONDS = (0.01, 0.5)
"""First and longest pause between two looks at a process."""

MARK = "VIBEDOM_EXEC"
"""Variable that tells the processes of one exec from all others."""

_SIGNAL_SCRIPT = (
    'for p in /proc/[0-9]*; do tr "\\0" "\\n" <"$p/environ" 2>/dev/null | grep -qx "$1" && kill -s "$2" "${p#/proc/}"; '
    "done; exit 0"
)

CANNOT_FIND = 127
END_OF_TRANSMISSION = b"\x04"


class Handle(Protocol):
    """What differs between a container's main process and an exec."""

    async def resize(self, columns: int, rows: int) -> None:
        """One try. Raises `RefusalError` while the process does not exist yet, or no more."""
        ...

    async def signal(self, signum: int) -> None: ...

    async def wait(self, attached: Attached) -> int: ...


class MainProcess:
    """The container's own process, below its init."""

    def __init__(self, engine: EngineClient, container: str) -> None:
        self._engine = engine
        self._path = f"/containers/{container}"

    async def resize(self, columns: int, rows: int) -> None:
        await _resize(self._engine, self._path, columns, rows)

    async def signal(self, signum: int) -> None:
        try:
            await self._engine.call(f"send signal {signum}", "POST", f"{self._path}/kill", signal=str(signum))
        except RefusalError as exc:
            if exc.status not in (404, 409):  # it has ended: nobody to be told
                raise

    async def wait(self, attached: Attached) -> int:
        with suppress(MissingError):
            ended = await self._engine.call("wait for the agent", "POST", f"{self._path}/wait", seconds=math.inf)
            return int(ended["StatusCode"])
        # Removed under us: killed.
        return 128 + signal.SIGKILL


class ExecProcess:
    """A process started beside the main one."""

    def __init__(self, engine: EngineClient, container: str, execution: str, mark: str) -> None:
        """`container` and `execution` are the engine's ids."""
        self._engine = engine
        self._container = container
        self._path = f"/exec/{execution}"
        self._mark = mark

    async def resize(self, columns: int, rows: int) -> None:
        await _resize(self._engine, self._path, columns, rows)

    async def signal(self, signum: int) -> None:
        """The engine has no call for it: a shell beside it tells every process that carries the exec's mark."""
        argv = ["/bin/sh", "-c", _SIGNAL_SCRIPT, "sh", f"{MARK}={self._mark}", str(signum)]
        what = f"send signal {signum}"
        helper, attached = await start_exec(self._engine, what, self._container, {"Cmd": argv, "AttachStdout": True})
        async with attached:
            while await attached.read(STDOUT) is not None:
                pass
        if (await self._engine.call(what, "GET", f"/exec/{helper}/json"))["ExitCode"] != 0:
            raise SandboxError(f"signal {signum} could not be sent: the agent's image has no shell; stop the session")

    async def wait(self, attached: Attached) -> int:
        output_ended = attached.ended
        pause, longest = _POLL_SECONDS
        while True:
            shown = await self._engine.call("inspect the process", "GET", f"{self._path}/json")
            if not shown["Running"] and shown["ExitCode"] is not None:
                return CANNOT_FIND if is_missing(shown, attached.head) else int(shown["ExitCode"])
            pause = _POLL_SECONDS[0] if output_ended.is_set() else min(pause * 2, longest)
            with anyio.move_on_after(pause):
                await (anyio.sleep(pause) if output_ended.is_set() else output_ended.wait())


async def start_exec(
    engine: EngineClient, what: str, container: str, wanted: Mapping[str, Any]
) -> tuple[str, Attached]:
    """Start a process in a container that runs: its id, and its streams. `wanted` is in the engine's form."""
    made = (await engine.call(what, "POST", f"/containers/{container}/exec", wanted))["Id"]
    tty = bool(wanted.get("Tty"))
    return made, await engine.attach(what, f"/exec/{made}/start", {"Detach": False, "Tty": tty}, tty=tty)


async def _resize(engine: EngineClient, path: str, columns: int, rows: int) -> None:
    await engine.call("set the terminal's size", "POST", f"{path}/resize", h=str(rows), w=str(columns))


def is_missing(shown: Mapping[str, Any], head: bytes) -> bool:
    """Whether an exec was never started for want of its command: engines before 23 call that 126."""
    return not shown["Pid"] and (b"executable file not found" in head or b"no such file or directory" in head)


class DockerProcess:
    """`Process` of the runtime protocol on an engine."""

    def __init__(self, handle: Handle, attached: Attached, *, tty: bool) -> None:
        self._handle = handle
        self._attached = attached
        self._tty = tty
        self._size = (0, 0)
        self._is_resizing = False
        self._code: int | None = None

    @property
    def is_over(self) -> bool:
        """Its output has been read to the end, so its connection is gone."""
        return self._attached.ended.is_set()

    async def read(self) -> bytes | None:
        return await self._attached.read(STDOUT)

    async def read_stderr(self) -> bytes | None:
        return None if self._tty else await self._attached.read(STDERR)

    async def write(self, data: bytes) -> None:
        await self._attached.write(data)

    async def close_stdin(self) -> None:
        if self._tty:
            # The engine takes a half-close of a terminal for a detach and cuts the output: say it as a user would.
            await self._attached.write(END_OF_TRANSMISSION)
        else:
            self._attached.close_input()

    async def resize(self, columns: int, rows: int) -> None:
        """Set the terminal's size, retried while the process is starting; of many at once the last one counts."""
        self._size = (columns, rows)
        if not self._tty or self._is_resizing:
            return
        self._is_resizing = True
        try:
            with anyio.move_on_after(RESIZE_SECONDS):
                await self._settle_size()
        finally:
            self._is_resizing = False

    async def _settle_size(self) -> None:
        while self._code is None:
            size = self._size
            try:
                await self._handle.resize(*size)
            except RefusalError:
                await anyio.sleep(_POLL_SECONDS[0])
                continue
            if size == self._size:
                return

    async def signal(self, signum: int) -> None:
        await self._handle.signal(signum)

    async def wait(self) -> int:
        if self._code is None:
            self._code = await self._handle.wait(self._attached)
        return self._code

    def close(self) -> None:
        """Let go of the streams; the process goes on."""
        self._attached.close()
