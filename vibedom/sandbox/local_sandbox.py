"""One local sandbox, from the supervisor's side: its listeners, its processes, its pauses and its end."""

import contextlib
from collections.abc import Mapping
from typing import Any

import anyio

from vibedom.errors import LockdownError, SandboxError
from vibedom.sandbox import local_selftest, selftest
from vibedom.sandbox.local_cgroup import Group, until
from vibedom.sandbox.local_environment import for_command
from vibedom.sandbox.local_launch import Launched
from vibedom.sandbox.local_orphans import Register, clear_work
from vibedom.sandbox.local_process import LocalProcess, start_process
from vibedom.sandbox.runtime import Command, Listeners, Process, SandboxSpec

_SELFTEST_SECONDS = 15.0
_FREEZE_SECONDS = 5.0
_REMOVE_SECONDS = 5.0


class LocalSandbox:
    """Implements `Sandbox`. Made by `LocalRuntime.create`."""

    def __init__(
        self, spec: SandboxSpec, launched: Launched, listeners: Listeners, group: Group, register: Register, shell: str
    ) -> None:
        self.listeners = listeners
        self.limited_by: Mapping[str, str] = group.limited_by
        """Which mechanism bounds `pids`, `memory` and `cpus`, and which one pauses; see `local_cgroup.Group`."""
        self._spec = spec
        self._launched = launched
        self._group = group
        self._register = register
        self._shell = shell
        self._processes: list[LocalProcess] = []
        self._is_locked = False
        self._is_started = False
        self._is_paused = False
        self._closing = anyio.Lock()
        self._is_closed = False

    async def lock(self) -> None:
        port = int(self.listeners.proxy_url.rpartition(":")[2])
        with anyio.move_on_after(_SELFTEST_SECONDS):
            process = await self._run({"probe": {"host": "127.0.0.1", "port": port}}, tty=False)
            output = b""
            while (chunk := await process.read()) is not None:
                output += chunk
            await process.wait()
            local_selftest.judge(selftest.parse(output.decode("ascii", "replace")), self._spec.session)
            self._is_locked = True
            return
        raise LockdownError(f"the self-test did not end within {_SELFTEST_SECONDS:.0f} s; see the session log")

    async def stage(self, command: Command) -> None:
        """Its start takes a few milliseconds: there is nothing to gain."""

    async def start(self, command: Command) -> Process:
        if self._is_started:
            raise SandboxError("the agent of this session has been started already; use exec")
        process = await self.exec(command)
        self._is_started = True
        return process

    async def exec(self, command: Command) -> Process:
        if not self._is_locked:
            raise SandboxError("nothing may run in a sandbox before its lockdown is proved; call lock first")
        argv = list(command.argv) or [self._shell, "-l"]
        environment = for_command(command, self._spec, self.listeners.proxy_url, self._shell)
        if any("\0" in text for text in (*argv, *environment, *environment.values())):
            raise SandboxError("a command's argument or variable has a NUL character; remove it")
        request = {"argv": argv, "environment": environment, "directory": command.working_directory}
        return await self._run(request, tty=command.tty)

    async def _run(self, request: dict[str, Any], *, tty: bool) -> LocalProcess:
        if self._is_closed:
            raise SandboxError("the local sandbox has ended; start a new session")
        if self._is_paused:
            raise SandboxError("the session is paused; resume it first")
        process = await start_process(self._launched.control, request, tty=tty)
        self._processes = [*(one for one in self._processes if not one.is_over), process]
        return process

    async def lost(self) -> None:
        # Its namespaces live as long as its own first process, and with that the agent ends.
        await anyio.sleep_forever()

    async def pause(self) -> None:
        if self._is_paused:
            return
        self._is_paused = True
        if self._group.freezer is None:
            await self._launched.ask("pause")
            return
        self._group.freeze(frozen=True)
        if not await until(self._group.is_frozen, _FREEZE_SECONDS):
            await self.resume()
            raise SandboxError(f"the sandbox's processes did not stop within {_FREEZE_SECONDS:.0f} s; try again")

    async def resume(self) -> None:
        if not self._is_paused:
            return
        if self._group.freezer is None:
            await self._launched.ask("resume")
        else:
            self._group.freeze(frozen=False)
        self._is_paused = False

    async def stop(self, grace_seconds: float = 5.0) -> None:
        if self._is_closed:
            return
        with contextlib.suppress(SandboxError, OSError):  # ended already: then there is nothing to ask for
            await self.resume()
            self._launched.say(f"stop {grace_seconds}")
        if not await self._launched.ended(grace_seconds + 1.0):
            await self._launched.kill()

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            async with self._closing:
                if not self._is_closed:
                    await self.stop(grace_seconds=0.0 if not self._is_started else 5.0)
                    await self._remove()
                    self._is_closed = True

    async def _remove(self) -> None:
        await self._launched.kill()
        for process in self._processes:
            process.close()
        opened = self.listeners
        for bound in (opened.proxy, *opened.http, *opened.https, *opened.dns_udp, *opened.dns_tcp):
            bound.close()
        clear_work(self._spec.work)
        await until(self._group.remove, _REMOVE_SECONDS)
        self._register.forget(self._spec.session)
