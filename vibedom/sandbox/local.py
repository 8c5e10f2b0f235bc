"""The local runtime: a sandbox of namespaces on Linux, with no daemon, no image and no root."""

import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

import anyio
import anyio.to_thread
import msgspec

from vibedom.errors import SandboxError
from vibedom.paths import Home, ensure_private
from vibedom.process_identity import start_ticks
from vibedom.sandbox import local_cgroup, local_orphans, local_view
from vibedom.sandbox.local_check import unavailable
from vibedom.sandbox.local_launch import Launched, bring_up, plan, spawn
from vibedom.sandbox.local_orphans import Entry, Register
from vibedom.sandbox.local_root import unpacked
from vibedom.sandbox.local_sandbox import LocalSandbox
from vibedom.sandbox.runtime import Leftover, RuntimeName, Sandbox, SandboxSpec

_REAP_SECONDS = 10.0


class LocalRuntime:
    """Implements `Runtime`. `home` is where it keeps its register and unpacked root file systems."""

    name: RuntimeName = "local"
    mounts_trust_at_once = True

    def __init__(self, home: Home) -> None:
        self._cache = home.cache
        self._register = Register(home.cache / "local")

    async def available(self) -> str | None:
        return await unavailable(ensure_private(self._cache))

    async def create(self, spec: SandboxSpec) -> Sandbox:
        if sys.platform != "linux":
            raise SandboxError("the local runtime needs Linux; use --runtime docker")
        root = None
        if spec.root is not None:
            root = await anyio.to_thread.run_sync(unpacked, spec.root, ensure_private(self._cache) / "roots")
        spec = _with_ids(spec)
        async with AsyncExitStack() as undo:
            # A name of its own: an empty group that a crash has left must not cost the limits of the next session.
            group = local_cgroup.make(f"vibedom-{spec.session}-{secrets.token_hex(4)}", spec.limits)
            undo.callback(group.remove)
            launched = spawn(group)
            undo.push_async_callback(_kill, launched)
            self._register.write(_entry(spec, launched, group))
            undo.callback(self._register.forget, spec.session)
            launched.order(plan(spec.uid, spec.gid, local_view.steps(spec, root), group))
            listeners = await bring_up(launched, uid=spec.uid, gid=spec.gid, group=group)
            undo.pop_all()
            return LocalSandbox(spec, launched, listeners, group, self._register, local_view.login_shell(root))

    async def leftovers(self) -> Sequence[Leftover]:
        return [leftover for entry in self._register.orphans() for leftover in local_orphans.leftovers(entry)]

    async def reap(self) -> Sequence[Leftover]:
        reaped = list(await self.leftovers())
        for entry in list(self._register.orphans()):
            if await local_cgroup.until(partial(local_orphans.end, entry), _REAP_SECONDS):
                self._register.forget(entry.session)
        return reaped

    async def aclose(self) -> None:
        return


def _with_ids(spec: SandboxSpec) -> SandboxSpec:
    """The specification with the ids the agent really gets: an ordinary user has only his own to give."""
    if os.geteuid() == 0:
        return spec
    if spec.uid != os.geteuid():
        raise SandboxError(
            f"the workspace {spec.workspace} belongs to uid {spec.uid}, and without root the local runtime can run the "
            f"agent only as you (uid {os.geteuid()}); run vibedom as that user, or use --runtime docker"
        )
    return msgspec.structs.replace(spec, gid=os.getegid())


def _entry(spec: SandboxSpec, launched: Launched, group: local_cgroup.Group) -> Entry:
    return Entry(
        session=spec.session,
        owner_pid=spec.owner_pid,
        owner_started=start_ticks(spec.owner_pid) or 0,
        launcher_pid=launched.pid,
        launcher_started=start_ticks(launched.pid) or 0,
        work=str(spec.work),
        groups=[str(directory) for directory in group.directories],
        freezer=None if group.thawed_by is None else str(group.thawed_by),
    )


async def _kill(launched: Launched) -> None:
    with anyio.CancelScope(shield=True):
        await launched.kill()
