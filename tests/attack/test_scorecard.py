"""What users run: `vibedom doctor` attacks a sandbox, tells what got through, and the documentation lists every row."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration import runtimes
from vibedom.attack.attempt import Attempt
from vibedom.attack.attempts import ATTEMPTS
from vibedom.attack.scorecard import GROUPS, markdown, summary
from vibedom.attack.siege import Score, besiege
from vibedom.paths import Home

ROOT = Path(__file__).parents[2]
WANTED = ("tcp-ssh-of-a-public-address", "write-the-workspace", "mount-a-tmpfs", "tcp-service-of-the-host")
BREACHES = (
    Attempt("a-breach", "escaped('got through')", r"refused\n"),
    Attempt("another-refusal", "print('for another reason')", r"EPERM\n"),
    Attempt("a-typing-error", "no such thing", r"EPERM\n"),
    Attempt("a-way-to-the-targets", "print('EPERM')", r"EPERM\n"),
)


@pytest.mark.anyio
@pytest.mark.engine
@pytest.mark.attack
@pytest.mark.parametrize("name", sorted(runtimes.RUNTIMES))
async def test_a_scorecard_tells_what_was_stopped_from_what_got_through(name: str, tmp_path: Path, rules: Home) -> None:
    runtime = await runtimes.runtime_or_skip(name, tmp_path / "state")
    await runtime.aclose()
    rows = tuple(attempt for attempt in ATTEMPTS if attempt.name in WANTED) + BREACHES
    told: list[tuple[int, int]] = []
    scores = await besiege(name, tmp_path, lambda done, of: told.append((done, of)), rows, rules=rules)  # type: ignore[arg-type]
    assert {score.name for score in scores if score.holds} == {*WANTED, "a-way-to-the-targets"}
    assert told[-1] == (len(rows), len(rows))
    assert "got through" in next(score.seen for score in scores if score.name == "a-breach")
    assert summary(scores).startswith("5 of 8 attacks from inside were stopped; not: a-breach, another-refusal")


def test_every_row_of_the_table_is_in_the_scorecard_once() -> None:
    assert [attempt for _, attempts in GROUPS for attempt in attempts] == list(ATTEMPTS)


def test_a_row_without_an_answer_was_not_stopped() -> None:
    scores: Sequence[Score] = [Score(name=attempt.name, holds=True) for attempt in ATTEMPTS[1:]]
    assert f"| `{ATTEMPTS[0].name}` | NOT STOPPED |" in markdown({"local": scores})


def test_the_documented_scorecard_has_every_row_for_every_runtime() -> None:
    """`python -m tests.attack.write_scorecard` writes it."""
    text = (ROOT / "docs" / "security.md").read_text().partition("\n## Scorecard\n")[2]
    columns = r"docker, root \| docker, user \| local, root \| local, user"
    assert re.search(rf"^\| attempt \| {columns} \|$", text, re.MULTILINE)
    documented = [row.split(" | ") for row in re.findall(r"^\| (`[\w-]+` \| .*) \|$", text, re.MULTILINE)]
    assert [name for name, *_ in documented] == [f"`{attempt.name}`" for attempt in ATTEMPTS]
    assert {tuple(marks) for _, *marks in documented} == {("stopped",) * 4}


def test_doctor_says_what_it_can_be_asked() -> None:
    done = subprocess.run([sys.executable, "-m", "vibedom", "doctor", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for option in ("--quick", "--json", "--runtime", "--markdown"):
        assert option in done.stdout


@pytest.mark.engine
def test_doctor_without_attacks_gives_an_exit_code_and_json(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vibedom", "doctor", "--quick", "--runtime", "local", "--json"],
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(tmp_path), "VIBEDOM_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert (done.returncode, found["runtime local"]["is_good"]) == (0, True), done.stdout + done.stderr
    assert "attacks local" not in found
