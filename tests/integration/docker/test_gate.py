"""The agent's container starts beside the self-test, and not one instruction of the agent runs before it has passed."""

import os
from pathlib import Path
from typing import Any

import aiodocker
import anyio
import msgspec
import pytest

from tests.integration.docker.engine_objects import everything, named
from tests.integration.runtimes import finish, make_spec, opened
from tests.integration.stand_in import Border
from vibedom.errors import LockdownError, SandboxError
from vibedom.sandbox import lockdown
from vibedom.sandbox.docker import DockerRuntime
from vibedom.sandbox.docker_gate import can_hold
from vibedom.sandbox.runtime import Command, Mount, SandboxSpec

pytestmark = [pytest.mark.anyio, pytest.mark.engine]

MARKING = Command(argv=["sh", "-c", "echo ran | tee /work/ran"], tty=False)


async def test_a_command_that_waits_runs_when_the_lockdown_is_proved_and_not_before(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    async with opened(runtime, make_spec(tmp_path)) as box:
        await box.sandbox.stage(MARKING)
        agent = await named(docker, box.spec.session, "agent")
        assert (await agent.show())["State"]["Running"] is True
        with pytest.raises(SandboxError, match="not locked"):
            await box.sandbox.start(MARKING)
        with pytest.raises(SandboxError, match="has not been started"):
            await box.exec("true")
        await box.sandbox.lock()
        assert list(box.spec.upper.iterdir()) == []
        with pytest.raises(SandboxError, match="another command"):
            await box.start("true")
        outcome = await finish(await box.sandbox.start(MARKING))
        assert (outcome.code, outcome.out) == (0, "ran\n")
        assert (box.spec.upper / "ran").read_text() == "ran\n"
        assert (await agent.show())["State"]["Running"] is False


async def test_a_command_that_waits_never_runs_where_the_self_test_fails(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    spec = make_spec(tmp_path)
    sandbox = await runtime.create(spec)
    border = Border("somebody-else")
    try:
        await sandbox.stage(MARKING)
        agent = await named(docker, spec.session, "agent")
        assert (await agent.show())["State"]["Running"] is True
        await border.serve(sandbox.listeners)
        with pytest.raises(LockdownError, match="something else answers"):
            await sandbox.lock()
        assert await everything(docker, spec.session) == []
        with pytest.raises(SandboxError):
            await sandbox.start(MARKING)
        assert list(spec.upper.iterdir()) == []
    finally:
        border.close()
        await sandbox.aclose()


async def test_a_command_that_waits_never_runs_where_the_holder_cannot_lock_its_network(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder lives, so that the agent's container can start, and says only when it is told that it has failed."""
    script = f"trap 'echo \"{lockdown.FAILED}: on purpose\"' USR1; while :; do sleep 0.1; done"
    monkeypatch.setattr(lockdown, "script", lambda: script)
    async with opened(runtime, make_spec(tmp_path)) as box:
        await box.sandbox.stage(MARKING)
        agent, holder = [await named(docker, box.spec.session, role) for role in ("agent", "holder")]
        assert (await agent.show())["State"]["Running"] is True
        await holder.kill(signal="USR1")
        with pytest.raises(LockdownError, match="on purpose"):
            await box.sandbox.lock()
        assert await everything(docker, box.spec.session) == []
        assert list(box.spec.upper.iterdir()) == []


async def test_a_supervisor_that_dies_opens_no_gate(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    async with opened(runtime, make_spec(tmp_path)) as box:
        await box.sandbox.stage(MARKING)
        agent = await named(docker, box.spec.session, "agent")
        box.sandbox._held.gate.close()  # type: ignore[attr-defined]  # as the kernel does for the dead
        with anyio.fail_after(30):
            assert (await agent.wait())["StatusCode"] == 125
        assert list(box.spec.upper.iterdir()) == []


async def test_what_waited_has_the_environment_and_the_directory_that_it_has_without_waiting(
    runtime: DockerRuntime, tmp_path: Path
) -> None:
    show = Command(argv=["sh", "-c", "env | sort; pwd; id; ls -l /proc/$$/fd; umask; cat"], tty=False)
    said = []
    for number, is_staged in enumerate((False, True)):
        async with opened(runtime, make_spec(tmp_path / str(number), session="one-name")) as box:
            if is_staged:
                await box.sandbox.stage(show)
            await box.sandbox.lock()
            lines = (await finish(await box.sandbox.start(show), b"to the agent\n")).out.splitlines()
            port = box.sandbox.listeners.proxy_url.removeprefix("http://")
            said.append([line.replace(port, "PROXY").split(" -> ")[0].split(" ")[-1] for line in lines])
    assert said[0] == said[1]
    assert said[0][-1] == "agent"


NOT_HELD: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "an image of somebody else's": ({"image": "alpine"}, [], ["true"]),
    "a mount over the shell": ({"mounts": [Mount(source=Path("/"), target="/bin")]}, [], ["true"]),
    "a library for every program": ({}, ["LD_PRELOAD=/work/evil.so"], ["true"]),
    "a loader that is told to look elsewhere": ({}, ["LD_LIBRARY_PATH=/work"], ["true"]),
    "a file that shells read first": ({}, ["BASH_ENV=/work/evil.sh"], ["true"]),
    "a name that does not come through a shell": ({}, ["a.b=1"], ["true"]),
    "an option for exec": ({}, [], ["-a"]),
}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> SandboxSpec:
    return make_spec(tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize("kind", NOT_HELD)
def test_what_could_run_before_the_word_is_not_held_but_started_later(usual: SandboxSpec, kind: str) -> None:
    changes, variables, argv = NOT_HELD[kind]
    own = ["HOME=/home/agent", "HTTPS_PROXY=http://172.18.0.1:3128"]
    assert can_hold(usual, Command(argv=["true"], tty=False), own)
    unusual = msgspec.structs.replace(usual, **changes)
    assert not can_hold(unusual, Command(argv=argv, tty=False), [*own, *variables])


async def test_what_is_not_held_is_started_all_the_same(runtime: DockerRuntime, tmp_path: Path) -> None:
    command = Command(argv=["sh", "-c", 'echo "$LD_BIND_NOW"'], tty=False, environment={"LD_BIND_NOW": "1"})
    async with opened(runtime, make_spec(tmp_path)) as box:
        await box.sandbox.stage(command)
        await box.sandbox.lock()
        assert (await finish(await box.sandbox.start(command))).out == "1\n"


def test_nothing_of_a_gate_is_left(tmp_path: Path) -> None:
    from vibedom.sandbox.docker_gate import Gate

    before = set(os.listdir("/proc/self/fd"))
    gate = Gate(tmp_path, "container")
    assert [path.name for path in tmp_path.iterdir()] == ["container.gate"]
    gate.close()
    gate.close()
    assert list(tmp_path.iterdir()) == []
    assert set(os.listdir("/proc/self/fd")) == before
