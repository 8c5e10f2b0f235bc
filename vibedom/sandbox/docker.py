"""The runtime `docker`: a sandbox of two containers on a Docker Engine of this machine.

The holder owns the network namespace and locks it down; the agent's container joins it and has no capability to undo
that. DESIGN section 4 has the reasons.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import aiodocker

from vibedom.errors import RuntimeUnavailableError, VibedomError
from vibedom.sandbox import docker_image, docker_labels, docker_removal
from vibedom.sandbox.docker_endpoint import Endpoint, resolve, unsuitable
from vibedom.sandbox.docker_engine import connect, disconnect, greet
from vibedom.sandbox.docker_sandbox import DockerSandbox
from vibedom.sandbox.runtime import Leftover, RuntimeName, SandboxSpec


class DockerRuntime:
    """`Runtime` on a Docker Engine. Used from one event loop; `aclose` closes the connection."""

    name: RuntimeName = "docker"
    mounts_trust_at_once = False

    def __init__(
        self, home: Path, *, environment: Mapping[str, str], user_home: Path, engine: str | None = None
    ) -> None:
        """`home` is vibedom's state directory, `environment` and `user_home` say where the docker CLI's engine is."""
        self._home = home
        self._environment = environment
        self._user_home = user_home
        self._engine = engine
        self._docker: aiodocker.Docker | None = None
        self._is_suitable = False
        """Found so by this object: not asked again for every sandbox."""

    def endpoint(self) -> Endpoint:
        """Where the engine is. Raises `RuntimeUnavailableError`."""
        return resolve(self._engine, self._environment, self._user_home)

    def client(self) -> aiodocker.Docker:
        """The connection, made at first use."""
        if self._docker is None:
            self._docker = connect(self.endpoint())
        return self._docker

    async def available(self) -> str | None:
        try:
            endpoint = self.endpoint()
            version = await greet(self.client())
            reason = unsuitable(endpoint, version) or await docker_image.problem(self.client())
        except VibedomError as exc:
            return str(exc)
        self._is_suitable = reason is None
        return reason

    async def create(self, spec: SandboxSpec) -> DockerSandbox:
        reason = None if self._is_suitable else await self.available()
        if reason is not None:
            raise RuntimeUnavailableError(reason)
        sandbox = DockerSandbox(self.client(), spec, docker_labels.labels(spec, self._home))
        try:
            await sandbox.prepare()
        except BaseException:
            # Cancelled too: what was made is removed before anybody hears of it.
            await sandbox.aclose()
            raise
        return sandbox

    async def leftovers(self) -> Sequence[Leftover]:
        return [one.leftover for one in await self._orphans()]

    async def reap(self) -> Sequence[Leftover]:
        return [one.leftover for one in await docker_removal.remove(self.client(), self._orphans)]

    async def _orphans(self) -> list[docker_removal.Labelled]:
        label = f"{docker_labels.HOME}={docker_labels.home_hash(self._home)}"
        return docker_removal.orphans(await docker_removal.labelled(self.client(), label))

    async def aclose(self) -> None:
        if self._docker is not None:
            await disconnect(self._docker)
            self._docker = None
