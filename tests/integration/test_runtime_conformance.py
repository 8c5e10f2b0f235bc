"""Every runtime gives the same sandbox: lifecycle, what the agent sees, what it may use, and what is left of it."""

import os
import re
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.integration import runtimes
from tests.integration.runtimes import AGENT_GID, AGENT_UID, finish, locked, make_spec, opened, read_until
from vibedom.errors import LockdownError, SandboxError
from vibedom.sandbox.runtime import Command, Limits, Mount, Runtime

pytestmark = [pytest.mark.anyio, pytest.mark.engine]


@pytest.fixture(params=sorted(runtimes.RUNTIMES))
async def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runtime]:
    found = await runtimes.runtime_or_skip(request.param, tmp_path / "state")
    yield found
    assert await found.leftovers() == []
    await found.aclose()


async def test_the_agent_starts_in_its_writable_copy_as_the_owner_of_the_workspace(
    runtime: Runtime, tmp_path: Path
) -> None:
    spec = make_spec(tmp_path)
    async with locked(runtime, spec) as box:
        outcome = await finish(await box.start("sh", "-c", "pwd; id -u; id -g; cat readme.txt; echo new >new.txt"))
    assert (outcome.code, outcome.out) == (0, f"/work\n{AGENT_UID}\n{AGENT_GID}\nthe project\n")
    assert (spec.upper / "new.txt").read_text() == "new\n"
    assert (spec.upper / "new.txt").stat().st_uid == AGENT_UID
    assert sorted(path.name for path in spec.workspace.iterdir()) == ["readme.txt"]


async def test_changes_and_deletions_stay_in_the_upper_directory(runtime: Runtime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    (spec.workspace / "doomed.txt").write_text("doomed\n")
    async with locked(runtime, spec) as box:
        outcome = await finish(await box.start("sh", "-c", "echo more >>readme.txt && rm doomed.txt && ls"))
    assert outcome.out == "readme.txt\n"
    assert (spec.workspace / "readme.txt").read_text() == "the project\n"
    assert (spec.workspace / "doomed.txt").read_text() == "doomed\n"
    assert (spec.upper / "readme.txt").read_text() == "the project\nmore\n"
    assert (spec.upper / "doomed.txt").is_char_device()


async def test_the_workspace_itself_cannot_be_written(runtime: Runtime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    async with locked(runtime, spec) as box:
        outcome = await finish(
            await box.start(
                "sh", "-c", "cat /mnt/workspace/readme.txt; echo x >/mnt/workspace/readme.txt; rm -f /mnt/workspace/*"
            )
        )
    assert outcome.out == "the project\n"
    assert "Read-only file system" in outcome.err
    assert (spec.workspace / "readme.txt").read_text() == "the project\n"


@pytest.mark.parametrize("name", ["with spaces", "colon:and,comma", "üñí", "quote'and\"quote"])
async def test_a_workspace_with_an_awkward_path_works(runtime: Runtime, tmp_path: Path, name: str) -> None:
    spec = make_spec(tmp_path, workspace=tmp_path / name)
    async with locked(runtime, spec) as box:
        outcome = await finish(await box.start("cat", "/work/readme.txt", "/mnt/workspace/readme.txt"))
    assert (outcome.code, outcome.out) == (0, "the project\nthe project\n")


async def test_the_home_is_the_agents_own_and_stays(runtime: Runtime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    async with locked(runtime, spec) as box:
        outcome = await finish(await box.start("sh", "-c", 'cd && pwd && echo hi >.profile-of-mine && ls -A "$HOME"'))
    assert outcome.out == "/home/agent\n.profile-of-mine\n"
    assert (spec.agent_home / ".profile-of-mine").read_text() == "hi\n"


async def test_more_mounts_are_read_only_and_mask_what_they_cover(runtime: Runtime, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    spec = make_spec(
        tmp_path,
        mounts=[Mount(source=empty, target="/work/.env"), Mount(source=empty, target="/mnt/workspace/.env")],
    )
    (spec.workspace / ".env").write_text("A=1\n")
    async with locked(runtime, spec) as box:
        outcome = await finish(
            await box.start(
                "sh", "-c", "cat /work/.env /mnt/workspace/.env; echo B=2 >/work/.env; rm /work/.env; ls -A"
            )
        )
    assert outcome.out == ".env\nreadme.txt\n"
    assert (spec.workspace / ".env").read_text() == "A=1\n"
    assert empty.read_bytes() == b""


async def test_the_agent_has_no_capability_and_cannot_gain_one(runtime: Runtime, tmp_path: Path) -> None:
    async with locked(runtime, make_spec(tmp_path)) as box:
        await box.idle()
        outcome = await box.sh("cat /proc/self/status")
    fields = dict(line.split(":\t", 1) for line in outcome.out.splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[name], 16) == 0, name
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


async def test_both_main_process_and_exec_see_the_trust_and_the_proxy(runtime: Runtime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, environment={"MINE": "yes"})
    script = (
        'echo "$HTTPS_PROXY $MINE $EXTRA $HOME"; grep -c BEGIN "$SSL_CERT_FILE";'
        'cmp "$NODE_EXTRA_CA_CERTS" /etc/vibedom/ca.pem; ls /etc/vibedom | grep -c key'
    )
    async with locked(runtime, spec) as box:
        first = await box.start("sh", "-c", script + "; echo done; exec sleep 1000", environment={"EXTRA": "1"})
        seen = (await read_until(first, "done\n")).splitlines()
        second = await finish(await box.exec("sh", "-c", script, environment={"EXTRA": "2"}))
        proxy_url = box.sandbox.listeners.proxy_url
    assert seen[0] == f"{proxy_url} yes 1 /home/agent"
    assert int(seen[1]) > 100
    assert seen[2:] == ["0", "done"]
    assert second.out.splitlines()[0] == f"{proxy_url} yes 2 /home/agent"
    assert second.out.splitlines()[1:] == [seen[1], "0"]


async def test_git_works_in_the_sandbox_although_the_files_are_someone_elses(runtime: Runtime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    environment = {**os.environ, "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    await anyio.run_process(["git", "init", "-q", str(spec.workspace)], env=environment)
    await anyio.run_process(["chmod", "-R", "a+rX", str(spec.workspace)])
    async with locked(runtime, spec) as box:
        await box.idle()
        outcome = await box.sh("command -v git >/dev/null || exit 99; git -C /work status --short")
    if outcome.code == 99:
        pytest.skip("no git in this sandbox")
    assert (outcome.code, outcome.out, outcome.err) == (0, "?? readme.txt\n", "")
    assert not (tmp_path / ".gitconfig").exists()


async def test_nothing_starts_before_the_lockdown(runtime: Runtime, tmp_path: Path) -> None:
    async with opened(runtime, make_spec(tmp_path)) as box:
        with pytest.raises(SandboxError):
            await box.sandbox.start(Command(argv=["true"], tty=False))
        with pytest.raises(SandboxError):
            await box.sandbox.exec(Command(argv=["true"], tty=False))


async def test_a_silent_proxy_fails_the_lockdown_and_nothing_is_left(runtime: Runtime, tmp_path: Path) -> None:
    async with opened(runtime, make_spec(tmp_path)) as box:
        box.border.is_silent = True
        with anyio.fail_after(20), pytest.raises(LockdownError, match="cannot reach proxy"):
            await box.sandbox.lock()
        with pytest.raises(SandboxError):
            await box.sandbox.start(Command(argv=["true"], tty=False))


async def test_somebody_elses_proxy_fails_the_lockdown(runtime: Runtime, tmp_path: Path) -> None:
    async with opened(runtime, make_spec(tmp_path)) as box:
        box.border.session = "another-session"
        with anyio.fail_after(20), pytest.raises(LockdownError, match="proxy"):
            await box.sandbox.lock()


async def test_a_resolver_that_does_not_answer_fails_the_lockdown(runtime: Runtime, tmp_path: Path) -> None:
    async with opened(runtime, make_spec(tmp_path)) as box:
        box.border.is_deaf = True
        with anyio.fail_after(20), pytest.raises(LockdownError, match="resolver"):
            await box.sandbox.lock()


async def test_a_fork_bomb_ends_at_the_limit(runtime: Runtime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, limits=Limits(pids=60))
    async with locked(runtime, spec) as box:
        outcome = await finish(
            await box.start(
                "sh", "-c", "i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i+1)); done 2>&1; jobs -p | wc -l; kill 0"
            )
        )
    assert re.search(r"[Cc]annot fork|Resource temporarily unavailable", outcome.out + outcome.err)


async def test_a_process_cannot_take_more_memory_than_it_may(runtime: Runtime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, limits=Limits(memory_bytes=64 << 20))
    async with locked(runtime, spec) as box:
        outcome = await finish(
            await box.start("sh", "-c", 'head -c 400000000 /dev/zero | tail -c 400000000 | wc -c; echo "end $?"')
        )
    assert "400000000" not in outcome.out


async def test_closing_twice_is_fine_and_the_work_stays(runtime: Runtime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    async with locked(runtime, spec) as box:
        await finish(await box.start("sh", "-c", "echo kept >kept.txt"))
        box.border.close()
        await box.sandbox.aclose()
        await box.sandbox.aclose()
    assert (spec.upper / "kept.txt").read_text() == "kept\n"


async def test_two_sandboxes_live_side_by_side(runtime: Runtime, tmp_path: Path) -> None:
    first, second = make_spec(tmp_path / "1"), make_spec(tmp_path / "2")
    async with locked(runtime, first) as one, locked(runtime, second) as other:
        await one.idle()
        await other.idle()
        assert (await one.sh("echo 1 >mark")).code == 0
        assert (await other.sh("ls")).out == "readme.txt\n"
        peers = one.sandbox.listeners.peers, other.sandbox.listeners.peers
        other.border.forget()
        proxy = other.sandbox.listeners.proxy_url
        await one.sh(f"curl -sS --max-time 3 --noproxy '' --proxy {proxy} http://example.test/")
        for peer in sorted(peers[1] or ()):
            assert (await one.sh(f"timeout 3 bash -c 'exec 3<>/dev/tcp/{peer}/22'")).code != 0
        assert other.border.requests == [], "the proxy of another session hears nothing"
    assert peers == (None, None) or (peers[0] and peers[1] and not peers[0] & peers[1])


SUPERVISOR = """
import anyio, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.integration import runtimes

async def main():
    runtime = runtimes.RUNTIMES[{name!r}].make(Path({state!r}))
    spec = runtimes.make_spec(Path({base!r}), session="orphan-1")
    sandbox = await runtime.create(spec)
    print("created", flush=True)
    border = runtimes.Border(spec.session)
    await border.serve(sandbox.listeners)
    await sandbox.lock()
    print("locked", flush=True)
    box = runtimes.Box(sandbox, spec, border, runtime)
    process = await box.start("sh", "-c", "echo work >work.txt; echo working; exec sleep 1000")
    await runtimes.read_until(process, "working")
    print("working", flush=True)
    await anyio.sleep_forever()

anyio.run(main)
"""


@pytest.mark.parametrize("step", ["created", "locked", "working"])
async def test_what_a_killed_supervisor_leaves_is_reaped_and_the_work_is_kept(
    runtime: Runtime, tmp_path: Path, step: str
) -> None:
    program = textwrap.dedent(SUPERVISOR).format(
        root=str(Path(__file__).parents[2]),
        name=runtime.name,
        state=str(tmp_path / "state"),
        base=str(tmp_path / "run"),
    )
    with anyio.fail_after(60):
        supervisor = await anyio.open_process([sys.executable, "-c", program], stderr=None)
        async with supervisor:
            assert supervisor.stdout is not None
            said = ""
            async for data in supervisor.stdout:
                said += data.decode()
                if step in said.splitlines():
                    break
            assert step in said.splitlines()
            assert await runtime.reap() == []
            os.kill(supervisor.pid, signal.SIGKILL)
    await runtime.reap()
    assert await runtime.leftovers() == []
    if step == "working":
        assert (tmp_path / "run" / "orphan-1" / "upper" / "work.txt").read_text() == "work\n"


async def test_another_vibedoms_leftovers_are_not_touched(runtime: Runtime, tmp_path: Path) -> None:
    stranger = runtimes.RUNTIMES[runtime.name].make(tmp_path / "another-state")
    try:
        async with locked(runtime, make_spec(tmp_path)) as box:
            await box.idle()
            assert await stranger.leftovers() == []
            assert await stranger.reap() == []
            assert (await box.sh("echo alive")).out == "alive\n"
    finally:
        await stranger.aclose()
