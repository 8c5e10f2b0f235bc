"""The runtimes under test, and a sandbox of each with a stand-in for the proxy on its listeners.

A runtime registers with one entry in `RUNTIMES`: how it is made, and why it cannot be tried here.
"""

import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.integration.stand_in import Border
from tests.unit.sandbox.test_trust import make_ca
from vibedom.sandbox import trust
from vibedom.sandbox.runtime import Command, Process, Runtime, Sandbox, SandboxSpec

DEADLINE_SECONDS = 60.0
AGENT_UID = 12345 if os.getuid() == 0 else os.getuid()
"""Nobody of this machine, where the tests may choose."""
AGENT_GID = 12345 if os.getuid() == 0 else os.getgid()


@dataclass(frozen=True)
class Kind:
    """One runtime of the suite."""

    make: Callable[[Path], Runtime]
    """From a state directory."""
    prepare: Callable[[Runtime], Awaitable[str | None]]
    """Makes what it needs once (an image); None, or why it cannot run here."""


def make_docker(state: Path) -> Runtime:
    from vibedom.sandbox.docker import DockerRuntime

    return DockerRuntime(state, environment=os.environ, user_home=Path.home())


async def prepare_docker(runtime: Runtime) -> str | None:
    """Build the sandbox image from Debian packages where the engine has no current one."""
    from vibedom.errors import VibedomError
    from vibedom.sandbox import docker_image
    from vibedom.sandbox.docker import DockerRuntime, image_problem
    from vibedom.sandbox.docker_engine import connect, disconnect

    assert isinstance(runtime, DockerRuntime)
    try:
        if await image_problem(runtime.engine()) is not None:
            docker = connect(runtime.endpoint())
            await docker_image.build_debian(docker)
            await disconnect(docker)
    except VibedomError as exc:
        return str(exc)
    return await runtime.available()


def make_local(state: Path) -> Runtime:
    from vibedom.paths import Home
    from vibedom.sandbox.local import LocalRuntime

    return LocalRuntime(Home(root=state))


async def prepare_local(runtime: Runtime) -> str | None:
    return await runtime.available()


RUNTIMES: dict[str, Kind] = {
    "docker": Kind(make_docker, prepare_docker),
    "local": Kind(make_local, prepare_local),
}


async def runtime_or_skip(name: str, state: Path) -> Runtime:
    """The runtime, ready; where it cannot run the test is skipped here and fails on CI."""
    kind = RUNTIMES[name]
    runtime = kind.make(state)
    reason = await kind.prepare(runtime)
    if reason is not None:
        await runtime.aclose()
        if os.environ.get("CI") == "true":
            pytest.fail(f"runtime {name}: {reason}")
        pytest.skip(f"runtime {name}: {reason}")
    return runtime


@dataclass(frozen=True)
class Box:
    """A sandbox under test with the host's side of it."""

    sandbox: Sandbox
    spec: SandboxSpec
    border: Border
    runtime: Runtime

    async def start(self, *argv: str, **options: Any) -> Process:
        return await self.sandbox.start(Command(argv=argv, tty=options.pop("tty", False), **options))

    async def exec(self, *argv: str, **options: Any) -> Process:
        return await self.sandbox.exec(Command(argv=argv, tty=options.pop("tty", False), **options))

    async def idle(self) -> Process:
        """A main process that does nothing, so that `exec` has something to run beside."""
        return await self.start("sleep", "1000")

    async def sh(self, script: str, stdin: bytes = b"") -> "Outcome":
        """A shell script by `exec`, to its end."""
        return await finish(await self.exec("sh", "-c", script), stdin)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


async def finish(process: Process, stdin: bytes = b"") -> Outcome:
    """Feed a process, read both its outputs to the end, and wait for it."""
    outputs: dict[str, bytes] = {}

    async def drain(name: str, read: Callable[[], Awaitable[bytes | None]]) -> None:
        collected = bytearray()
        while (data := await read()) is not None:
            collected += data
        outputs[name] = bytes(collected)

    with anyio.fail_after(DEADLINE_SECONDS):
        async with anyio.create_task_group() as group:
            group.start_soon(drain, "out", process.read)
            group.start_soon(drain, "err", process.read_stderr)
            if stdin:
                await process.write(stdin)
            await process.close_stdin()
        code = await process.wait()
    return Outcome(code, outputs["out"].decode("utf-8", "replace"), outputs["err"].decode("utf-8", "replace"))


async def read_until(process: Process, text: str) -> str:
    """Output up to and with `text`."""
    seen = ""
    with anyio.fail_after(DEADLINE_SECONDS):
        while text not in seen:
            data = await process.read()
            if data is None:
                raise AssertionError(f"the process ended before it said {text!r}: {seen!r}")
            seen += data.decode("utf-8", "replace")
    return seen


def make_spec(root: Path, **changes: Any) -> SandboxSpec:
    """A spec with every directory below `root`, owned as the supervisor would make them."""
    session = changes.pop("session", f"test-{os.urandom(4).hex()}")
    workspace = changes.pop("workspace", root / "project")
    workspace.mkdir(parents=True, exist_ok=True)
    (workspace / "readme.txt").write_text("the project\n")
    base = root / session
    for name in ("upper", "work", "home"):
        (base / name).mkdir(parents=True)
    (base / "lower").symlink_to(workspace)
    trust.write_trust(base / "trust", make_ca()[0], trust.public_roots())
    if os.getuid() == 0:
        for path in (workspace, workspace / "readme.txt", base / "upper", base / "work", base / "home"):
            os.chown(path, AGENT_UID, AGENT_GID)
    fields: dict[str, Any] = {
        "session": session,
        "owner_pid": os.getpid(),
        "started_at": time.time(),
        "workspace": workspace,
        "upper": base / "upper",
        "work": base / "work",
        "lower": base / "lower",
        "agent_home": base / "home",
        "trust": base / "trust",
        "uid": AGENT_UID,
        "gid": AGENT_GID,
    }
    return SandboxSpec(**(fields | changes))


@contextlib.asynccontextmanager
async def opened(runtime: Runtime, spec: SandboxSpec) -> AsyncIterator[Box]:
    """A sandbox that is made and served, not locked yet; removed at the end."""
    with anyio.fail_after(DEADLINE_SECONDS):
        sandbox = await runtime.create(spec)
    border = Border(spec.session)
    try:
        await border.serve(sandbox.listeners)
        yield Box(sandbox, spec, border, runtime)
    finally:
        border.close()
        with anyio.CancelScope(shield=True):
            await sandbox.aclose()


@contextlib.asynccontextmanager
async def locked(runtime: Runtime, spec: SandboxSpec) -> AsyncIterator[Box]:
    """A sandbox that is ready for the agent."""
    async with opened(runtime, spec) as box:
        with anyio.fail_after(DEADLINE_SECONDS):
            await box.sandbox.lock()
        yield box
