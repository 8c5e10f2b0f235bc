"""`vibedom run` lets the engine begin before it has read a rule: where nothing comes of it, nothing of it is left."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.integration.docker.engine_objects import everything
from tests.integration.run.conftest import Vibedom, ended, killed_at_the_end, usable
from tests.integration.run.live import terminal
from vibedom.head_start import begin_early
from vibedom.paths import Home
from vibedom.sandbox.docker import DockerRuntime
from vibedom.sandbox.docker_engine import connect, disconnect

pytestmark = [pytest.mark.anyio, pytest.mark.engine]


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[DockerRuntime]:
    async with usable("docker", tmp_path) as found:
        assert isinstance(found, DockerRuntime)
        yield found


async def test_a_policy_that_cannot_be_read_ends_a_start_and_leaves_nothing(
    vibedom: Vibedom, runtime: DockerRuntime
) -> None:
    vibedom.policy(policy="[dlp\n")
    done = await vibedom.run("true")
    assert done.code == 2, done
    assert "policy.toml" in done.err
    assert await runtime.leftovers() == []
    assert vibedom.sessions == []
    assert list((vibedom.home / "permits").iterdir()) == []


async def test_a_signal_while_the_user_is_asked_leaves_nothing(vibedom: Vibedom, runtime: DockerRuntime) -> None:
    (vibedom.project / "vibedom.toml").write_text('hosts = ["api.example.com"]\n')
    arguments = ("run", str(vibedom.project), "--runtime", "docker", "--name", "asked", "--", "true")
    docker = connect(runtime.endpoint())
    with terminal(vibedom, *arguments) as shown:
        shown.read_until(rb"Agree to this")
        with anyio.fail_after(60):
            while not any(name.endswith("-holder") for name in await everything(docker, "asked")):
                await anyio.lowlevel.checkpoint()
        shown.process.send_signal(signal.SIGTERM)
        assert shown.process.wait(60) == 128 + signal.SIGTERM
        assert shown.is_restored
    assert await everything(docker, "asked") == []
    assert vibedom.sessions == []
    await disconnect(docker)


@pytest.mark.parametrize(
    ("project", "name"), [(".", "Not A Name"), ("nowhere", None), (".", "taken")], ids=["name", "project", "taken"]
)
async def test_what_cannot_become_a_session_is_not_begun(
    runtime: DockerRuntime, tmp_path: Path, project: str, name: str | None
) -> None:
    home = Home(root=tmp_path / "state")
    (home.sessions / "taken").mkdir(parents=True)
    place = tmp_path / "project"
    place.mkdir()
    assert begin_early(home, place / project, runtime="docker", name=name) is None
    assert begin_early(home, place, runtime="local", name=None) is None


async def test_what_was_begun_and_not_taken_is_removed_and_what_was_taken_is_not(
    runtime: DockerRuntime, tmp_path: Path
) -> None:
    home, project = Home(root=tmp_path / "state"), tmp_path / "project"
    project.mkdir()
    docker = connect(runtime.endpoint())
    left = begin_early(home, project, runtime="docker", name="left")
    taken = begin_early(home, project, runtime="docker", name="taken")
    assert left is not None
    assert taken is not None
    assert taken.take()
    await anyio.to_thread.run_sync(taken.wait)
    await anyio.to_thread.run_sync(left.discard)
    await anyio.to_thread.run_sync(taken.discard)
    assert await everything(docker, "left") == []
    assert len(await everything(docker, "taken")) == 2
    taken.close()
    for one in await docker.containers.list(all=True, filters='{"label": ["vibedom.session=taken"]}'):
        await one.delete(force=True)
    await (await docker.networks.get(taken.bridge.id)).delete()
    assert list((home.root / "permits").iterdir()) == []
    await disconnect(docker)
    assert os.getpid() == int(taken.labels["vibedom.owner_pid"])


async def test_a_signal_at_whatever_moment_of_a_start_leaves_nothing(vibedom: Vibedom, runtime: DockerRuntime) -> None:
    docker = connect(runtime.endpoint())
    for number, after in enumerate((0.1, 0.2, 0.3, 0.45, 0.6)):
        name, sent = f"cut-{number}", (signal.SIGTERM, signal.SIGINT)[number % 2]
        with killed_at_the_end(vibedom.started("sleep", "100", options=("--name", name))) as process:
            await anyio.sleep(after)
            process.send_signal(sent)
            assert await ended(process) in (-sent, 128 + sent)
        assert await everything(docker, name) == []
    permits = vibedom.home / "permits"
    assert not permits.exists() or list(permits.iterdir()) == []
    assert "without its supervisor" not in (await vibedom("recover")).err
    await disconnect(docker)
