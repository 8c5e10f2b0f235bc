"""A sandbox on trial: made, locked down, tested from inside, and removed."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import msgspec

from vibedom.console import Console
from vibedom.detection import load_detection
from vibedom.launch import Prepared, Wishes, prepare
from vibedom.paths import Home
from vibedom.preflight.known_values import KnownValues
from vibedom.runtimes import make
from vibedom.sandbox.runtime import Limits, RuntimeName
from vibedom.session import Plan, Session
from vibedom.settings import compose
from vibedom.workspace.base import record_base

WORD = b"vibedom-trial"
NOBODY = 65534


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What is tried: one command in a sandbox of a runtime, on a project below a directory of its own."""

    name: RuntimeName
    directory: Path
    argv: tuple[str, ...]
    limits: Limits = Limits()
    policy: str = ""
    """What `policy.toml` says."""
    owner: int = NOBODY
    """Of the project, where root holds the trial: root's files are the agent's own in a project of root's."""
    rules: Home | None = None
    """Whose compiled rules are used, where those of the trial's own directory are not to be made first."""
    furnish: Callable[[Path, Prepared], None] = lambda project, prepared: None
    """Called before the sandbox is made, to put into the project what the command needs."""
    warn: Callable[[str], None] = lambda text: None
    """Gets what the user of a session without a terminal has to know, a line at a time."""


async def try_runtime(name: RuntimeName, directory: Path, rules: Home | None = None) -> str:
    """Run a command in a sandbox of this runtime, on an empty project below `directory`; returns what was seen.

    Raises what a session raises.
    """
    started = time.monotonic()
    seen = bytearray()
    code = await hold_trial(
        Trial(name=name, directory=directory, argv=("sh", "-c", f"echo {WORD.decode()}"), rules=rules), seen.extend
    )
    if code != 0 or WORD not in seen:
        return f"a sandbox starts, but its command ended with exit code {code}"
    return f"a sandbox was started, locked down, tested from inside and removed in {time.monotonic() - started:.1f} s"


async def hold_trial(trial: Trial, show: Callable[[bytes], None]) -> int:
    """The exit code of the trial's command; `show` gets its output. Raises what a session raises."""
    home = Home(root=trial.directory / "state")
    project = trial.directory / "project"
    project.mkdir()
    (project / "readme.txt").write_text("the project\n")
    if os.geteuid() == 0:
        os.chown(project, trial.owner, trial.owner)
        os.chown(project / "readme.txt", trial.owner, trial.owner)
    policy = compose("", trial.policy, config=trial.directory, clients=tuple)
    runtime = make(trial.name, home)
    detection = await anyio.to_thread.run_sync(load_detection, trial.rules or home, policy, KnownValues(()))
    try:
        wishes = Wishes(workspace=project, argv=trial.argv, limits=trial.limits)
        prepared = prepare(wishes, home, runtime=trial.name)
        trial.furnish(project, prepared)
        record_base(project, prepared.directory.base)
        plan = Plan(
            home=home,
            record=prepared.record,
            policy=policy,
            load_detection=lambda: detection,
            spec=prepared.spec,
            command=prepared.command,
            load_policy=lambda: policy,
            environment={},
        )
        return await Session(plan, runtime, lambda text: None, warn=trial.warn).run(_Seen(show).watch)
    finally:
        await runtime.aclose()


class _Seen:
    """The output of the trial's command."""

    name = "the trial"

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    async def begin(self, *, has_tty: bool) -> None:
        return

    async def show(self, data: bytes, *, is_error: bool) -> None:
        if not is_error:
            self._take(data)

    async def watch(self, console: Console) -> None:
        async with console.viewed_by(self):
            await console.left()
