"""What a session leaves in the engine: nothing, whatever happens to it, and nothing of anybody else's is touched."""

import os
import socket
from pathlib import Path

import aiodocker
import anyio
import pytest

from tests.integration.docker.engine_objects import everything, named
from tests.integration.runtimes import Box, finish, locked, make_spec, opened
from vibedom.errors import RuntimeUnavailableError, SandboxError
from vibedom.sandbox import docker_network, docker_removal
from vibedom.sandbox.docker import DockerRuntime
from vibedom.sandbox.docker_network import Bridge

pytestmark = [pytest.mark.anyio, pytest.mark.engine]


async def test_nothing_is_left_after_a_session(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    spec = make_spec(tmp_path)
    async with locked(runtime, spec) as box:
        await box.idle()
        made = await everything(docker, spec.session)
        assert len(made) == 5
        assert all(name.lstrip("/").startswith(f"vibedom-{spec.session}-") for name in made)
    assert await everything(docker, spec.session) == []


@pytest.mark.parametrize("after", [0.0, 0.03, 0.1, 0.2, 0.4, 0.6])
async def test_a_start_that_is_cancelled_leaves_nothing(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path, after: float
) -> None:
    spec = make_spec(tmp_path)
    with anyio.move_on_after(after):
        async with locked(runtime, spec) as box:
            await box.idle()
            await anyio.sleep_forever()
    assert await everything(docker, spec.session) == []


async def test_a_start_that_fails_half_way_leaves_nothing(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    spec = make_spec(tmp_path, image="vibedom-test/does-not-exist:never")
    with pytest.raises(RuntimeUnavailableError, match="cannot be pulled"):
        await runtime.create(spec)
    assert await everything(docker, spec.session) == []


async def test_a_paused_agent_is_removed(runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    async with locked(runtime, spec) as box:
        await box.idle()
        await box.sandbox.pause()
    assert await everything(docker, spec.session) == []


async def test_a_stranger_on_the_sessions_network_does_not_keep_it_alive(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    spec = make_spec(tmp_path)
    stranger = await docker.containers.create({"Image": "vibedom/sandbox:latest", "Cmd": ["sleep", "1000"]})
    try:
        await stranger.start()
        async with locked(runtime, spec):
            [network] = [
                one for one in await docker.networks.list() if one["Name"].startswith(f"vibedom-{spec.session}")
            ]
            await (await docker.networks.get(network["Id"])).connect({"Container": stranger.id})
        assert await everything(docker, spec.session) == []
        assert (await stranger.show())["State"]["Running"] is True
    finally:
        await stranger.delete(force=True)


async def test_other_peoples_unused_networks_and_volumes_stay(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    network = await docker.networks.create({"Name": f"unused-{os.urandom(3).hex()}"})
    volume = await docker.volumes.create({"Name": f"unused-{os.urandom(3).hex()}"})
    try:
        async with locked(runtime, make_spec(tmp_path)):
            pass
        await runtime.reap()
        assert await network.show()
        assert await volume.show()
    finally:
        await network.delete()
        await volume.delete()


async def test_what_was_lost_with_the_state_directory_is_found_by_its_labels(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    """The owner is a process that has ended: what carries its labels is an orphan although nobody remembers it."""
    process = await anyio.open_process(["sleep", "1000"])
    spec = make_spec(tmp_path, owner_pid=process.pid)
    async with opened(runtime, spec):
        assert await runtime.leftovers() == []
        process.kill()
        await process.wait()
        found = await runtime.leftovers()
        assert sorted(one.kind for one in found) == ["container", "network", "volume", "volume"]
        assert {one.session for one in found} == {spec.session}
        assert sorted(one.name for one in await runtime.reap()) == sorted(one.name for one in found)
        assert await everything(docker, spec.session) == []
    await process.aclose()


async def test_an_owner_that_is_dead_from_the_start_is_refused(runtime: DockerRuntime, tmp_path: Path) -> None:
    process = await anyio.open_process(["true"])
    await process.wait()
    with pytest.raises(SandboxError, match="not alive"):
        await runtime.create(make_spec(tmp_path, owner_pid=process.pid))
    await process.aclose()


async def test_an_old_volume_of_the_same_session_is_never_used_again(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    first = make_spec(tmp_path / "1", session="same-name")
    second = make_spec(tmp_path / "2", session="same-name")
    async with locked(runtime, first) as box:
        await finish(await box.start("sh", "-c", "echo 1 >mark"))
        old = await docker_removal.labelled(runtime.engine(), "vibedom.session=same-name")
    async with locked(runtime, second) as box:
        new = await docker_removal.labelled(runtime.engine(), "vibedom.session=same-name")
        assert (await finish(await box.start("ls"))).out == "readme.txt\n"
    assert not {one.name for one in old} & {one.name for one in new}


async def test_an_address_that_is_not_this_machines_is_named_as_an_engine_elsewhere() -> None:
    bridge = Bridge(id="0" * 64, name="elsewhere", gateway="192.0.2.1", interface="lo")
    with pytest.raises(RuntimeUnavailableError, match="no address of this machine"):
        docker_network.bind(bridge, socket.SOCK_STREAM)


async def test_the_agents_output_is_not_kept_by_the_engine(box: Box, docker: aiodocker.Docker) -> None:
    agent = await named(docker, box.spec.session, "agent")
    with pytest.raises(aiodocker.DockerError, match="does not support reading"):
        await agent.log(stdout=True)


async def test_pid_1_is_an_init(box: Box) -> None:
    assert (await box.sh("cat /proc/1/comm")).out.strip() in ("docker-init", "tini")


async def test_memory_of_this_process_stays_flat_while_a_lot_is_printed(box: Box) -> None:
    process = await box.exec("sh", "-c", "head -c 300000000 /dev/zero")
    before, total = _resident_bytes(), 0
    while (data := await process.read()) is not None:
        total += len(data)
    assert total == 300_000_000
    assert _resident_bytes() - before < 30 << 20


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_hundreds_of_processes_one_after_the_other_and_side_by_side(box: Box) -> None:
    """Each holds a connection to the engine while it runs; none holds one for longer."""
    for number in range(60):
        assert (await box.sh(f"echo {number}")).out == f"{number}\n"
    unread = [await box.exec("sh", "-c", "echo waiting; read line") for _ in range(110)]
    assert (await box.sh("echo still")).out == "still\n"
    for process in unread:
        await process.close_stdin()
