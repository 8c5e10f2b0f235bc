"""What runs before the agent, run by the shell it is written for."""

import subprocess
from pathlib import Path

import pytest

from vibedom.agents import Agent
from vibedom.start_script import start_script


def run(tmp_path: Path, script: str | None, *argv: str) -> "subprocess.CompletedProcess[str]":
    assert script is not None
    file = tmp_path / "start"
    file.write_text(script)
    return subprocess.run(["sh", str(file), *argv], capture_output=True, text=True, check=False, cwd=tmp_path)


def test_nothing_to_do_is_no_script() -> None:
    assert start_script(None, ()) is None


def test_setup_commands_run_in_order_and_then_the_command_takes_over(tmp_path: Path) -> None:
    script = start_script(None, ("echo 'it''s' one > made", "cat made; exit 0"))
    done = run(tmp_path, script, "sh", "-c", 'echo "$0 $1"', "a b", "c'd")
    assert (done.returncode, done.stdout) == (0, "a b c'd\n")
    assert "vibedom: setup: cat made; exit 0\nits one\n" in done.stderr


def test_a_setup_command_that_fails_is_named_and_nothing_after_it_runs(tmp_path: Path) -> None:
    done = run(tmp_path, start_script(None, ("echo $HOME%s; exit 3", "touch never")), "touch", "agent")
    assert done.returncode == 1
    assert done.stderr.endswith("vibedom: setup failed: echo $HOME%s; exit 3\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["start"]


@pytest.mark.parametrize("install", ["false", "true", "exit 0", ""])
def test_an_agent_that_is_not_there_after_its_installation_is_not_started(tmp_path: Path, install: str) -> None:
    script = start_script(Agent(command=("no-such-program",), install=install), ())
    done = run(tmp_path, script, "touch", "agent")
    assert done.returncode == 1
    assert "vibedom: no-such-program is not in the sandbox" in done.stderr
    assert not (tmp_path / "agent").exists()


def test_an_agent_that_is_there_is_not_installed(tmp_path: Path) -> None:
    script = start_script(Agent(command=("sh",), install="touch installed"), ())
    assert run(tmp_path, script, "sh", "-c", "echo runs").stdout == "runs\n"
    assert not (tmp_path / "installed").exists()
