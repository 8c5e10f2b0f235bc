"""Every attempt of the table, in a sandbox of every runtime: it fails the way it should, and the far side is intact."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from tests.integration import runtimes
from tests.integration.runtimes import Box, finish, locked, make_spec
from vibedom.attack.attempt import Attempt, holds, program
from vibedom.attack.attempts import ATTEMPTS
from vibedom.attack.far_side import DISK_BYTES, PIDS, FarSide, far_side
from vibedom.sandbox.runtime import Limits

pytestmark = [pytest.mark.anyio, pytest.mark.engine, pytest.mark.attack]


@dataclass(frozen=True)
class Siege:
    """A sandbox, and what lies around it."""

    box: Box
    far: FarSide


ROOT_OWNED = ["local, root's workspace"] if os.getuid() == 0 else []
"""Root's files are the agent's own then, in everything the sandbox shows: only mounts and missing rights protect."""


@pytest.fixture(scope="module", params=[*sorted(runtimes.RUNTIMES), *ROOT_OWNED])
async def siege(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    base = tmp_path_factory.mktemp("siege")
    runtime = await runtimes.runtime_or_skip(request.param.partition(",")[0], base / "state")
    spec = make_spec(base, limits=Limits(pids=PIDS, disk_bytes=DISK_BYTES))
    if request.param in ROOT_OWNED:
        spec = msgspec.structs.replace(spec, uid=0, gid=0)
        for path in (spec.workspace, spec.workspace / "readme.txt", spec.upper, spec.work, spec.agent_home):
            os.chown(path, 0, 0)
    with far_side(base, spec.upper.parent, spec.workspace) as far:
        async with locked(runtime, spec) as box:
            await box.idle()
            yield Siege(box, far)
    await runtime.aclose()


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
async def test_the_border_holds(siege: Siege, attempt: Attempt) -> None:
    process = await siege.box.exec("python3", "-c", program(attempt), environment=siege.far.environment)
    outcome = await finish(process)
    assert holds(attempt, outcome.out), (outcome.out, outcome.err)
    assert siege.far.is_untouched()


@pytest.fixture
def open_country(tmp_path: Path) -> Iterator[FarSide]:
    (tmp_path / "session").mkdir()
    (tmp_path / "readme.txt").write_text("the project\n")
    with far_side(tmp_path, tmp_path / "session", tmp_path) as far:
        yield far


@pytest.mark.parametrize(
    "attempt", [attempt for attempt in ATTEMPTS if attempt.works_outside], ids=lambda attempt: attempt.name
)
def test_the_same_attempt_gets_through_without_a_sandbox(open_country: FarSide, attempt: Attempt) -> None:
    environment = {**os.environ, **open_country.environment}
    done = subprocess.run(
        [sys.executable, "-c", program(attempt)], env=environment, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.startswith("ESCAPED"), done.stdout + done.stderr


def test_every_attempt_has_a_name_of_its_own() -> None:
    names = [attempt.name for attempt in ATTEMPTS]
    assert len(set(names)) == len(names) >= 60
