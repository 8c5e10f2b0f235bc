"""Removing what vibedom made in an engine: containers, then volumes and networks, with retries and a deadline."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal

import anyio
import msgspec

from vibedom.errors import SandboxError
from vibedom.sandbox import docker_labels
from vibedom.sandbox.docker_client import EngineClient
from vibedom.sandbox.docker_http import MissingError, RefusalError
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


async def labelled(engine: EngineClient, *wanted: str) -> list[Labelled]:
    """Every object that carries all the labels (`name=value`), containers first and networks last."""
    filters = msgspec.json.encode({"label": list(wanted)}).decode()
    what = "list what vibedom made"
    containers = await engine.call(what, "GET", "/containers/json", all="1", filters=filters)
    volumes = (await engine.call(what, "GET", "/volumes", filters=filters))["Volumes"] or []
    networks = await engine.call(what, "GET", "/networks", filters=filters)
    found = [
        Labelled(kind="container", id=one["Id"], name=one["Names"][0].lstrip("/"), labels=one["Labels"])
        for one in containers
    ]
    found += [Labelled(kind="volume", id=one["Name"], name=one["Name"], labels=one["Labels"]) for one in volumes]
    return found + [Labelled(kind="network", id=one["Id"], name=one["Name"], labels=one["Labels"]) for one in networks]


async def remove(engine: EngineClient, find: Callable[[], Awaitable[Sequence[Labelled]]]) -> list[Labelled]:
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
            failures = await _remove_once(engine, found)
    if scope.cancelled_caught:
        failures.append(f"the engine took longer than {REMOVAL_SECONDS:.0f} s")
    reasons = "; ".join(failures) or "the engine keeps making more"
    raise SandboxError(f"not everything could be removed ({reasons}); retry with `vibedom recover`")


async def _remove_once(engine: EngineClient, found: Sequence[Labelled]) -> list[str]:
    """One removal of each, and the reasons of those that stay."""
    failures: list[str] = []
    for kinds in (("container",), ("volume", "network")):
        async with anyio.create_task_group() as group:
            for one in found:
                if one.kind in kinds:
                    group.start_soon(_persist, engine, one, failures)
    return failures


async def _persist(engine: EngineClient, one: Labelled, failures: list[str]) -> None:
    for pause in (*_PAUSES, None):
        try:
            with suppress(MissingError):  # what is gone, or going, is what was wanted
                await _REMOVE[one.kind](engine, f"remove the {one.kind} {one.name}", one.id)
            return
        except SandboxError as exc:
            if pause is None:
                failures.append(str(exc))
            else:
                await anyio.sleep(pause)


async def _remove_container(engine: EngineClient, what: str, id_: str) -> None:
    """Kill and remove, with the anonymous volumes an image may have asked for. A paused one has to be resumed first."""
    path = f"/containers/{id_}"
    try:
        await engine.call(what, "DELETE", path, force="1", v="1")
    except RefusalError as exc:
        if "paused" not in str(exc).lower():
            raise
        await engine.call(what, "POST", f"{path}/unpause")
        await engine.call(what, "DELETE", path, force="1", v="1")


async def _remove_volume(engine: EngineClient, what: str, name: str) -> None:
    await engine.call(what, "DELETE", f"/volumes/{name}")


async def _remove_network(engine: EngineClient, what: str, id_: str) -> None:
    """Remove, after cutting off whoever else was attached to it: the network is this session's alone."""
    shown = await engine.call(what, "GET", f"/networks/{id_}")
    for container in shown.get("Containers") or {}:
        cut = {"Container": container, "Force": True}
        await engine.call(what, "POST", f"/networks/{id_}/disconnect", cut)
    await engine.call(what, "DELETE", f"/networks/{id_}")


_REMOVE: Mapping[Kind, Callable[[EngineClient, str, str], Awaitable[None]]] = {
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
