"""The control socket with real clients: what it answers, what it refuses, and what a bad client costs."""

import asyncio
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest

from vibedom.control import address, wire
from vibedom.control import messages as m
from vibedom.control.client import Client
from vibedom.control.server import ControlServer, Line
from vibedom.errors import ControlError, NoSuchSessionError, UsageError, VibedomError
from vibedom.paths import Home

pytestmark = pytest.mark.anyio
SECONDS = 20


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Handler:
    """Answers a few requests."""

    def __init__(self) -> None:
        self.hung_up = anyio.Event()
        self.logged: list[str] = []

    async def log(self, text: str) -> None:
        self.logged.append(text)

    async def handle(self, request: m.Request, line: Line) -> None:
        match request:
            case m.Status():
                await line.reply(REPORT)
            case m.Follow():
                try:
                    await line.while_connected(anyio.sleep_forever)
                finally:
                    self.hung_up.set()
            case m.Attach():
                async for said in line.said():
                    if isinstance(said, m.Input):
                        await line.reply(m.Output(data=said.data))
            case m.Pending():
                async with anyio.create_task_group() as group:
                    group.start_soon(fail)
            case m.Pause():
                raise KeyError("hunter2")
            case m.Resume():
                async with anyio.create_task_group() as group:
                    group.start_soon(stumble)
            case _:
                raise UsageError("not today")


async def fail() -> None:
    raise UsageError("from a task group")


async def stumble() -> None:
    raise ZeroDivisionError("hunter2")


REPORT = m.Report(session="s", pid=1, is_paused=False, is_attached=False, is_recording=True, has_tty=True)


@asynccontextmanager
async def serving(root: Path) -> AsyncIterator[tuple[Home, Handler]]:
    home, handler = Home(root=root), Handler()
    home.session("s").root.mkdir(parents=True, exist_ok=True)
    async with anyio.create_task_group() as group:
        await group.start(ControlServer(home.session("s").control_socket, handler, handler.log).serve)
        with anyio.fail_after(SECONDS):
            yield home, handler
        group.cancel_scope.cancel()


async def raw_answer(home: Home, sent: bytes) -> m.Reply | None:
    """What comes back for bytes that no client of ours would send."""
    sock = address.connect(home.session("s").control_socket)
    reader, writer = await asyncio.open_unix_connection(sock=sock)
    try:
        writer.write(sent)
        frame = await wire.read_frame(reader)
        return None if frame is None else wire.read_reply(frame)
    finally:
        writer.close()


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


async def test_an_answer_comes_back_and_an_error_with_its_exit_code(tmp_path: Path) -> None:
    async with serving(tmp_path) as (home, _):
        client = Client(home, "s")
        assert await client.status() == REPORT
        for request in (m.Stop(), m.Pending()):
            with pytest.raises(VibedomError) as raised:
                await client.ask(request)
            assert raised.value.exit_code == UsageError.exit_code


async def test_a_bug_costs_its_request_and_is_noted_without_what_it_says(tmp_path: Path) -> None:
    async with serving(tmp_path) as (home, handler):
        client = Client(home, "s")
        for request, name in ((m.Pause(), "KeyError"), (m.Resume(), "ZeroDivisionError")):
            with pytest.raises(VibedomError, match=r"a bug in vibedom: .* the session goes on"):
                await client.ask(request)
            assert name in handler.logged[-1]
            assert "test_control.py:" in handler.logged[-1]
        assert "hunter2" not in "".join(handler.logged)
        assert await client.status() == REPORT


async def test_a_path_longer_than_the_kernel_takes_works_and_the_socket_is_for_its_owner_only(tmp_path: Path) -> None:
    async with serving(tmp_path / ("x" * 120)) as (home, _):
        path = home.session("s").control_socket
        assert len(str(path)) > 108
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert await Client(home, "s").status() == REPORT
    assert not path.exists()


async def test_what_a_dead_supervisor_left_is_replaced(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    home.session("s").root.mkdir(parents=True)
    address.listen(home.session("s").control_socket).close()
    with pytest.raises(NoSuchSessionError):
        await Client(home, "s").status()
    async with serving(tmp_path):
        assert await Client(home, "s").status() == REPORT


async def test_another_version_and_an_unknown_request_get_an_error_that_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as (home, _):
        later = msgspec.msgpack.encode({"version": m.VERSION + 1, "request": {"type": "status"}})
        answer = await raw_answer(home, framed(later))
        assert isinstance(answer, m.Failed)
        assert f"version {m.VERSION}" in answer.message
        unknown = msgspec.msgpack.encode({"version": m.VERSION, "request": {"type": "dance"}})
        answer = await raw_answer(home, framed(unknown))
        assert isinstance(answer, m.Failed)
        assert "dance" in answer.message
        answer = await raw_answer(home, framed(b"\xc1 nonsense"))
        assert isinstance(answer, m.Failed)
        assert await Client(home, "s").status() == REPORT


async def test_a_message_that_is_too_long_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with serving(tmp_path) as (home, _):
        answer = await raw_answer(home, (m.MAX_MESSAGE_BYTES + 1).to_bytes(4, "big"))
        assert isinstance(answer, m.Failed)
        assert "too long" in answer.message
        async with Client(home, "s").stream(m.Attach()) as conversation:
            with pytest.raises(ControlError):
                await conversation.say(m.Input(data=bytes(m.MAX_MESSAGE_BYTES)))


async def test_a_client_that_hangs_up_ends_its_own_stream_and_a_silent_one_holds_up_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as (home, handler):
        silent = address.connect(home.session("s").control_socket)
        async with Client(home, "s").stream(m.Follow()):
            assert not handler.hung_up.is_set()
        await handler.hung_up.wait()
        assert await Client(home, "s").status() == REPORT
        silent.close()


async def test_what_an_attached_client_says_is_heard_in_order(tmp_path: Path) -> None:
    async with serving(tmp_path) as (home, _), Client(home, "s").stream(m.Attach()) as conversation:
        for number in range(50):
            await conversation.say(m.Input(data=b"%d" % number))
        seen = [await conversation.next() for _ in range(50)]
        assert seen == [m.Output(data=b"%d" % number) for number in range(50)]


async def test_the_kernel_says_who_is_at_the_other_end() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        assert address.peer_uid(ours) == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_another_user_is_not_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as (home, _):
        path = home.session("s").control_socket
        path.chmod(0o666)
        for parent in (path.parent, *path.parents):
            if tmp_path.parent.parent in (parent, *parent.parents):
                parent.chmod(0o755)
        wire_bytes = framed(msgspec.msgpack.encode(wire.envelope(m.Status()))).hex()
        script = (
            "import os, socket, sys; os.setuid(int(sys.argv[3])); s = socket.socket(socket.AF_UNIX);"
            "s.settimeout(10); s.connect(sys.argv[1]); s.sendall(bytes.fromhex(sys.argv[2]));"
            "sys.stdout.write(str(len(s.recv(100))))"
        )

        async def ask_as(uid: int) -> bytes:
            argv = [sys.executable, "-I", "-c", script, str(path), wire_bytes, str(uid)]
            return (await anyio.run_process(argv, check=False)).stdout

        assert int(await ask_as(0)) > 4
        assert await ask_as(65534) in (b"0", b"")
