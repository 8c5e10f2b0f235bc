"""Removing what vibedom made in an engine: containers, then volumes and networks, with retries and a deadline."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

import aiodocker
import anyio
import msgspec

from vibedom.errors import SandboxError
from vibedom.sandbox import docker_labels
from vibedom.sandbox.docker_engine import asking
from vibedom.sandbox.runtime import Leftover

REMOVAL_SECONDS = 60.0
_ROUNDS = 5
_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between tries: an engine may hold an endpoint or a mount a moment longer than its container."""

Kind = Literal["container", "volume", "network"]


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """One object of the engine that carries vibedom's labels."""

    kind: Kind
    id: str
    name: str
    labels: Mapping[str, str]

    @property
    def leftover(self) -> Leftover:
        return Leftover(session=self.labels.get(docker_labels.SESSION, ""), kind=self.kind, name=self.name)


async def labelled(docker: aiodocker.Docker, *wanted: str) -> list[Labelled]:
    """Every object that carries all the labels (`name=value`), containers first and networks last."""
    filters = {"label": list(wanted)}
    with asking("list what vibedom made"):
        containers = await docker.containers.list(all=True, filters=msgspec.json.encode(filters).decode())
        volumes = (await docker.volumes.list(filters=filters))["Volumes"] or []  # type: ignore[no-untyped-call]
        networks = await docker.networks.list(filters=filters)
    found = [
        Labelled(kind="container", id=one.id, name=one["Names"][0].lstrip("/"), labels=one["Labels"])
        for one in containers
    ]
    found += [Labelled(kind="volume", id=one["Name"], name=one["Name"], labels=one["Labels"]) for one in volumes]
    return found + [Labelled(kind="network", id=one["Id"], name=one["Name"], labels=one["Labels"]) for one in networks]


async def remove(docker: aiodocker.Docker, find: Callable[[], Awaitable[Sequence[Labelled]]]) -> list[Labelled]:
    """Remove what `find` finds, until it finds nothing more, and return what that was.

    More than once, because the engine may still be making something for a supervisor that has been killed. What is
    gone already is fine; `SandboxError` names what is left. Shielded: a cancelled session still cleans up, for at most
    `REMOVAL_SECONDS`.
    """
    removed: dict[str, Labelled] = {}
    failures: list[str] = []
    with anyio.move_on_after(REMOVAL_SECONDS, shield=True) as scope:
        for _ in range(_ROUNDS):
            found = await find()
            if not found:
                return list(removed.values())
            removed |= {one.id: one for one in found}
            failures = await _remove_once(docker, found)
    if scope.cancelled_caught:
        failures.append(f"the engine took longer than {REMOVAL_SECONDS:.0f} s")
    reasons = "; ".join(failures) or "the engine keeps making more"
    raise SandboxError(f"not everything could be removed ({reasons}); retry with `vibedom recover`")


async def _remove_once(docker: aiodocker.Docker, found: Sequence[Labelled]) -> list[str]:
    """One removal of each, and the reasons of those that stay."""
    failures: list[str] = []
    for kinds in (("container",), ("volume", "network")):
        async with anyio.create_task_group() as group:
            for one in found:
                if one.kind in kinds:
                    group.start_soon(_persist, docker, one, failures)
    return failures


async def _persist(docker: aiodocker.Docker, one: Labelled, failures: list[str]) -> None:
    for pause in (*_PAUSES, None):
        try:
            with asking(f"remove the {one.kind} {one.name}", missing_ok=True):
                await _REMOVE[one.kind](docker, one.id)
            return
        except SandboxError as exc:
            if pause is None:
                failures.append(str(exc))
            else:
                await anyio.sleep(pause)


async def _remove_container(docker: aiodocker.Docker, id_: str) -> None:
    """Kill and remove, with the anonymous volumes an image may have asked for. A paused one has to be resumed first."""
    container = docker.containers.container(id_)
    try:
        await container.delete(force=True, v=True)
    except aiodocker.DockerError as exc:
        if "paused" not in exc.message.lower():
            raise
        await container.unpause()
        await container.delete(force=True, v=True)


async def _remove_volume(docker: aiodocker.Docker, name: str) -> None:
    await (await docker.volumes.get(name)).delete()  # type: ignore[no-untyped-call]


async def _remove_network(docker: aiodocker.Docker, id_: str) -> None:
    """Remove, after cutting off whoever else was attached to it: the network is this session's alone."""
    network = await docker.networks.get(id_)
    for container in (await network.show()).get("Containers") or {}:
        await network.disconnect({"Container": container, "Force": True})
    await network.delete()


_REMOVE: Mapping[Kind, Callable[[aiodocker.Docker, str], Awaitable[None]]] = {
    "container": _remove_container,
    "volume": _remove_volume,
    "network": _remove_network,
}


def orphans(found: Sequence[Labelled]) -> list[Labelled]:
    """Those whose supervisor is dead."""
    dead = []
    for one in found:
        owner = docker_labels.owner(one.labels)
        if owner is not None and not owner.is_alive():
            dead.append(one)
    return dead
