"""One sandbox on an engine, from its network to its removal."""

import math
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import anyio
import anyio.to_thread

from vibedom.errors import SandboxError, VibedomError
from vibedom.sandbox import docker_agent, docker_gate, docker_labels, docker_proof, docker_removal
from vibedom.sandbox.docker_client import EngineClient
from vibedom.sandbox.docker_foundation import Foundation
from vibedom.sandbox.docker_gate import Gate
from vibedom.sandbox.docker_http import MissingError
from vibedom.sandbox.docker_permit import Permit
from vibedom.sandbox.docker_process import MARK, DockerProcess, ExecProcess, MainProcess, start_exec
from vibedom.sandbox.runtime import Command, Listeners, SandboxSpec


class DockerSandbox:
    """`Sandbox` of a holder and an agent's container."""

    listeners: Listeners

    def __init__(self, engine: EngineClient, spec: SandboxSpec, foundation: Foundation) -> None:
        """`foundation` has been started, for this spec's session."""
        self._engine = engine
        self._spec = spec
        self._foundation = foundation
        self._labels = foundation.labels
        self._name = foundation.name
        self._holder: str | None = None
        self._held: _Held | None = None
        self._agent: str | None = None
        self._processes: set[DockerProcess] = set()
        self._making = anyio.Lock()
        """Held while the agent's container is made, so that no removal misses it."""
        self._is_proved = False
        self._is_locked = False
        self._is_closing = False
        self._is_closed = False

    @property
    def container(self) -> str | None:
        """Id of the agent's container, None before `start`."""
        return self._agent

    async def prepare(self) -> None:
        """Make network, listeners, volumes and the holder, which is started and locks its network meanwhile. On failure
        the caller closes the sandbox."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._lay_foundation)
                group.start_soon(self._make_volume)
                if self._spec.image is not None:
                    group.start_soon(self._have_image, self._spec.image)
        except BaseExceptionGroup as exc:
            raise _reason(exc) from exc

    async def _lay_foundation(self) -> None:
        laid = self._foundation
        try:
            await anyio.to_thread.run_sync(laid.wait_made, abandon_on_cancel=True)
        except BaseException:
            laid.abort()
            raise
        self._holder = laid.holder
        self.listeners = laid.listeners
        docker_agent.write_files(self._spec, laid.bridge.gateway)

    async def _make_volume(self) -> None:
        version = await self._engine.greet()
        options = docker_agent.overlay_options(self._spec, version["KernelVersion"], is_root=os.geteuid() == 0)
        await self._create_volume(self._name, options)
        await self._create_volume(docker_agent.project_volume(self._name), docker_agent.project_options(self._spec))

    async def _create_volume(self, name: str, options: str) -> None:
        wanted = {
            "Name": name,
            "Driver": "local",
            "DriverOpts": {"type": "overlay", "device": "overlay", "o": options},
            "Labels": dict(self._labels),
        }
        await self._engine.call("create the overlay volume", "POST", "/volumes/create", wanted, shield=True)

    async def _have_image(self, name: str) -> None:
        """Its library is imported only where an image has to be pulled."""
        if await self._engine.image(name) is None:
            from vibedom.sandbox.docker_image import pull

            await pull(self._engine.endpoint, name)

    async def lock(self) -> None:
        """Wait until the holder has locked its network, and make the self-test in it."""
        try:
            if self._holder is None or self._is_closing:
                raise SandboxError("the sandbox has no network (any more)")
            await anyio.to_thread.run_sync(self._foundation.wait, abandon_on_cancel=True)
            await self._prove(self._holder)
            self._is_locked = True
        except BaseException:
            # Cancelled too: a sandbox that is not proved is removed, whatever the reason. Its sockets are closed by
            # `aclose`: the supervisor still serves them.
            self._is_locked = False
            with anyio.CancelScope(shield=True):
                await self._remove()
            raise

    async def _prove(self, holder: str) -> None:
        """The holder's own attempts count once: what is proved again is attempted again."""
        bridge, session = self._foundation.bridge, self._spec.session
        is_first, self._is_proved = not self._is_proved, True
        try:
            if is_first and await docker_proof.prove_at_once(self._foundation, session):
                return
        finally:
            self._foundation.baits.close()
        await docker_proof.prove(self._engine, holder, bridge=bridge, listeners=self.listeners, session=session)

    async def stage(self, command: Command) -> None:
        variables = docker_agent.environment(self._spec, command, self.listeners.proxy_url)
        if not docker_gate.can_hold(self._spec, command, variables):
            return
        async with self._making:
            if self._agent is not None or self._held is not None:
                return
            try:
                gate = Gate(self._spec.trust, f"{self._name}-agent")
            except OSError:
                return  # a file system without pipes: the agent's container starts when its time has come
            held = self._held = _Held(command, gate)
            held.running = await self._run_agent(f"{self._name}-agent", command, gate)

    async def start(self, command: Command) -> DockerProcess:
        if not self._is_locked or self._is_closing:
            raise SandboxError("the sandbox is not locked: nothing is started in it")
        if self._agent is not None:
            raise SandboxError("the agent has been started already; use exec for one more process")
        async with self._making:
            held = self._held
            if held is None:
                self._agent, process = await self._run_agent(f"{self._name}-agent", command)
                return process
            if held.command != command or held.running is None:
                raise SandboxError("another command waits for the lockdown, or could not be started")
            self._agent, process = held.running
            held.gate.open_()
        return process

    async def exec(self, command: Command) -> DockerProcess:
        if self._agent is None or not self._is_locked or self._is_closed:
            raise SandboxError("the agent has not been started: there is nothing to start a process beside")
        if not await self._is_running():
            return await self._run_beside(command)
        mark = secrets.token_hex(8)
        variables = docker_agent.environment(self._spec, command, self.listeners.proxy_url)
        wanted = {
            "Cmd": docker_agent.argv(command),
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": command.tty,
            "User": f"{self._spec.uid}:{self._spec.gid}",
            "Env": [*variables, f"{MARK}={mark}"],
            "WorkingDir": command.working_directory,
        }
        execution, attached = await start_exec(self._engine, "start a process", self._agent, wanted)
        handle = ExecProcess(self._engine, self._agent, execution, mark)
        return self._track(DockerProcess(handle, attached, tty=command.tty))

    async def _is_running(self) -> bool:
        return bool((await self._state("look at the agent's container"))["Running"])

    async def _state(self, what: str) -> Mapping[str, Any]:
        state: Mapping[str, Any] = (await self._engine.call(what, "GET", f"{self._path()}/json"))["State"]
        return state

    async def _run_beside(self, command: Command) -> DockerProcess:
        """In a container of its own, under the same restrictions: the agent's ended with its main process."""
        async with self._making:
            return (await self._run_agent(f"{self._name}-after-{secrets.token_hex(3)}", command))[1]

    async def _run_agent(self, name: str, command: Command, gate: Gate | None = None) -> tuple[str, DockerProcess]:
        if self._holder is None or self._is_closing:
            raise SandboxError("the sandbox has no network (any more)")
        permit = Permit(self._spec.trust, name)
        permit.give()
        try:
            container = await docker_agent.create(
                self._engine,
                name,
                spec=self._spec,
                command=command,
                gate=gate,
                holder=self._holder,
                volume=self._name,
                proxy_url=self.listeners.proxy_url,
                permit=permit,
                labels=self._labels,
            )
            return container, await self._run(container, command)
        finally:
            permit.revoke()

    async def _run(self, container: str, command: Command) -> DockerProcess:
        what, path = "start the agent's container", f"/containers/{container}"
        streams = {"stream": "1", "stdin": "1", "stdout": "1", "stderr": "1"}
        attached = await self._engine.attach(what, f"{path}/attach", tty=command.tty, **streams)
        process = self._track(DockerProcess(MainProcess(self._engine, container), attached, tty=command.tty))
        await anyio.to_thread.run_sync(self._foundation.wait_running, abandon_on_cancel=True)
        await self._engine.call(what, "POST", f"{path}/start")
        return process

    def _track(self, process: DockerProcess) -> DockerProcess:
        self._processes = {one for one in self._processes if not one.is_over}
        self._processes.add(process)
        return process

    async def lost(self) -> None:
        if self._holder is None:
            raise SandboxError("the sandbox is not prepared")
        await docker_proof.lost(self._engine, self._holder)

    async def pause(self) -> None:
        await self._engine.call("pause the agent", "POST", f"{self._path()}/pause")

    async def resume(self) -> None:
        await self._engine.call("resume the agent", "POST", f"{self._path()}/unpause")

    def _path(self) -> str:
        if self._agent is None:
            raise SandboxError("the agent has not been started")
        return f"/containers/{self._agent}"

    async def stop(self, grace_seconds: float = 5.0) -> None:
        if self._agent is None:
            return
        what = "stop the agent"
        with suppress(MissingError):
            if (await self._state(what))["Paused"]:
                if grace_seconds == 0:  # it dies before it wakes up
                    await self._engine.call(what, "POST", f"{self._path()}/kill", signal="SIGKILL")
                    return
                await self._engine.call(what, "POST", f"{self._path()}/unpause")
            grace = str(math.ceil(grace_seconds))
            await self._engine.call(what, "POST", f"{self._path()}/stop", seconds=grace_seconds + 30, t=grace)

    async def aclose(self) -> None:
        """Remove everything and close the listeners: whoever serves them stops serving first."""
        if self._is_closed:
            return
        with anyio.CancelScope(shield=True):
            await self._remove()
        self._is_closed = True
        self._foundation.close()

    async def _labelled(self) -> list[docker_removal.Labelled]:
        """This supervisor's: another one may be about to find out that the session's name is taken."""
        wanted = [f"{name}={self._labels[name]}" for name in docker_labels.OF_ONE_SANDBOX]
        return await docker_removal.labelled(self._engine, *wanted)

    async def _remove(self) -> None:
        """By label, not by what this object knows: a call that was cut short may have made something all the same."""
        self._is_closing = True
        self._foundation.abort()
        await anyio.to_thread.run_sync(self._foundation.settle)
        try:
            async with self._making:
                await docker_removal.remove(self._engine, self._labelled)
        finally:
            if self._held is not None:
                self._held.gate.close()
            for process in self._processes:
                process.close()


class _Held:
    """The agent's container while its command waits behind the gate."""

    def __init__(self, command: Command, gate: Gate) -> None:
        self.command = command
        self.gate = gate
        self.running: tuple[str, DockerProcess] | None = None


def _reason(group: BaseExceptionGroup) -> BaseException:
    """The one error of a task group that is made for the user; the group itself where it holds another."""
    matching, rest = group.split(VibedomError)
    if matching is None or rest is not None:
        return group
    first = matching.exceptions[0]
    return _reason(first) if isinstance(first, BaseExceptionGroup) else first
