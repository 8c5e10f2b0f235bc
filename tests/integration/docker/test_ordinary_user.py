"""The runtime docker for an ordinary user who may use the engine: limits, attacks, resuming and removing."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.integration.local.test_ordinary_user import ROOT, USER, copy_interpreter
from vibedom.attack.attempts import ATTEMPTS

SOCKET = Path("/var/run/docker.sock")

pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.getuid() != 0, reason="whoever runs this is an ordinary user already"),
]


class User:
    """Somebody whom nobody on this machine is, in the group of the engine's socket, with a project."""

    def __init__(self, place: Path) -> None:
        self.environment: Mapping[str, str] = copy_interpreter(place / "python")
        self.home = place / "home"
        self.project = self.home / "project"
        self.project.mkdir(parents=True)
        (self.project / "readme.txt").write_text("the project\n")
        for path in (self.home, self.project, self.project / "readme.txt"):
            os.chown(path, USER, USER)

    def vibedom(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.environment["INTERPRETER"], "-m", "vibedom", *arguments],
            cwd=ROOT,
            env={**self.environment, "HOME": str(self.home)},
            user=USER,
            group=USER,
            extra_groups=[SOCKET.stat().st_gid],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    """Pytest's own directories are closed to others by every other pytest that starts."""
    if not SOCKET.exists() and os.environ.get("CI") != "true":
        pytest.skip("no engine here")
    place = Path(tempfile.mkdtemp(prefix="vibedom-ordinary-"))
    place.chmod(0o755)
    yield User(place)
    shutil.rmtree(place)


def test_every_attack_fails_the_limits_of_the_disk_among_them_and_nothing_is_left(user: User) -> None:
    done = user.vibedom("doctor", "--runtime", "docker", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (attacks,) = [found for found in json.loads(done.stdout) if found["name"] == "attacks docker"]
    assert {score["name"] for score in attacks["scores"] if score["holds"]} == {one.name for one in ATTEMPTS}
    left = [path for path in Path(tempfile.gettempdir()).glob("vibedom-doctor-*") if path.stat().st_uid == USER]
    assert left == []


def test_work_that_the_agent_closed_to_everybody_is_shown_and_taken_home(user: User) -> None:
    script = "mkdir -p sub/deep; mkdir -m 0 sub/closed; echo kept>sub/deep/kept; chmod 0 sub/deep/kept sub/deep; exit 7"
    done = user.vibedom("run", str(user.project), "--runtime", "docker", "--name", "closed", "--", "sh", "-c", script)
    assert done.returncode == 7, done.stdout + done.stderr
    opened = [line for line in done.stderr.splitlines() if "the agent left it closed" in line]
    assert [line.partition(":")[0] for line in opened] == ["sub/closed", "sub/deep", "sub/deep/kept"]
    again = user.vibedom("apply", "closed", "--all", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "left it closed" not in again.stderr
    assert (user.project / "sub" / "deep" / "kept").read_text() == "kept\n"
    assert (user.project / "sub" / "closed").is_dir()
    assert user.vibedom("rm", "closed", "--force").returncode == 0


def test_a_session_that_fills_the_disk_ends_and_is_resumed_and_removed(user: User) -> None:
    policy = user.home / ".vibedom" / "config" / "policy.toml"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text("[limits]\ndisk_bytes = 33554432\ndisk_wait_seconds = 0\n")
    fill = "while :; do i=$((i+1)); dd if=/dev/zero of=fill$i bs=1M count=20; done"
    script = f"[ -e done ] && exit 7; echo kept > done; mkdir -m 0 $HOME/closed; {fill}"
    for directory in (user.home / ".vibedom", policy.parent, policy):
        os.chown(directory, USER, USER)
    done = user.vibedom("run", str(user.project), "--runtime", "docker", "--name", "full", "--", "sh", "-c", script)
    assert done.returncode == 73, done.stdout + done.stderr
    session = user.home / ".vibedom" / "sessions" / "full"
    assert (session / "upper" / "done").read_text() == "kept\n"
    policy.write_text("")
    again = user.vibedom("resume", "full")
    assert again.returncode == 7, again.stdout + again.stderr
    gone = user.vibedom("rm", "full", "--force")
    assert (gone.returncode, session.exists()) == (0, False), gone.stdout + gone.stderr
