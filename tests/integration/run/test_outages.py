"""What a session needs goes away under it: room on the disk, the engine, memory."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiodocker
import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from tests.integration.docker.engine_objects import everything, named
from tests.integration.run.conftest import Finished, Vibedom, ended, killed_at_the_end, until
from vibedom import sessions
from vibedom.paths import Home
from vibedom.sandbox.docker import DockerRuntime
from vibedom.sandbox.docker_engine import connect, disconnect
from vibedom.sandbox.runtime import Runtime

pytestmark = [pytest.mark.anyio, pytest.mark.engine]
ENGINE = "/var/run/docker.sock"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount one")
    image, mount = tmp_path / "disk.img", tmp_path / "small"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    mount.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", mount], check=True)


async def test_a_full_disk_closes_the_border_and_loses_no_work(
    vibedom: Vibedom, runtime: Runtime, small_disk: Path
) -> None:
    if runtime.name != "local":
        pytest.skip("a full disk is the supervisor's trouble, whatever the runtime")
    small = Vibedom(small_disk / "state", vibedom.project, "local")
    # Without the reserve, which freezes the agent before this: what if somebody else fills the disk?
    small.policy(policy="[limits]\ndisk_reserve_bytes = 0\n")
    shutil.copytree(vibedom.home / "cache", small.home / "cache", dirs_exist_ok=True)
    script = (
        "echo kept > kept; sync; dd if=/dev/zero of=big bs=1M 2>/dev/null; dd if=/dev/zero of=rest bs=64 2>/dev/null;"
        "for i in 1 2 3 4; do curl -s -m 20 http://x.test/; done"
    )
    done = await small.sh(script, options=("--name", "full"))
    assert "the audit log cannot be written" in done.out
    assert "disk is full" in done.err
    assert "Traceback" not in done.err
    log, directory = small.session / "network.jsonl", small.session
    assert log.read_bytes().endswith(b"\n")
    again = await small.sh("true")
    assert again.code != 0
    assert "Traceback" not in again.err
    (directory / "upper" / "big").unlink()
    assert (await small("audit", "verify", "full")).code == 0
    assert (await small("apply", "full", "--all", "--yes")).code == 0
    assert (small.project / "kept").read_text() == "kept\n"


class Line:
    """A way to the engine that can be cut, as a restart of the engine cuts it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[SocketStream] = []

    async def serve(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        listener = await anyio.create_unix_listener(self._path)
        async with listener:
            task_status.started()
            await listener.serve(self._relay)

    def cut(self) -> None:
        self._path.unlink()
        for stream in self._open:
            with contextlib.suppress(OSError):  # over already
                stream.extra(SocketAttribute.raw_socket).shutdown(2)

    async def _relay(self, client: SocketStream) -> None:
        async with client, await anyio.connect_unix(ENGINE) as engine, anyio.create_task_group() as group:
            self._open += [client, engine]
            group.start_soon(_copy, client, engine)
            await _copy(engine, client)
            group.cancel_scope.cancel()


async def _copy(source: SocketStream, target: SocketStream) -> None:
    try:
        async for data in source:
            await target.send(data)
        await target.send_eof()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        return


async def test_an_engine_that_goes_away_ends_the_session_and_resume_goes_on_with_its_work(
    vibedom: Vibedom, runtime: Runtime, tmp_path: Path
) -> None:
    if runtime.name != "docker":
        pytest.skip("this runtime has no engine")
    line = Line(tmp_path / "engine.sock")
    home = Home(root=vibedom.home)
    script = "echo x >> runs; while [ $(wc -l < runs) -lt 2 ]; do sleep 0.2; done"
    async with anyio.create_task_group() as group:
        await group.start(line.serve)
        over = Vibedom(vibedom.home, vibedom.project, "docker", DOCKER_HOST=f"unix://{tmp_path}/engine.sock")
        with killed_at_the_end(over.started("sh", "-c", script, options=("--name", "task"))) as process:
            await until(lambda: (home.session("task").upper / "runs").exists(), "the agent")
            await until(lambda: sessions.load(home, "task").status == "running", "the session")
            line.cut()
            assert await ended(process, 100) != 0
        group.cancel_scope.cancel()
    assert not sessions.load(home, "task").is_alive
    done = await vibedom("resume", "task")
    assert done.code == 0, done
    assert (home.session("task").upper / "runs").read_text() == "x\nx\n"


async def test_a_holder_that_somebody_restarts_ends_the_session_and_resume_goes_on_with_its_work(
    vibedom: Vibedom, runtime: Runtime
) -> None:
    if not isinstance(runtime, DockerRuntime):
        pytest.skip("this runtime has no engine")
    home, docker = Home(root=vibedom.home), connect(runtime.endpoint())
    script = "echo x >> runs; while [ $(wc -l < runs) -lt 2 ]; do sleep 0.2; done"
    finished: list[Finished] = []

    async def run() -> None:
        finished.append(await vibedom.sh(script, options=("--name", "task")))

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await until(lambda: (home.session("task").upper / "runs").exists(), "the agent")
        await until(lambda: sessions.load(home, "task").status == "running", "the session")
        holder = await named(docker, sessions.load(home, "task").id, "holder")
        with pytest.raises(aiodocker.DockerError, match="permit"):
            await holder.restart(t=0)
    assert finished[0].code != 0
    assert "somebody stopped or restarted its holder in the engine" in finished[0].err
    assert "Traceback" not in finished[0].err
    assert await everything(docker, sessions.load(home, "task").id) == []
    await disconnect(docker)
    done = await vibedom("resume", "task")
    assert done.code == 0, done
    assert (home.session("task").upper / "runs").read_text() == "x\nx\n"


async def test_an_agent_that_takes_too_much_memory_ends_with_137_and_its_work_is_kept(
    vibedom: Vibedom, runtime: Runtime
) -> None:
    script = "echo kept > kept; exec tail /dev/zero"
    done = await vibedom.sh(script, options=("--memory", "64m", "--json"))
    assert done.code == 137, done
    assert json.loads(done.out)["exit_code"] == 137
    assert (vibedom.session / "upper" / "kept").read_text() == "kept\n"
