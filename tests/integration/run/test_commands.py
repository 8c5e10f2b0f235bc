"""Commands and options that need a session, each used once: what they print, and what comes of them."""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.integration.run.conftest import Vibedom, usable
from tests.integration.run.live import detached, terminal
from vibedom import sessions
from vibedom.paths import Home
from vibedom.sandbox.runtime import Runtime

pytestmark = [pytest.mark.anyio, pytest.mark.engine]
ASK = "curl -s -o /dev/null http://$1.test/; curl -s -o /dev/null http://$1.test/$2"


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    """The commands are the same on every runtime."""
    async with usable("local", tmp_path) as found:
        yield found


async def test_a_session_is_looked_at_and_given_rules_from_outside(vibedom: Vibedom) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"[:36]
    options = ("--cpus", "1.5", "--memory", "512m", "--no-apply")
    home = Home(root=vibedom.home)
    async with detached(vibedom, "while :; do sleep 1; done", name="task", options=options):
        limits = sessions.load(home, "task").launch.limits
        assert (limits.cpus, limits.memory_bytes) == (1.5, 512 << 20)

        inside = await vibedom("exec", "--no-tty", "--workdir", "/tmp", "--", "sh", "-c", "pwd; test -t 1 || echo none")
        assert inside.out == "/tmp\nnone\n"
        with terminal(vibedom, "exec", "--tty", "--", "sh", "-c", "test -t 1 && stty size") as shown:
            shown.read_until(rb"24 80")
            assert shown.process.wait(60) == 0

        followed: list[str] = []

        async def follow() -> None:
            followed.append((await vibedom("logs", "--follow", "--json", "task")).out)

        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            assert (await vibedom("allow", "good.test", "--always")).code == 0
            assert (await vibedom("deny", "shut.test", "--always")).code == 0
            reloaded = await vibedom("reload")
            assert (reloaded.code, reloaded.err) == (0, "task: policy reloaded\n")
            assert (await vibedom("exec", "--", "sh", "-c", ASK, "sh", "good", token)).code == 0
            assert (await vibedom("exec", "--", "sh", "-c", ASK, "sh", "shut", "x")).code == 0
            (vibedom.home / "config" / "policy.toml").write_text("[dlp]\noversize = 3\n")
            broken = await vibedom("reload")
            assert broken.code != 0
            assert "policy.toml" in broken.err
            vibedom.policy(domains=(vibedom.home / "config" / "trusted_domains.txt").read_text())

            top = await vibedom("top", "--interval", "0.5")
            assert "task" in top.out
            assert "refused last" in top.out
            status = json.loads((await vibedom("status", "--json")).out)
            assert json.dumps(status).count("task")
            assert (await vibedom("stop")).code == 0
        assert {json.loads(line).get("host") for line in followed[0].splitlines()} >= {"good.test", "shut.test"}

    lines = (await vibedom("logs")).out.splitlines()
    blocked = (await vibedom("logs", "--blocked")).out.splitlines()
    assert blocked == [line for line in lines if " DENY " in line]
    assert any("shut.test" in line and "denied-by-rule" in line for line in blocked)
    scrubbed = (await vibedom("logs", "--scrubbed")).out
    assert "good.test" in scrubbed
    assert "REDACTED" in scrubbed
    assert token not in "".join(lines)
    of_host = [json.loads(line) for line in (await vibedom("logs", "--host", "shut.test", "--json")).out.splitlines()]
    assert {record["host"] for record in of_host} == {"shut.test"}

    listed = await vibedom("prune", "--dry-run")
    assert listed.out.startswith("task  ")
    assert (await vibedom("prune", "--older-than", "7d", "--yes")).err == "nothing to delete\n"
    assert [path.name for path in vibedom.sessions] == ["task"]


async def test_secrets_of_the_past_and_a_root_that_is_none_stop_a_run_before_anything_is_made(vibedom: Vibedom) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=n@n.test")
        subprocess.run(["git", *identity, *arguments], cwd=vibedom.project, check=True, capture_output=True)

    git("init", "-q")
    (vibedom.project / "old.env").write_text("TOKEN=" + "ghp_" + "Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0FeDcBa"[:36] + "\n")
    git("add", ".")
    git("commit", "-qm", "a secret")
    (vibedom.project / "old.env").unlink()
    git("commit", "-qam", "taken out")
    assert (await vibedom.sh("true")).code == 0
    history = await vibedom.sh("true", options=("--history",))
    assert (history.code, history.out) != (0, "")
    assert "old.env" in history.err
    rootless = await vibedom.sh("true", options=("--root", str(vibedom.project / "absent")))
    assert rootless.code != 0
    assert "absent" in rootless.err
    assert "Traceback" not in rootless.err
