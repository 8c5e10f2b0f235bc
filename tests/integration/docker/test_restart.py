"""Containers of a session that somebody else stops, restarts or starts in the engine: nothing gets out meanwhile.

A hammer in the agent's container knocks at two ports of the gateway that are not vibedom's, as fast as it can.
"""

import os
import select
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiodocker
import anyio
import pytest
from aiodocker.containers import DockerContainer

from tests.integration.docker.engine_objects import named
from tests.integration.runtimes import Box, locked, make_spec, read_until
from vibedom.errors import SandboxError
from vibedom.sandbox import image
from vibedom.sandbox.docker import DockerRuntime

pytestmark = [pytest.mark.anyio, pytest.mark.engine]

HAMMER = """
import socket, sys
host, tcp, udp = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rounds = 0
while True:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, socket.socket() as stream:
        stream.settimeout(0.05)
        for send in (lambda: datagram.sendto(b"x", (host, udp)), lambda: stream.connect((host, tcp))):
            try: send()
            except OSError: pass
    rounds += 1
    if rounds % 500 == 0: print("hammering", flush=True)
"""


class Baits:
    """A TCP and a UDP port on every address of this machine; counts what arrives."""

    def __init__(self) -> None:
        self.arrived = 0
        self._tcp = socket.create_server(("0.0.0.0", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("0.0.0.0", 0))
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._count)
        self._thread.start()

    @property
    def ports(self) -> tuple[str, str]:
        return str(self._tcp.getsockname()[1]), str(self._udp.getsockname()[1])

    def _count(self) -> None:
        while True:
            ready = select.select([self._tcp, self._udp, self._woken], [], [])[0]
            if self._woken in ready:
                return
            for one in ready:
                self.arrived += 1
                self._tcp.accept()[0].close() if one is self._tcp else one.recv(16)

    def close(self) -> None:
        self._wake.close()
        self._thread.join()
        for one in (self._tcp, self._udp, self._woken):
            one.close()


@pytest.fixture
def baits() -> Iterator[Baits]:
    made = Baits()
    yield made
    made.close()


def gateway(box: Box) -> str:
    return box.sandbox.listeners.proxy_url.removeprefix("http://").rpartition(":")[0]


@pytest.fixture
async def hammered(runtime: DockerRuntime, tmp_path: Path, baits: Baits) -> AsyncIterator[Box]:
    """A sandbox whose agent hammers at the baits."""
    async with locked(runtime, make_spec(tmp_path)) as box:
        process = await box.start("python3", "-c", HAMMER, gateway(box), *baits.ports)
        await read_until(process, "hammering")
        yield box


async def is_running(container: DockerContainer) -> bool:
    return bool((await container.show())["State"]["Running"])


async def test_the_hammer_gets_through_where_nothing_is_locked(
    hammered: Box, docker: aiodocker.Docker, baits: Baits
) -> None:
    """The other tests of this file count nothing: here the same hammer on the same network is counted."""
    holder = await named(docker, hammered.spec.session, "holder")
    network = (await holder.show())["HostConfig"]["NetworkMode"]
    assert baits.arrived == 0
    stranger = await docker.containers.create(
        {
            "Image": image.NAME,
            "Entrypoint": ["python3", "-c", HAMMER, gateway(hammered), *baits.ports],
            "HostConfig": {"NetworkMode": network},
        }
    )
    try:
        await stranger.start()
        with anyio.fail_after(30):
            while baits.arrived < 100:
                await anyio.lowlevel.checkpoint()
    finally:
        await stranger.delete(force=True)


async def test_nothing_arrives_while_holder_and_agent_are_restarted_from_outside(
    hammered: Box, docker: aiodocker.Docker, baits: Baits
) -> None:
    holder = await named(docker, hammered.spec.session, "holder")
    agent = await named(docker, hammered.spec.session, "agent")
    refused = []
    for container in (holder, holder, agent, holder, agent):
        with pytest.raises(aiodocker.DockerError) as caught:
            await container.restart(t=0)
        refused.append(caught.value.message)
    assert [".permit" in message for message in refused] == [True, True, False, True, False]
    assert "non running container" in refused[2]
    assert not await is_running(holder)
    assert not await is_running(agent)
    assert baits.arrived == 0


async def test_an_agent_that_is_started_again_by_somebody_else_does_not_start(
    hammered: Box, docker: aiodocker.Docker, baits: Baits
) -> None:
    agent = await named(docker, hammered.spec.session, "agent")
    await hammered.sandbox.stop(0)
    with pytest.raises(aiodocker.DockerError, match="permit"):
        await agent.start()
    outcome = await hammered.sh("curl -sS http://example.test/")
    assert outcome.out == "through the proxy"  # vibedom's own processes start all the same
    assert not await is_running(agent)
    assert baits.arrived == 0


async def test_no_permit_is_left_once_the_agent_runs(hammered: Box, tmp_path: Path) -> None:
    assert list(hammered.spec.trust.glob("*.permit")) == []
    assert list((tmp_path / "state" / "permits").iterdir()) == []
    assert (await hammered.sh("ls /etc/vibedom")).out.count("permit") == 0


async def test_a_permit_that_a_killed_supervisor_left_is_revoked_and_a_fresh_one_is_not(
    runtime: DockerRuntime, tmp_path: Path
) -> None:
    directory = tmp_path / "state" / "permits"
    directory.mkdir(parents=True)
    old, fresh = directory / "old-holder.permit", directory / "fresh-holder.permit"
    for path in (old, fresh):
        path.touch()
    os.utime(old, (1.0, 1.0))
    await runtime.reap()
    assert list(directory.iterdir()) == [fresh]


@pytest.mark.parametrize("how", ["restart", "kill", "stop"])
async def test_the_supervisor_is_told_that_the_holder_is_gone(
    hammered: Box, docker: aiodocker.Docker, baits: Baits, how: str
) -> None:
    holder = await named(docker, hammered.spec.session, "holder")
    told: list[str] = []

    async def watch() -> None:
        with pytest.raises(SandboxError, match="stopped or restarted its holder") as caught:
            await hammered.sandbox.lost()
        told.append(str(caught.value))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            await anyio.lowlevel.checkpoint()
            if how == "restart":
                with pytest.raises(aiodocker.DockerError):
                    await holder.restart(t=0)
            else:
                await getattr(holder, how)()
    assert len(told) == 1
    assert baits.arrived == 0
