"""How a session begins: its sandbox is made while what judges its traffic is got ready."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import TaskGroup

from vibedom.import_time import importing
from vibedom.paths import SessionDir
from vibedom.sandbox.runtime import Command, Runtime, Sandbox, SandboxSpec
from vibedom.settings import Policy

if TYPE_CHECKING:
    from vibedom.certificates import Certificates
    from vibedom.groundwork import Groundwork
    from vibedom.wiring import Detection

STOP_SECONDS = 30.0
"""What ending a session may take before it is left to the next start's clean-up."""


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """What a session does for itself meanwhile. Blocking: one after the other, in a thread."""

    session: str
    directory: SessionDir
    policy: Policy
    load_detection: "Callable[[], Detection]"

    def certify(self) -> "Certificates":
        """Make the certificates that the agent's container mounts."""
        with importing():
            from vibedom.certificates import certify
        return certify(self.session, self.directory)

    def lay(self, certificates: "Certificates") -> "Groundwork":
        """The rest: import what judges the traffic, read the rules."""
        with importing():
            from vibedom.groundwork import lay
        return lay(certificates, self.directory, self.policy, self.load_detection)


async def begin(
    runtime: Runtime, spec: SandboxSpec, command: Command, preparation: Preparation, staging: TaskGroup
) -> "tuple[Groundwork, Sandbox]":
    """A sandbox that is made and not locked, and what its border stands on. `command` is staged in `staging`, and may
    still be when this returns.

    All at once where the runtime can: an engine works by itself while the thread here has its own to do. Raises what
    any of it raises; then nothing of the sandbox is left.
    """
    if runtime.mounts_trust_at_once:
        ground = await anyio.to_thread.run_sync(lambda: preparation.lay(preparation.certify()))
        return ground, await runtime.create(spec)
    made: list[Sandbox] = []
    certified = anyio.Event()

    async def create() -> None:
        made.append(await runtime.create(spec))
        await certified.wait()
        staging.start_soon(made[0].stage, command)

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(create)
            certificates = await anyio.to_thread.run_sync(preparation.certify)
            certified.set()
            ground = await anyio.to_thread.run_sync(preparation.lay, certificates)
    except BaseException:
        with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
            for sandbox in made:
                await sandbox.aclose()
        raise
    return ground, made[0]
