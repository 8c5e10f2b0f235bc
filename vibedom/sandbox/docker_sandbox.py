"""One sandbox on an engine, from its network to its removal."""

import math
import os
import secrets
from collections.abc import Mapping

import aiodocker
import anyio
from aiodocker.containers import DockerContainer

from vibedom.errors import RuntimeUnavailableError, SandboxError, VibedomError
from vibedom.sandbox import docker_agent, docker_holder, docker_image, docker_labels, docker_network, docker_removal
from vibedom.sandbox.docker_endpoint import one_line
from vibedom.sandbox.docker_engine import asking
from vibedom.sandbox.docker_network import Bridge
from vibedom.sandbox.docker_permit import Permit
from vibedom.sandbox.docker_process import MARK, DockerProcess, ExecProcess, MainProcess
from vibedom.sandbox.docker_stream import Attached
from vibedom.sandbox.runtime import Command, Listeners, SandboxSpec

PULL_SECONDS = 900.0


class DockerSandbox:
    """`Sandbox` of a holder and an agent's container."""

    listeners: Listeners

    def __init__(self, docker: aiodocker.Docker, spec: SandboxSpec, labels: Mapping[str, str]) -> None:
        self._docker = docker
        self._spec = spec
        self._labels = labels
        # Never a name that a crashed session may still hold: the engine gives back an old volume of the same name.
        self._name = f"vibedom-{spec.session}-{secrets.token_hex(3)}"
        self._bridge: Bridge | None = None
        self._holder: DockerContainer | None = None
        self._holder_permit = Permit(spec.trust, f"{self._name}-holder")
        self._agent: DockerContainer | None = None
        self._processes: set[DockerProcess] = set()
        self._is_locked = False
        self._is_closed = False

    @property
    def bridge(self) -> Bridge:
        """The session's network. Raises `SandboxError` before it is made and after it is gone."""
        if self._bridge is None or self._is_closed:
            raise SandboxError("the sandbox has no network (any more)")
        return self._bridge

    @property
    def container(self) -> str | None:
        """Id of the agent's container, None before `start`."""
        return self._agent.id if self._agent else None

    async def prepare(self) -> None:
        """Make network, listeners and volumes, and let the holder lock its network. On failure the caller closes the
        sandbox."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._make_network)
                group.start_soon(self._make_volume)
                if self._spec.image is not None:
                    group.start_soon(self._have_image, self._spec.image)
        except BaseExceptionGroup as exc:
            raise _reason(exc) from exc

    async def _make_network(self) -> None:
        self._bridge = await docker_network.create(self._docker, self._name, self._labels)
        self.listeners = docker_network.listen(self._bridge)
        docker_agent.write_files(self._spec, self._bridge.gateway)
        self._holder_permit.give()
        self._holder = await docker_holder.create(
            self._docker,
            f"{self._name}-holder",
            bridge=self._bridge,
            rules=docker_network.lockdown(self._bridge, self.listeners),
            permit=self._holder_permit,
            labels=self._labels,
        )
        address = await docker_holder.start(self._holder)
        # Before the proof: what is proved is the only namespace this sandbox will ever have.
        self._holder_permit.revoke()
        self.listeners.peers = frozenset({address})

    async def _make_volume(self) -> None:
        with asking("create the overlay volume", shield=True):
            version = await self._docker.version()
            options = docker_agent.overlay_options(self._spec, version["KernelVersion"], is_root=os.geteuid() == 0)
            await self._create_volume(self._name, options)
            await self._create_volume(docker_agent.project_volume(self._name), docker_agent.project_options(self._spec))

    async def _create_volume(self, name: str, options: str) -> None:
        await self._docker.volumes.create(  # type: ignore[no-untyped-call]
            {
                "Name": name,
                "Driver": "local",
                "DriverOpts": {"type": "overlay", "device": "overlay", "o": options},
                "Labels": dict(self._labels),
            }
        )

    async def _have_image(self, name: str) -> None:
        if await docker_image.inspect(self._docker, name) is not None:
            return
        try:
            with asking(f"pull {one_line(name, 80)}", PULL_SECONDS):
                await self._docker.images.pull(name)
        except SandboxError as exc:
            reason = str(exc).rpartition(": ")[2]
            raise RuntimeUnavailableError(
                f"the agent's image {one_line(name, 80)} is not in the engine and cannot be pulled ({reason}); "
                "check the name, or `docker pull` it by hand"
            ) from exc

    async def lock(self) -> None:
        """Make the self-test in the network that the holder has locked."""
        try:
            if self._holder is None:
                raise SandboxError("the sandbox is not prepared")
            await docker_holder.prove(
                self._holder, bridge=self.bridge, listeners=self.listeners, session=self._spec.session
            )
            self._is_locked = True
        except BaseException:
            # Cancelled too: a sandbox that is not proved is removed, whatever the reason. Its sockets are closed by
            # `aclose`: the supervisor still serves them.
            self._is_locked = False
            with anyio.CancelScope(shield=True):
                await self._remove()
            raise

    async def start(self, command: Command) -> DockerProcess:
        if not self._is_locked or self._holder is None or self._is_closed:
            raise SandboxError("the sandbox is not locked: nothing is started in it")
        if self._agent is not None:
            raise SandboxError("the agent has been started already; use exec for one more process")
        return await self._run_agent(f"{self._name}-agent", command, self._holder)

    async def exec(self, command: Command) -> DockerProcess:
        if self._agent is None or not self._is_locked or self._is_closed:
            raise SandboxError("the agent has not been started: there is nothing to start a process beside")
        if not await self._is_running():
            return await self._run_beside(command)
        mark = secrets.token_hex(8)
        variables = docker_agent.environment(self._spec, command, self.listeners.proxy_url)
        with asking("start a process"):
            execution = await self._agent.exec(
                docker_agent.argv(command),
                stdin=True,
                tty=command.tty,
                user=f"{self._spec.uid}:{self._spec.gid}",
                environment=[*variables, f"{MARK}={mark}"],
                workdir=command.working_directory,
            )
            attached = await Attached(execution.start()).open()
        handle = ExecProcess(self._agent, execution, mark)
        return self._track(DockerProcess(handle, attached, tty=command.tty))

    async def _is_running(self) -> bool:
        with asking("look at the agent's container"):
            return bool((await self._started().show())["State"]["Running"])

    async def _run_beside(self, command: Command) -> DockerProcess:
        """In a container of its own, under the same restrictions: the agent's ended with its main process."""
        if self._holder is None:
            raise SandboxError("the sandbox is not prepared")
        return await self._run_agent(f"{self._name}-after-{secrets.token_hex(3)}", command, self._holder)

    async def _run_agent(self, name: str, command: Command, holder: DockerContainer) -> DockerProcess:
        """The first container is the agent's own."""
        permit = Permit(self._spec.trust, name)
        permit.give()
        try:
            container = await self._create_agent(name, command, holder, permit)
            self._agent = self._agent or container
            return await self._run(container, command)
        finally:
            permit.revoke()

    async def _create_agent(
        self, name: str, command: Command, holder: DockerContainer, permit: Permit
    ) -> DockerContainer:
        return await docker_agent.create(
            self._docker,
            name,
            spec=self._spec,
            command=command,
            holder=holder.id,
            volume=self._name,
            proxy_url=self.listeners.proxy_url,
            permit=permit,
            labels=self._labels,
        )

    async def _run(self, container: DockerContainer, command: Command) -> DockerProcess:
        with asking("start the agent's container"):
            attached = await Attached(container.attach(stdin=True, stdout=True, stderr=True)).open()
            process = self._track(DockerProcess(MainProcess(container), attached, tty=command.tty))
            await container.start()
        return process

    def _track(self, process: DockerProcess) -> DockerProcess:
        self._processes = {one for one in self._processes if not one.is_over}
        self._processes.add(process)
        return process

    async def lost(self) -> None:
        if self._holder is None:
            raise SandboxError("the sandbox is not prepared")
        await docker_holder.lost(self._holder)

    async def pause(self) -> None:
        with asking("pause the agent"):
            await self._started().pause()

    async def resume(self) -> None:
        with asking("resume the agent"):
            await self._started().unpause()

    def _started(self) -> DockerContainer:
        if self._agent is None:
            raise SandboxError("the agent has not been started")
        return self._agent

    async def stop(self, grace_seconds: float = 5.0) -> None:
        if self._agent is None:
            return
        with asking("stop the agent", grace_seconds + 30, missing_ok=True):
            if (await self._agent.show())["State"]["Paused"]:
                if grace_seconds == 0:  # it dies before it wakes up
                    await self._agent.kill(signal="SIGKILL")
                    return
                await self._agent.unpause()
            await self._agent.stop(t=math.ceil(grace_seconds))

    async def aclose(self) -> None:
        """Remove everything and close the listeners: whoever serves them stops serving first."""
        if self._is_closed:
            return
        with anyio.CancelScope(shield=True):
            await self._remove()
        self._is_closed = True
        if hasattr(self, "listeners"):
            docker_network.close(self.listeners)

    async def _labelled(self) -> list[docker_removal.Labelled]:
        wanted = [f"{name}={self._labels[name]}" for name in (docker_labels.HOME, docker_labels.SESSION)]
        return await docker_removal.labelled(self._docker, *wanted)

    async def _remove(self) -> None:
        """By label, not by what this object knows: a call that was cut short may have made something all the same."""
        try:
            await docker_removal.remove(self._docker, self._labelled)
        finally:
            self._holder_permit.revoke()
            for process in self._processes:
                await process.aclose()


def _reason(group: BaseExceptionGroup) -> BaseException:
    """The one error of a task group that is made for the user; the group itself where it holds another."""
    matching, rest = group.split(VibedomError)
    if matching is None or rest is not None:
        return group
    first = matching.exceptions[0]
    return _reason(first) if isinstance(first, BaseExceptionGroup) else first
