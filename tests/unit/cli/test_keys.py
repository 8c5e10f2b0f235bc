"""`vibedom init`, `keys`, `agents` and `trust`, as their user runs them."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sshd import ssh_server


def vibedom(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "vibedom", *arguments],
        env={**os.environ, "VIBEDOM_HOME": str(home), "HOME": str(home.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_init_prints_the_same_public_half_each_time_and_keys_lists_it(tmp_path: Path) -> None:
    home = tmp_path / "state"
    first, again = vibedom(home, "init"), vibedom(home, "init")
    assert first.returncode == again.returncode == 0, first
    assert first.stdout == again.stdout
    assert first.stdout.startswith("ssh-ed25519 AAAA")
    assert "deploy key" in first.stderr
    assert "made now" in first.stderr
    assert "was there" in again.stderr
    assert (home / "config" / "policy.toml").exists()
    listed = json.loads(vibedom(home, "keys", "--json").stdout)
    assert [key["name"] for key in listed["keys"]] == ["default"]
    assert listed["keys"][0]["public"] == first.stdout.strip()
    assert "PRIVATE" not in json.dumps(listed)
    assert vibedom(home, "keys", "remove", "default").returncode == 2, "nobody was asked"
    assert vibedom(home, "keys", "remove", "default", "--yes").returncode == 0
    assert "no keys yet" in vibedom(home, "keys").stderr


@pytest.mark.anyio
async def test_a_host_is_trusted_by_the_fingerprint_it_published_or_by_what_the_user_knows(tmp_path: Path) -> None:
    home = tmp_path / "state"
    async with ssh_server(tmp_path / "sshd") as server:
        place = f"127.0.0.1:{server.port}"
        unasked = vibedom(home, "keys", "trust", place)
        assert unasked.returncode == 2
        assert "give --fingerprint" in unasked.stderr
        fingerprint = next(word for word in unasked.stderr.split() if word.startswith("SHA256:"))
        wrong = vibedom(home, "keys", "trust", place, "--fingerprint", fingerprint[:-1] + "!")
        assert wrong.returncode == 2
        assert "is somebody in between" in wrong.stderr
        assert vibedom(home, "keys", "trust", place, "--fingerprint", fingerprint).returncode == 0
    known = (home / "ssh" / "known_hosts").read_text()
    assert known == f"[127.0.0.1]:{server.port} {server.host_key}\n"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(f"git.test {server.host_key}\n")
    assert vibedom(home, "keys", "trust", "git.test").returncode == 0
    assert f"git.test {server.host_key}" in (home / "ssh" / "known_hosts").read_text()
    assert "git.test" in vibedom(home, "keys").stdout


def test_agents_are_listed_with_what_they_may_reach(tmp_path: Path) -> None:
    home = tmp_path / "state"
    (home / "config").mkdir(parents=True)
    (home / "config" / "agents.toml").write_text('[agents.mine]\ncommand = ["mine"]\nhosts = ["api.mine.test"]\n')
    listed = vibedom(home, "agents")
    assert listed.returncode == 0, listed
    rows = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert {"claude", "codex", "gemini", "opencode", "mine"} < set(rows)
    assert "api.mine.test" in rows["mine"]
    assert json.loads(vibedom(home, "agents", "mine", "--json").stdout)["mine"]["command"] == ["mine"]
    shown = vibedom(home, "agents", "claude").stdout
    assert "reaches:   api.anthropic.com" in shown
    assert "ANTHROPIC_API_KEY" in shown


def test_trust_shows_what_it_agrees_to_with_control_characters_made_visible(tmp_path: Path) -> None:
    home, project = tmp_path / "state", tmp_path / "project"
    project.mkdir()
    assert "no vibedom.toml here" in vibedom(home, "trust", str(project)).stderr
    (project / "vibedom.toml").write_text('[setup]\ncommands = ["echo \\u001b[2K\\u202e"]\n')
    assert vibedom(home, "trust", "--show", str(project)).stderr.endswith("not agreed to\n")
    agreed = vibedom(home, "trust", str(project))
    assert agreed.returncode == 0
    assert "run in the sandbox before the agent: echo \\x1b[2K\\u202e" in agreed.stderr
    assert vibedom(home, "trust", "--show", str(project)).stderr.endswith("\nagreed to\n")


@pytest.mark.parametrize(
    ("answer", "shown"), [(b"n\n", "not agreed to; nothing was started"), (b"y\n", "can only deny")]
)
def test_on_a_terminal_the_user_is_asked_and_the_answer_is_remembered(
    tmp_path: Path, answer: bytes, shown: str
) -> None:
    home, project = tmp_path / "state", tmp_path / "project"
    project.mkdir()
    (project / "vibedom.toml").write_text('hosts = ["*"]\n')  # no policy can have it: the run ends before a sandbox
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    with os.fdopen(ours, "rb", buffering=0):
        process = subprocess.run(
            [sys.executable, "-m", "vibedom", "run", str(project), "--runtime", "local"],
            env={**os.environ, "VIBEDOM_HOME": str(home), "HOME": str(tmp_path), "TERM": "dumb"},
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=90,
            check=False,
        )
        os.close(theirs)
        said = os.read(ours, 65536).decode()
    assert process.returncode == 2
    assert "reach the host *" in said
    assert shown in said
    agreed = vibedom(home, "trust", "--show", str(project)).stderr.endswith("\nagreed to\n")
    assert agreed is (answer == b"y\n")
