"""How a session begins: its sandbox is made while what judges its traffic is got ready."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from vibedom.sandbox.runtime import Runtime, Sandbox, SandboxSpec

if TYPE_CHECKING:
    from vibedom.groundwork import Groundwork

STOP_SECONDS = 30.0
"""What ending a session may take before it is left to the next start's clean-up."""


async def begin(runtime: Runtime, spec: SandboxSpec, lay: "Callable[[], Groundwork]") -> "tuple[Groundwork, Sandbox]":
    """A sandbox that is made and not locked, and what `lay` returns, which runs in a thread.

    Both at once where the runtime can: an engine works by itself while the thread here imports, reads rules and makes
    certificates. Raises what either raises; then nothing of the sandbox is left.
    """
    if runtime.mounts_trust_at_once:
        ground = await anyio.to_thread.run_sync(lay)
        return ground, await runtime.create(spec)
    made: list[Sandbox] = []

    async def create() -> None:
        made.append(await runtime.create(spec))

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(create)
            ground = await anyio.to_thread.run_sync(lay)
    except BaseException:
        with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
            for sandbox in made:
                await sandbox.aclose()
        raise
    return ground, made[0]
