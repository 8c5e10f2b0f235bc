"""The supervisor killed at each step: the next run finds a clean machine, and the agent's work is still there."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from tests.integration.run.conftest import Vibedom, ended, killed_at_the_end, until
from vibedom.sandbox.runtime import Runtime

pytestmark = [pytest.mark.anyio, pytest.mark.engine]

SCRIPT = "echo kept > work.txt; touch started; while :; do sleep 1; done"


def state_of(vibedom: Vibedom) -> dict[str, object]:
    for session in vibedom.sessions:
        path = session / "state.json"
        if path.exists():
            found: dict[str, object] = json.loads(path.read_bytes())
            return found
    return {}


STEPS: dict[str, Callable[[Vibedom], bool]] = {
    "directory made": lambda v: bool(v.sessions),
    "state written": lambda v: bool(state_of(v)),
    "base recorded": lambda v: any((s / "base.jsonl").exists() for s in v.sessions),
    "log opened": lambda v: any((s / "network.jsonl").exists() for s in v.sessions),
    "overlay mounted": lambda v: any(any((s / "work").iterdir()) for s in v.sessions if (s / "work").exists()),
    "locked down": lambda v: any(b'"started"' in p.read_bytes() for p in v.home.glob("sessions/*/network.jsonl")),
    "agent running": lambda v: state_of(v).get("status") == "running",
    "agent at work": lambda v: any((s / "upper" / "started").exists() for s in v.sessions),
}


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_a_step_nothing_is_left_after_the_next_run_and_no_work_is_lost(
    vibedom: Vibedom, runtime: Runtime, step: str
) -> None:
    with killed_at_the_end(vibedom.started("sh", "-c", SCRIPT)) as process:
        await until(lambda: STEPS[step](vibedom) or process.poll() is not None, step)
        assert process.poll() is None, process.communicate()
        # The process itself and not its group: what dies with it has to die by itself.
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    before = {session.name: (session / "upper" / "work.txt").exists() for session in vibedom.sessions}
    assert (await vibedom.sh("true", options=("--name", "next"))).code == 0
    assert await runtime.leftovers() == []
    if step == "agent at work":
        (name,) = before
        assert (vibedom.home / "sessions" / name / "upper" / "work.txt").read_text() == "kept\n"
        assert (await vibedom("apply", name, "--all", "--yes")).code == 0
        assert (vibedom.project / "work.txt").read_text() == "kept\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_session_in_order(vibedom: Vibedom, runtime: Runtime, number: signal.Signals) -> None:
    with killed_at_the_end(vibedom.started("sh", "-c", SCRIPT)) as process:
        await until(lambda: STEPS["agent at work"](vibedom), "the agent to work")
        process.send_signal(number)
        assert await ended(process) == 128 + number
    assert await runtime.leftovers() == []
    assert state_of(vibedom)["status"] == "ended"
    assert (vibedom.session / "upper" / "work.txt").read_text() == "kept\n"


async def test_a_signal_while_the_sandbox_is_made_leaves_nothing(vibedom: Vibedom, runtime: Runtime) -> None:
    with killed_at_the_end(vibedom.started("sh", "-c", SCRIPT)) as process:
        await until(lambda: STEPS["log opened"](vibedom), "the log")
        process.send_signal(signal.SIGINT)
        assert await ended(process) == 130
    assert await runtime.leftovers() == []


async def test_two_sessions_on_one_project_do_not_see_each_other(vibedom: Vibedom, tmp_path: Path) -> None:
    results: dict[str, str] = {}

    async def session(name: str) -> None:
        done = await vibedom.sh(f"echo {name} > mine.txt; sleep 1; cat mine.txt", options=("--name", name))
        results[name] = done.out

    async with anyio.create_task_group() as group:
        for name in ("one", "two", "three"):
            group.start_soon(session, name)
    assert results == {"one": "one\n", "two": "two\n", "three": "three\n"}
