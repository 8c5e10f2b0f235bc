"""A supervisor to be killed: `python -m tests.integration.local.supervisor STATE BASE MARKER [pause]`.

Starts an agent, and says `ready` when the agent and a child of its that has left its session run.
"""

import sys
from pathlib import Path

import anyio

from tests.integration.runtimes import Box, finish, make_spec, read_until
from tests.integration.stand_in import Border
from vibedom.paths import Home
from vibedom.sandbox.local import LocalRuntime


async def main(state: str, base: str, marker: str, *options: str) -> None:
    runtime = LocalRuntime(Home(root=Path(state)))
    spec = make_spec(Path(base), session="victim")
    sandbox = await runtime.create(spec)
    border = Border(spec.session)
    await border.serve(sandbox.listeners)
    await sandbox.lock()
    box = Box(sandbox, spec, border, runtime)
    script = f"trap '' TERM HUP INT; setsid sleep {marker} & echo working; sleep {marker}"
    await read_until(await box.start("sh", "-c", script, tty=True), "working")
    await finish(await box.exec("sh", "-c", f"until [ $(pgrep -fc '^sleep {marker}') = 2 ]; do :; done"))
    if "pause" in options:
        await sandbox.pause()
    print("ready", flush=True)
    await anyio.sleep_forever()


if __name__ == "__main__":
    state_directory, base_directory, sleep_marker, *rest = sys.argv[1:]
    anyio.run(main, state_directory, base_directory, sleep_marker, *rest)
