"""Sessions that outlive their terminal: detached, hung up, attached again, asked through the control socket."""

import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import msgspec
import pytest

from tests.integration.run.conftest import Vibedom, until, usable
from tests.integration.run.live import QUIT, detached, start, terminal
from vibedom import sessions
from vibedom.control import address, wire
from vibedom.control import messages as m
from vibedom.control.client import Client
from vibedom.paths import Home
from vibedom.sandbox.runtime import Runtime

pytestmark = [pytest.mark.anyio, pytest.mark.engine]
IDLE = "while :; do sleep 1; done"


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    """The control socket is the same on every runtime; `test_on_every_runtime.py` has what is not."""
    async with usable("local", tmp_path) as found:
        yield found


async def test_a_detached_session_is_listed_asked_entered_and_ended(vibedom: Vibedom) -> None:
    async with detached(vibedom, f"echo kept > work.txt; {IDLE}", name="task"):
        await until(lambda: (vibedom.session / "upper" / "work.txt").exists(), "the agent")
        (listed,) = json.loads((await vibedom("list", "--json")).out)
        assert (listed["id"], listed["status"], listed["is_detached"]) == ("task", "running", True)
        done = await vibedom("exec", "ta", "--", "sh", "-c", "cat work.txt; echo oops >&2; exit 7")
        assert (done.code, done.out, done.err) == (7, "kept\n", "oops\n")
        status = json.loads((await vibedom("status", "--json")).out)
        assert status["is_alive"]
        assert not status["supervisor"]["is_attached"]
        assert "task" in (await vibedom("top", "--once")).out
    assert sessions.load(Home(root=vibedom.home), "task").status == "ended"
    assert (vibedom.session / "upper" / "work.txt").read_text() == "kept\n"
    assert not (vibedom.session / "control.sock").exists()
    assert (await vibedom("exec", "--", "true")).code == 2


async def test_a_start_that_fails_looks_as_it_does_in_the_foreground(vibedom: Vibedom) -> None:
    vibedom.policy(domains="https://bad/pattern\n")
    done = await start(vibedom, "true", name="bad")
    assert done.code == 2
    assert "trusted_domains.txt:1" in done.err
    assert done.out == ""
    assert vibedom.sessions == []


async def test_attach_resizes_types_leaves_by_keys_and_is_for_one_at_a_time(vibedom: Vibedom) -> None:
    script = 'echo ready; while read -r line; do echo "got <$line>"; stty size; done'
    async with detached(vibedom, script, name="task"):
        with terminal(vibedom, "attach", rows=31, columns=97) as first:
            first.read_until(rb"ready")
            first.type(b"hello\r")
            first.read_until(rb"got <hello>\s+31 97")
            with terminal(vibedom, "attach") as second:
                second.read_until(rb"detach there first")
                assert second.process.wait(60) == 2
            first.resize(40, 120)
            first.type_until(b"a\x10b\r", rb"got <a\x10b>\s+40 120")
            first.type(QUIT)
            first.read_until(rb"detached")
            assert first.process.wait(60) == 0
            assert first.is_restored
        with terminal(vibedom, "attach") as again:
            again.read_until(rb"got <hello>")
            again.type(b"\x04\x04")
            again.read_until(rb"ended with exit code 0")
            assert again.process.wait(60) == 0
            assert again.is_restored


async def test_a_closed_terminal_does_not_end_the_session(vibedom: Vibedom) -> None:
    arguments = ("run", str(vibedom.project), "--runtime", vibedom.runtime, "--name", "hung")
    script = 'echo ready; while read -r line; do echo "got <$line>"; done; echo over > over'
    with terminal(vibedom, *arguments, "--", "sh", "-c", script) as first:
        first.read_until(rb"ready")
        home = Home(root=vibedom.home)
        await until(lambda: sessions.load(home, "hung").status == "running", "the session")
        first.hang_up()
        await until(lambda: sessions.load(home, "hung").is_detached, "the session to let go")
        with terminal(vibedom, "attach") as second:
            second.read_until(rb"ready")
            second.type(b"still there\r")
            second.read_until(rb"got <still there>")
            second.type(b"\x04\x04")
            second.read_until(rb"ended with exit code 0")
        assert first.process.wait(60) == 0
    assert (vibedom.session / "upper" / "over").exists()


async def test_keys_leave_a_session_in_the_foreground_which_is_attached_again(vibedom: Vibedom) -> None:
    arguments = ("run", str(vibedom.project), "--runtime", vibedom.runtime, "--name", "left")
    script = 'echo ready; while read -r line; do echo "got <$line>"; done; exit 3'
    with terminal(vibedom, *arguments, "--", "sh", "-c", script) as first:
        first.read_until(rb"ready")
        first.type_until(b"a\x10b\r", rb"got <a\x10b>")
        first.type(QUIT)
        first.read_until(rb"detached; the agent goes on: vibedom attach left")
        assert first.process.wait(60) == 0
        assert first.is_restored
    record = sessions.load(Home(root=vibedom.home), "left")
    assert (record.status, record.is_detached, record.is_alive) == ("running", True, True)
    assert record.owner_pid != first.process.pid
    with terminal(vibedom, "attach", "--detach-keys", "ctrl-]") as second:
        second.type_until(b"still there\r", rb"got <still there>")
        second.type(b"\x04\x04")
        second.read_until(rb"ended with exit code 3")
        assert second.process.wait(60) == 3


async def test_whoever_kills_what_the_shell_waits_for_only_closes_a_terminal(vibedom: Vibedom) -> None:
    arguments = ("run", str(vibedom.project), "--runtime", vibedom.runtime, "--name", "orphan", "--detach-keys", "")
    with terminal(vibedom, *arguments, "--", "sh", "-c", f"echo ready; {IDLE}") as first:
        first.read_until(rb"ready")
        first.process.kill()
        home = Home(root=vibedom.home)
        await until(lambda: sessions.load(home, "orphan").is_detached, "the session to let go")
        assert (await vibedom("stop", "orphan")).code == 0
    assert sessions.load(home, "orphan").status == "ended"


async def test_a_signal_to_attach_restores_the_terminal_and_leaves_the_agent_alone(vibedom: Vibedom) -> None:
    async with detached(vibedom, f"echo ready; {IDLE}", name="task"):
        with terminal(vibedom, "attach") as shown:
            shown.read_until(rb"ready")
            shown.process.send_signal(signal.SIGTERM)
            assert shown.process.wait(60) == 128 + signal.SIGTERM
            assert shown.is_restored
        assert (await vibedom("exec", "--", "true")).code == 0


async def test_a_stuck_client_does_not_hold_the_agent_up(vibedom: Vibedom) -> None:
    home = Home(root=vibedom.home)
    script = "sleep 1; seq 1 2000000; echo over > over; " + IDLE
    async with detached(vibedom, script, name="task"):
        sock = address.connect(home.session("task").control_socket)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = wire.envelope(m.Attach())
        frame = msgspec.msgpack.encode(request)
        sock.setblocking(True)
        sock.sendall(len(frame).to_bytes(4, "big") + frame)
        await until(lambda: (vibedom.session / "upper" / "over").exists(), "the agent to go on", 40)
        sock.close()
        assert not (await Client(home, "task").status()).is_attached


async def test_a_killed_supervisor_is_resumed_with_work_grants_and_log(vibedom: Vibedom, runtime: Runtime) -> None:
    home = Home(root=vibedom.home)
    ask = "for host in granted shut; do curl -s -o /dev/null http://$host.test/; done"
    script = f"echo x >> runs; [ $(wc -l < runs) = 1 ] || {{ {ask}; touch asked; }}; {IDLE}"
    vibedom.policy(domains="shut.test\n")
    assert (await start(vibedom, script, name="task")).code == 0
    await until(lambda: (vibedom.session / "upper" / "runs").exists(), "the agent")
    assert (await vibedom("allow", "granted.test", "--for", "1h")).code == 0
    assert (await vibedom("deny", "shut.test", "--session")).code == 0
    os.kill(sessions.load(home, "task").owner_pid, signal.SIGKILL)
    await until(lambda: sessions.load(home, "task").is_crashed, "the end")
    done = await vibedom("resume", "task", "--detach")
    assert done.code == 0, done
    try:
        await until(lambda: (vibedom.session / "upper" / "runs").read_text() == "x\nx\n", "the agent again")
        grants = {grant.pattern: grant.verdict for grant in (await Client(home, "task").status()).grants}
        assert grants == {"granted.test": "allow", "shut.test": "deny"}
        await until(lambda: (vibedom.session / "upper" / "asked").exists(), "its requests")
    finally:
        await vibedom("stop", "task")
    reasons = {r["host"]: r["reason"] for r in vibedom.records() if r["kind"] == "request"}
    assert reasons == {"granted.test": "listed", "shut.test": "denied-by-rule"}
    assert (await vibedom("audit", "verify", "task")).code == 0
    assert (await vibedom("apply", "task", "--all", "--yes")).code == 0
    assert (vibedom.project / "runs").read_text() == "x\nx\n"
    assert (await vibedom("resume", "task")).code == 2, "it is in the project now"


async def test_prune_takes_what_holds_no_work_and_nothing_else(vibedom: Vibedom) -> None:
    for name, script, options in (
        ("empty", "true", ()),
        ("kept", "true", ("--keep",)),
        ("work", "echo x > x", ()),
    ):
        assert (await vibedom.sh(script, options=("--name", name, *options))).code == 0
    assert (await vibedom("prune")).code == 2, "nobody to ask"
    assert (await vibedom("prune", "--yes")).code == 0
    assert [path.name for path in vibedom.sessions] == ["kept", "work"]


async def test_a_read_only_session_changes_nothing(vibedom: Vibedom) -> None:
    done = await vibedom.sh("cat readme.txt; touch x || echo refused", options=("--read-only",))
    assert done.out == "the project\nrefused\n"
    assert list((vibedom.session / "upper").iterdir()) == []


async def test_sleeping_with_the_lid_closed_ends_nothing(vibedom: Vibedom) -> None:
    home = Home(root=vibedom.home)
    async with detached(vibedom, IDLE, name="task"):
        pid = sessions.load(home, "task").owner_pid
        os.kill(pid, signal.SIGSTOP)
        async with anyio.create_task_group() as group:
            results: list[int] = []

            async def ask() -> None:
                results.append(
                    (await vibedom("exec", "--", "sh", "-c", "curl -s http://refused.test/ >/dev/null")).code
                )

            group.start_soon(ask)
            await until(lambda: _state(pid) == "T", "the supervisor to stand still")
            os.kill(pid, signal.SIGCONT)
        assert results == [0]


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
