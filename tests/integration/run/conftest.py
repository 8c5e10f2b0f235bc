"""`vibedom` as its user runs it: the command line in a process of its own, on a project, with each runtime."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import anyio
import pytest

from tests.integration.runtimes import RUNTIMES, runtime_or_skip
from vibedom.paths import Home
from vibedom.rule_files import load_engine
from vibedom.sandbox.runtime import Runtime

SECONDS = 90


class Finished:
    """How a command ended, and what it said."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code = code
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class Vibedom:
    """The command line with a state directory, a project and a runtime of its own."""

    def __init__(self, home: Path, project: Path, runtime: str, **variables: str) -> None:
        self.variables = variables
        self.home = home
        self.project = project
        self.runtime = runtime

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "VIBEDOM_HOME": str(self.home), **self.variables}

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "vibedom", *arguments]

    def run_argv(self, *command: str, options: tuple[str, ...] = ()) -> list[str]:
        return self.argv("run", str(self.project), "--runtime", self.runtime, *options, "--", *command)

    async def __call__(self, *arguments: str) -> Finished:
        return await self._finish(self.argv(*arguments))

    async def run(self, *command: str, options: tuple[str, ...] = ()) -> Finished:
        """`vibedom run PROJECT --runtime R OPTIONS -- COMMAND`."""
        return await self._finish(self.run_argv(*command, options=options))

    async def sh(self, script: str, options: tuple[str, ...] = ()) -> Finished:
        return await self.run("sh", "-c", script, options=options)

    def started(self, *command: str, options: tuple[str, ...] = ()) -> "subprocess.Popen[bytes]":
        """The same, left running."""
        return subprocess.Popen(
            self.run_argv(*command, options=options),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    async def _finish(self, argv: list[str]) -> Finished:
        with anyio.fail_after(SECONDS):
            done = await anyio.run_process(
                argv, env=self.environment, stdin=subprocess.DEVNULL, check=False, start_new_session=True
            )
        return Finished(done.returncode, done.stdout, done.stderr)

    def policy(self, *, domains: str = "", policy: str = "") -> None:
        config = self.home / "config"
        config.mkdir(parents=True, exist_ok=True, mode=0o700)
        (config / "trusted_domains.txt").write_text(domains)
        (config / "policy.toml").write_text(policy)

    @property
    def sessions(self) -> list[Path]:
        directory = self.home / "sessions"
        return sorted(directory.iterdir()) if directory.exists() else []

    @property
    def session(self) -> Path:
        """The only session."""
        (found,) = self.sessions
        return found

    def records(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.session / "network.jsonl").read_bytes().splitlines()]


@contextlib.asynccontextmanager
async def usable(name: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    """A runtime in which nothing is left at the end."""
    found = await runtime_or_skip(name, tmp_path / "state")
    yield found
    await found.reap()
    assert await found.leftovers() == []
    await found.aclose()


@pytest.fixture(params=sorted(RUNTIMES))
async def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runtime]:
    async with usable(request.param, tmp_path) as found:
        yield found


@pytest.fixture(scope="session")
def compiled_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache with the shipped rules compiled, made once: what a user has from the second run on."""
    home = tmp_path_factory.mktemp("compiled")
    load_engine(Home(root=home), ())
    return home / "cache"


@pytest.fixture
def vibedom(runtime: Runtime, tmp_path: Path, compiled_rules: Path) -> Vibedom:
    shutil.copytree(compiled_rules, tmp_path / "state" / "cache", dirs_exist_ok=True)
    project = tmp_path / "project"
    project.mkdir()
    (project / "readme.txt").write_text("the project\n")
    (project / "old.txt").write_text("old\n")
    made = Vibedom(tmp_path / "state", project, runtime.name)
    made.policy()
    return made


async def until(claim: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for something another process does: looks every 20 ms, fails after `seconds`."""
    with anyio.move_on_after(seconds):
        while not claim():  # noqa: ASYNC110  # another process has no event for this one
            await anyio.sleep(0.02)
        return
    raise AssertionError(f"waited {seconds} s for: {what}")


async def ended(process: "subprocess.Popen[bytes]", seconds: float = 60) -> int:
    """The exit code, waited for without holding up this process's own event loop."""
    await anyio.to_thread.run_sync(partial(process.communicate, timeout=seconds), abandon_on_cancel=True)
    return process.returncode


@contextlib.contextmanager
def killed_at_the_end(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """No test leaves its process running."""
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
