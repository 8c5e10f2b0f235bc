"""The supervisor killed at random points of a whole session, its apply included: nothing of the agent's work is lost.

`VIBEDOM_KILLS=200 pytest tests/integration/run/test_killed.py` is the long run; `make test` does a few.
`VIBEDOM_KILLS_RUNTIME=docker` does the same to sandboxes of the engine.
"""

import os
import random
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from sinks.verification import verify
from tests.integration.run.conftest import Vibedom, killed_at_the_end, until, usable
from vibedom import sessions
from vibedom.paths import Home
from vibedom.sandbox.runtime import Runtime

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("VIBEDOM_KILLS", "2"))
RUNTIME = os.environ.get("VIBEDOM_KILLS_RUNTIME", "local")
SEED = int(os.environ.get("VIBEDOM_SEED", "7"))
FILES = 40
SCRIPT = f"""
i=0; while [ $i -lt {FILES} ]; do i=$((i+1)); echo "work $i" > new.$i; done
echo agent > readme.txt; rm old.txt; curl -s -o /dev/null http://refused.test/; sync; echo done > last
"""
BEFORE = {"readme.txt": "the project\n", "old.txt": "old\n"}
AFTER = {"readme.txt": "agent\n", "last": "done\n", **{f"new.{n}": f"work {n}\n" for n in range(1, FILES + 1)}}


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    """What is killed is vibedom; the steps of each runtime are in test_crash.py."""
    async with usable(RUNTIME, tmp_path) as found:
        yield found


def contents(directory: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in directory.iterdir() if p.is_file() and not p.is_symlink()}


def reset(project: Path) -> None:
    for path in project.iterdir():
        path.unlink()
    for name, text in BEFORE.items():
        (project / name).write_text(text)


def kept_work(directory: Path) -> dict[str, str]:
    """What the agent had finished writing."""
    return {name: text for name, text in contents(directory / "upper").items() if text.endswith("\n")}


async def test_at_whatever_moment_the_supervisor_is_killed_the_work_is_kept_or_applied(
    vibedom: Vibedom, runtime: Runtime
) -> None:
    home, chance = Home(root=vibedom.home), random.Random(SEED)
    begin = time.monotonic()
    assert (await vibedom.sh(SCRIPT, options=("--apply", "--name", "whole"))).code == 0
    whole = time.monotonic() - begin
    assert contents(vibedom.project) == AFTER
    for number in range(KILLS):
        name = f"kill-{number}"
        reset(vibedom.project)
        options = ("--apply", "--name", name)
        with killed_at_the_end(vibedom.started("sh", "-c", SCRIPT, options=options)) as process:
            # Most of a session's time is its start, so every other one is killed only once its agent is at work.
            if number % 2:
                await until(lambda n=name: _has_begun(home, n) or process.poll() is not None, "the agent")
            await anyio.sleep(chance.random() * (whole if number % 2 == 0 else whole / 3))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        await _nothing_is_lost(vibedom, home, name)
    assert (await vibedom("recover")).code == 0
    assert await runtime.leftovers() == []


def _has_begun(home: Home, name: str) -> bool:
    return (home.session(name).upper / "new.1").exists()


async def _nothing_is_lost(vibedom: Vibedom, home: Home, name: str) -> None:
    directory = home.session(name).root
    if not (directory / "state.json").exists():
        assert contents(vibedom.project) == BEFORE
        return
    work = kept_work(directory)
    log = directory / "network.jsonl"
    if log.exists() and log.read_bytes().count(b"\n"):
        assert verify(log).is_intact, name
    done = await vibedom("recover")
    assert done.code == 0, done
    record = sessions.load(home, name)
    assert not record.is_crashed
    for file, text in contents(vibedom.project).items():
        assert text in (BEFORE.get(file), AFTER.get(file)), (name, file)
    if record.status == "applied":
        assert contents(vibedom.project) == AFTER
        return
    assert {**work, **kept_work(directory)} == kept_work(directory), "recover took nothing away"
    if work:
        assert name in done.out, "the work is offered"
        assert (await vibedom("apply", name, "--all", "--yes")).code == 0
        assert work.items() <= contents(vibedom.project).items()
