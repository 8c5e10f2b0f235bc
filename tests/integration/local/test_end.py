"""Nothing outlives its supervisor, and nothing of a sandbox is left when it is closed."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from tests.integration.local import processes
from tests.integration.runtimes import Box, finish, locked, make_spec, opened
from vibedom.errors import SandboxError
from vibedom.paths import Home
from vibedom.sandbox.local import LocalRuntime
from vibedom.sandbox.local_cgroup import Group
from vibedom.sandbox.local_launch import bring_up, plan, spawn
from vibedom.sandbox.runtime import Command

pytestmark = [pytest.mark.anyio]

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def victim(tmp_path: Path, *options: str) -> AsyncIterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A supervisor in a process of its own with a working agent, and all the processes of its sandbox."""
    marker = f"9{int.from_bytes(os.urandom(3), 'big')}"
    argv = [sys.executable, "-m", "tests.integration.local.supervisor", str(tmp_path / "state"), str(tmp_path / "run")]
    with subprocess.Popen(  # noqa: ASYNC220 - a process to be killed, which anyio's would be with its scope
        [*argv, marker, *options], stdout=subprocess.PIPE, cwd=ROOT
    ) as supervisor:
        try:
            assert supervisor.stdout is not None
            assert await anyio.to_thread.run_sync(supervisor.stdout.readline) == b"ready\n"
            sleeping = [pid for pid in processes.with_argument(marker) if pid != supervisor.pid]
            family = {pid for sleeper in sleeping for pid in processes.parents(sleeper)}
            ours = sorted({*sleeping, *family} - {supervisor.pid, *processes.parents(supervisor.pid)} - {0, 1})
            assert len(sleeping) == 3, "the shell and its two children"
            assert len(ours) == 5, "and process 1 with its launcher"
            yield supervisor, ours
        finally:
            supervisor.kill()
            supervisor.wait()
            await LocalRuntime(Home(root=tmp_path / "state")).reap()
            assert groups_called("vibedom-victim*") == []


def groups_called(name: str) -> list[Path]:
    return list(Path("/sys/fs/cgroup").rglob(name))


def first_freezer() -> Path:
    """A new group of a version 1 freezer."""
    directory = Path("/sys/fs/cgroup/freezer", f"vibedom-test-{os.getpid()}")
    try:
        directory.mkdir()
    except OSError:
        pytest.skip("no version 1 freezer that this user can write")
    return directory


@pytest.mark.parametrize("options", [(), ("pause",)], ids=["running", "paused"])
async def test_a_killed_supervisor_takes_every_process_with_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    async with victim(tmp_path, *options) as (supervisor, ours):
        with processes.watched(ours) as ends:
            supervisor.send_signal(signal.SIGKILL)
            await processes.all_ended(ends)


async def test_a_killed_launcher_takes_the_sandbox_with_it(tmp_path: Path) -> None:
    async with victim(tmp_path) as (supervisor, ours):
        launcher = next(pid for pid in ours if next(processes.parents(pid)) == supervisor.pid)
        with processes.watched(ours) as ends:
            os.kill(launcher, signal.SIGKILL)
            await processes.all_ended(ends)


async def test_a_launcher_that_hangs_is_found_and_reaped(runtime: LocalRuntime, tmp_path: Path) -> None:
    async with victim(tmp_path) as (supervisor, ours):
        launcher = next(pid for pid in ours if next(processes.parents(pid)) == supervisor.pid)
        os.kill(launcher, signal.SIGSTOP)
        with (
            processes.watched([pid for pid in ours if pid != launcher]) as inside,
            processes.watched([supervisor.pid]) as end,
        ):
            supervisor.kill()
            await processes.all_ended([*inside, *end])
        with processes.watched([launcher]) as ends:
            found = await runtime.leftovers()
            assert ("victim", "process", str(launcher)) in [(one.session, one.kind, one.name) for one in found]
            assert await runtime.reap() == found
            await processes.all_ended(ends)
        assert await runtime.leftovers() == []
        assert list((tmp_path / "run" / "victim" / "work").iterdir()) == []


async def test_frozen_processes_of_a_version_1_freezer_die_with_the_supervisors_lifeline(tmp_path: Path) -> None:
    """Where a version 2 hierarchy is mounted this is not what `create` chooses, so the group is made by hand."""
    directory = first_freezer()
    group = Group(directories=[directory], freezer=directory / "freezer.state")
    launched = spawn(group)
    try:
        launched.order(plan(os.getuid(), os.getgid(), [("tmpfs", "/work", "mode=755")], group))
        listeners = await bring_up(launched, uid=os.getuid(), gid=os.getgid(), group=group)
        group.freeze(frozen=True)
        while not group.is_frozen():
            await anyio.lowlevel.checkpoint()
        for bound in (listeners.proxy, *listeners.http, *listeners.https, *listeners.dns_tcp, *listeners.dns_udp):
            bound.close()
    finally:
        with anyio.fail_after(5):
            await launched.kill()
    while not group.remove():
        await anyio.lowlevel.checkpoint()


async def test_closing_leaves_no_process_no_group_and_no_register_entry(runtime: LocalRuntime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    async with locked(runtime, spec) as box:
        await box.idle()
        assert processes.with_argument("vibedom.sandbox.local_launcher")
        box.border.close()
        await box.sandbox.aclose()
    assert groups_called(f"vibedom-{spec.session}*") == []
    assert list((tmp_path / "state" / "cache" / "local").iterdir()) == []
    assert list(spec.work.iterdir()) == []


async def test_the_listeners_are_closed_with_the_sandbox(runtime: LocalRuntime, tmp_path: Path) -> None:
    async with opened(runtime, make_spec(tmp_path)) as box:
        listeners = box.sandbox.listeners
        box.border.close()
        await box.sandbox.aclose()
    assert {bound.fileno() for bound in (listeners.proxy, *listeners.http, *listeners.dns_udp)} == {-1}


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    runtime = LocalRuntime(Home(root=tmp_path / "state"))
    spec = make_spec(tmp_path)
    with anyio.move_on_after(0.02) as scope:
        await runtime.create(spec)
    assert scope.cancelled_caught, "the sandbox was made faster than this test expects"
    assert list((tmp_path / "state" / "cache" / "local").iterdir()) == []
    assert await runtime.leftovers() == []


async def test_a_start_that_fails_leaves_nothing_and_says_what_failed(runtime: LocalRuntime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    spec.work.rmdir()
    with pytest.raises(SandboxError, match=r"host files: .*work.* No such file|host files: No such file"):
        await runtime.create(spec)
    assert list((tmp_path / "state" / "cache" / "local").iterdir()) == []


async def test_an_ended_sandbox_refuses_new_processes(box: Box) -> None:
    await box.sandbox.stop(grace_seconds=0.1)
    with pytest.raises(SandboxError, match="has ended"):
        await box.sandbox.exec(Command(argv=["true"], tty=False))


async def test_processes_whose_sandbox_is_stopped_end_with_a_code(box: Box) -> None:
    process = await box.exec("sh", "-c", "trap '' TERM; echo on; sleep 1000; sleep 1000")
    assert await process.read() == b"on\n"
    await box.sandbox.stop(grace_seconds=0.1)
    assert (await finish(process)).code == 128 + signal.SIGKILL
