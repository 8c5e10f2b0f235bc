"""A sandbox on trial: made, locked down, tested from inside, and removed."""

import time
from pathlib import Path

import anyio

from vibedom.console import Console
from vibedom.detection import load_detection
from vibedom.launch import Wishes, prepare
from vibedom.paths import Home
from vibedom.preflight.known_values import KnownValues
from vibedom.runtimes import make
from vibedom.sandbox.runtime import RuntimeName
from vibedom.session import Plan, Session
from vibedom.settings import compose
from vibedom.workspace.base import record_base

WORD = b"vibedom-trial"


async def try_runtime(name: RuntimeName, directory: Path) -> str:
    """Run a command in a sandbox of this runtime, on an empty project below `directory`; returns what was seen.

    Raises what a session raises.
    """
    home = Home(root=directory / "state")
    project = directory / "project"
    project.mkdir()
    policy = compose("", "", config=directory, clients=tuple)
    runtime = make(name, home)
    detection = await anyio.to_thread.run_sync(load_detection, home, policy, KnownValues(()))
    started = time.monotonic()
    try:
        wishes = Wishes(workspace=project, argv=("sh", "-c", f"echo {WORD.decode()}"))
        prepared = prepare(wishes, home, runtime=name)
        record_base(project, prepared.directory.base)
        plan = Plan(
            home=home,
            record=prepared.record,
            policy=policy,
            detection=detection,
            spec=prepared.spec,
            command=prepared.command,
            load_policy=lambda: policy,
            environment={},
        )
        seen = _Seen()
        code = await Session(plan, runtime, lambda text: None).run(seen.watch)
    finally:
        await runtime.aclose()
    if code != 0 or WORD not in seen.data:
        return f"a sandbox starts, but its command ended with exit code {code}"
    return f"a sandbox was started, locked down, tested from inside and removed in {time.monotonic() - started:.1f} s"


class _Seen:
    """The output of the trial's command."""

    name = "the trial"

    def __init__(self) -> None:
        self.data = b""

    async def begin(self, *, has_tty: bool) -> None:
        return

    async def show(self, data: bytes, *, is_error: bool) -> None:
        self.data += data

    async def watch(self, console: Console) -> None:
        async with console.viewed_by(self):
            await console.left()
