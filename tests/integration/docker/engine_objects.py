"""What a test sees of a session's objects in the engine, without asking vibedom."""

from typing import Any

import aiodocker
from aiodocker.containers import DockerContainer


async def named(docker: aiodocker.Docker, session: str, role: str) -> DockerContainer:
    """The session's container `holder` or `agent`."""
    found = await docker.containers.list(all=True, filters=f'{{"label": ["vibedom.session={session}"]}}')
    matching = [one for one in found if one["Names"][0].endswith(f"-{role}")]
    assert len(matching) == 1
    return matching[0]


async def everything(docker: aiodocker.Docker, session: str) -> list[str]:
    """Names of every container, volume and network that carries the session's label."""
    filters: dict[str, Any] = {"label": [f"vibedom.session={session}"]}
    containers = await docker.containers.list(all=True, filters=f'{{"label": ["vibedom.session={session}"]}}')
    volumes = (await docker.volumes.list(filters=filters))["Volumes"] or []
    networks = await docker.networks.list(filters=filters)
    return [one["Names"][0] for one in containers] + [one["Name"] for one in [*volumes, *networks]]


async def root_exec(container: DockerContainer, *argv: str) -> tuple[int, str]:
    """Run a command in a container as its root, with its capabilities: exit code and output."""
    execution = await container.exec(list(argv), user="0:0")
    output = b""
    async with execution.start() as stream:
        while (message := await stream.read_out()) is not None:
            output += message.data
    return (await execution.inspect())["ExitCode"], output.decode("utf-8", "replace")
