"""Where the kernel says no, the user is told what to do: tried in user namespaces that are set up to say no."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

ASK = """
import anyio, sys
from pathlib import Path
from vibedom.paths import Home
from vibedom.sandbox.local import LocalRuntime
print(anyio.run(LocalRuntime(Home(root=Path(sys.argv[1]))).available))
"""


def ask(tmp_path: Path, preparation: str) -> str:
    """The answer of `available` in a user namespace of its own, after a shell command in it."""
    script = f"{preparation} && exec {sys.executable} -c '{ASK}' {tmp_path / 'state'}"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_machine_that_allows_namespaces_is_found_fit(tmp_path: Path) -> None:
    assert ask(tmp_path, "true") == "None"


def test_a_limit_of_no_user_namespaces_is_named_with_its_remedy(tmp_path: Path) -> None:
    answer = ask(tmp_path, "echo 0 >/proc/sys/user/max_user_namespaces")
    assert "sudo sysctl -w user.max_user_namespaces=" in answer
    assert "\n" not in answer


def test_a_masked_proc_is_an_answer_and_not_a_crash(tmp_path: Path) -> None:
    """As in a container: a new view of the processes would show more than its maker may see."""
    answer = ask(tmp_path, "mount -t tmpfs none /proc/sys/kernel && mount -t tmpfs none /proc/fs")
    assert "systempaths=unconfined" in answer
    assert "\n" not in answer


@pytest.mark.parametrize("rounds", [3])
def test_the_trial_leaves_nothing_behind(tmp_path: Path, rounds: int) -> None:
    for _ in range(rounds):
        assert ask(tmp_path, "true") == "None"
    assert [path.name for path in (tmp_path / "state" / "cache").iterdir()] == []
