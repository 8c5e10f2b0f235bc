"""Every attempt of the table, in a session of every runtime: it fails the way it should, and the far side is intact."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio
import pytest

from tests.integration import runtimes
from tests.integration.runtimes import finish, locked, make_spec
from vibedom.attack.attempt import Attempt, holds, program
from vibedom.attack.attempts import ATTEMPTS
from vibedom.attack.far_side import DISK_BYTES, PIDS, FarSide, far_side
from vibedom.attack.siege import Score, besiege
from vibedom.attack.smuggling import CONTROLS
from vibedom.paths import Home
from vibedom.sandbox.runtime import Limits
from vibedom.trial import NOBODY

pytestmark = [pytest.mark.anyio, pytest.mark.engine, pytest.mark.attack]

ROOT_OWNED = ["local, root's workspace"] if os.getuid() == 0 else []
"""Root's files are the agent's own then, in everything the sandbox shows: only mounts and missing rights protect."""
BESIDE = (
    *("become-another-user", "set-user-id-programs", "raise-a-capability", "user-namespace", "user-namespace-by-clone"),
    *("mount-a-tmpfs", "unmount-the-workspace", "join-a-namespace", "bpf", "io-uring", "inherited-descriptors"),
    *("variables-that-lead-out", "processes-of-the-host", "write-the-workspace", "file-in-the-users-home", "quic"),
    *("tcp-ssh-of-a-public-address", "other-tcp-port-of-the-gateway", "new-route-by-netlink", "icmp-raw"),
    *("file-longer-than-the-limit", "raise-the-limit-of-a-file"),
)
"""Attempts of a process that is started beside the agent's, as `vibedom exec` does."""


@pytest.fixture(scope="module", params=[*sorted(runtimes.RUNTIMES), *ROOT_OWNED])
def scores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rules: Home
) -> Mapping[str, Score]:
    base = tmp_path_factory.mktemp("siege")
    name = request.param.partition(",")[0]
    owner = 0 if request.param in ROOT_OWNED else NOBODY

    async def whole_table() -> list[Score]:
        await (await runtimes.runtime_or_skip(name, base / "state")).aclose()
        with anyio.fail_after(240):
            return await besiege(name, base, lambda done, of: None, (*CONTROLS, *ATTEMPTS), owner=owner, rules=rules)

    return {score.name: score for score in anyio.run(whole_table)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
def test_the_border_holds(scores: Mapping[str, Score], attempt: Attempt) -> None:
    assert scores[attempt.name].holds, scores[attempt.name].seen


@pytest.mark.timeout(300)
@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_the_same_client_reaches_what_is_listed(scores: Mapping[str, Score], control: Attempt) -> None:
    """Else its attempts would fail for another reason than the border."""
    assert scores[control.name].holds, scores[control.name].seen


@pytest.mark.parametrize("name", sorted(runtimes.RUNTIMES))
async def test_what_is_started_beside_the_agent_is_confined_as_well(name: str, tmp_path: Path) -> None:
    runtime = await runtimes.runtime_or_skip(name, tmp_path / "state")
    spec = make_spec(tmp_path, limits=Limits(pids=PIDS, disk_bytes=DISK_BYTES))
    attempts = [attempt for attempt in ATTEMPTS if attempt.name in BESIDE]
    assert len(attempts) == len(BESIDE)
    with far_side(tmp_path / "far") as outside:
        far = outside.around(spec.upper.parent, spec.workspace)
        script = "import json, subprocess, sys\nfor code in sys.argv[1:]:\n" + (
            "    print(json.dumps(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout))"
        )
        async with locked(runtime, spec) as box:
            await box.idle()
            programs = [program(attempt) for attempt in attempts]
            process = await box.exec("python3", "-c", script, *programs, environment=far.environment)
            lines = (await finish(process)).out.splitlines()
        seen = dict(zip([attempt.name for attempt in attempts], map(json.loads, lines), strict=True))
        assert [attempt.name for attempt in attempts if not holds(attempt, seen[attempt.name])] == [], seen
        assert far.is_untouched()
    await runtime.aclose()


@pytest.fixture
def open_country(tmp_path: Path) -> Iterator[FarSide]:
    (tmp_path / "session").mkdir()
    (tmp_path / "readme.txt").write_text("the project\n")
    with far_side(tmp_path) as far:
        yield far.around(tmp_path / "session", tmp_path)


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
