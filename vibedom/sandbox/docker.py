"""The runtime `docker`: a sandbox of two containers on a Docker Engine of this machine.

The holder owns the network namespace and locks it down; the agent's container joins it and has no capability to undo
that. DESIGN section 4 has the reasons.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vibedom.errors import RuntimeUnavailableError, VibedomError
from vibedom.sandbox import docker_labels, docker_permit, docker_removal, image
from vibedom.sandbox.docker_client import EngineClient
from vibedom.sandbox.docker_endpoint import Endpoint, resolve, unsuitable
from vibedom.sandbox.docker_foundation import Foundation, begin, permits
from vibedom.sandbox.docker_sandbox import DockerSandbox
from vibedom.sandbox.runtime import Leftover, RuntimeName, SandboxSpec


class DockerRuntime:
    """`Runtime` on a Docker Engine."""

    name: RuntimeName = "docker"
    mounts_trust_at_once = False

    def __init__(
        self,
        home: Path,
        *,
        environment: Mapping[str, str],
        user_home: Path,
        engine: str | None = None,
        begun: Foundation | None = None,
    ) -> None:
        """`home` is vibedom's state directory, `environment` and `user_home` say where the docker CLI's engine is.
        `begun` was begun for one session, and stays its owner's business until that session's sandbox is created."""
        self._begun = begun
        self._home = home
        self._environment = environment
        self._user_home = user_home
        self._engine = engine
        self._client: EngineClient | None = None
        self._is_suitable = False
        """Found so by this object: not asked again for every sandbox."""

    def endpoint(self) -> Endpoint:
        """Where the engine is. Raises `RuntimeUnavailableError`."""
        return resolve(self._engine, self._environment, self._user_home)

    def engine(self) -> EngineClient:
        """What sandboxes ask."""
        if self._client is None:
            self._client = EngineClient(self.endpoint())
        return self._client

    async def available(self) -> str | None:
        try:
            endpoint = self.endpoint()
            version = await self.engine().greet()
            reason = unsuitable(endpoint, version) or await image_problem(self.engine())
        except VibedomError as exc:
            return str(exc)
        self._is_suitable = reason is None
        return reason

    async def create(self, spec: SandboxSpec) -> DockerSandbox:
        reason = None if self._is_suitable else await self.available()
        if reason is not None:
            raise RuntimeUnavailableError(reason)
        sandbox = DockerSandbox(self.engine(), spec, self._foundation(spec))
        try:
            await sandbox.prepare()
        except BaseException:
            # Cancelled too: what was made is removed before anybody hears of it.
            await sandbox.aclose()
            raise
        return sandbox

    def _foundation(self, spec: SandboxSpec) -> Foundation:
        """What was begun for this session, else a new one."""
        begun = self._begun
        if begun is not None and begun.session == spec.session and begun.take():
            return begun
        return begin(self.endpoint(), self._home, spec.session, owner_pid=spec.owner_pid, started_at=spec.started_at)

    async def leftovers(self) -> Sequence[Leftover]:
        return [one.leftover for one in await self._orphans()]

    async def reap(self) -> Sequence[Leftover]:
        docker_permit.forget_old(permits(self._home), time.time())
        return [one.leftover for one in await docker_removal.remove(self.engine(), self._orphans)]

    async def _orphans(self) -> list[docker_removal.Labelled]:
        label = f"{docker_labels.HOME}={docker_labels.home_hash(self._home)}"
        return docker_removal.orphans(await docker_removal.labelled(self.engine(), label))

    async def aclose(self) -> None:
        """Each call has a connection of its own: there is nothing to close."""


async def image_problem(engine: EngineClient, name: str = image.NAME) -> str | None:
    """Why the sandbox image cannot be used and what to do, or None."""
    found = await engine.image(name)
    if found is None:
        return f"the sandbox image {name} is missing; run {image.BUILD_COMMAND}"
    if not image.is_current(found["Config"].get("Labels")):
        return f"the sandbox image {name} was made by another version of vibedom; run {image.BUILD_COMMAND}"
    return None
