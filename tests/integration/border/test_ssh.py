"""SSH through CONNECT: only to ports that the policy calls SSH, only what begins as SSH on both sides, and counted."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest
from anyio.abc import ByteStream

from pipeline.events import Record
from tests.support.border import Running, running_border
from vibedom.ssh.sandbox_files import write_ssh_files

pytestmark = pytest.mark.anyio
HOST = "git.test"
HELLO = b"SSH-2.0-client_1.0 comment\r\n"
KEX = bytes((0, 0, 0, 60, 10, 20)) + b"k" * 58
SERVER = b"SSH-2.0-server\r\n" + bytes((0, 0, 0, 60, 10, 20)) + b"s" * 58


class Far:
    """What listens at the SSH host's address: says its greeting, and keeps what arrives."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received = bytearray()
        self.connections = 0

    async def until(self, length: int) -> bytes:
        with anyio.fail_after(10):
            while len(self.received) < length:  # noqa: ASYNC110  # nobody tells
                await anyio.sleep(0.005)
        return bytes(self.received)


@contextlib.asynccontextmanager
async def far_side(greeting: bytes) -> AsyncIterator[Far]:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener:
        far = Far(listener.extra(anyio.abc.SocketAttribute.local_port))

        async def serve(stream: ByteStream) -> None:
            far.connections += 1
            async with stream:
                with contextlib.suppress(anyio.BrokenResourceError, anyio.EndOfStream):
                    await stream.send(greeting)
                    while True:
                        far.received += await stream.receive()

        async with anyio.create_task_group() as group:
            group.start_soon(listener.serve, serve)
            yield far
            group.cancel_scope.cancel()


def policy(port: int, pattern: str = HOST) -> str:
    return f'[[hosts]]\npattern = "{pattern}"\nssh = true\ndial = "127.0.0.1:{port}"\n'


@contextlib.asynccontextmanager
async def tunnel(border: Running, authority: str) -> AsyncIterator[tuple[ByteStream, bytes]]:
    """A connection to the proxy that has asked for a tunnel, and the head of the answer."""
    async with await anyio.connect_tcp("127.0.0.1", border.port(border.listeners.proxy)) as stream:
        await stream.send(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        head = b""
        with anyio.fail_after(10):
            while b"\r\n\r\n" not in head:
                head += await stream.receive()
        yield stream, head


async def read_to_end(stream: ByteStream) -> bytes:
    data = b""
    with anyio.fail_after(10), contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            data += await stream.receive()
    return data


async def recorded(border: Running, is_meant: Callable[[Record], bool]) -> Record:
    with anyio.fail_after(10):
        while True:
            for record in border.sink.records:
                if is_meant(record):
                    return record
            await anyio.sleep(0.005)


async def test_ssh_passes_byte_for_byte_and_is_recorded_with_its_bytes(tmp_path: Path) -> None:
    async with far_side(SERVER) as far, running_border(tmp_path, policy=policy(far.port)) as border:
        async with tunnel(border, f"{HOST}:22") as (stream, head):
            assert b" 200 " in head.splitlines()[0]
            sent = HELLO + KEX + b"\0\xff" * 5000
            for start in range(40):
                await stream.send(sent[start : start + 1])
            await stream.send(sent[40:])
            assert await far.until(len(sent)) == sent
            got = b""
            with anyio.fail_after(10):
                while len(got) < len(SERVER):
                    got += await stream.receive()
            assert got == SERVER
        end = await recorded(border, lambda r: r.kind == "response" and r.host == HOST)
        assert (end.port, end.request_bytes, end.response_bytes) == (22, len(sent), len(SERVER))
        assert end.unscanned == "passthrough"
        assert end.verdict == "allow"


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: git.test:22\r\n\r\n",
        b"SSH-1.99-old\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-x\x00y\r\n" + KEX,
        b"SSH-2.0-" + b"x" * 300 + b"\r\n" + KEX,
        HELLO + b"any protocol at all, behind a line of SSH",
        HELLO + bytes((0, 0, 0, 60, 10, 94)) + b"k" * 58,
    ],
    ids=["http", "ssh-1", "tls", "nul", "long-line", "no-packet", "not-a-key-exchange"],
)
async def test_what_does_not_begin_as_ssh_does_not_arrive(tmp_path: Path, said: bytes) -> None:
    async with far_side(SERVER) as far, running_border(tmp_path, policy=policy(far.port)) as border:
        async with tunnel(border, f"{HOST}:22") as (stream, _):
            await stream.send(said)
            assert b"k" not in await read_to_end(stream)
        refused = await recorded(border, lambda r: r.reason == "non-http" and r.host == HOST)
        assert refused.verdict == "deny"
        assert bytes(far.received) in (b"", HELLO), "at most the identification, which was one of SSH"


@pytest.mark.parametrize(
    "greeting",
    [b"220 mail.test ESMTP\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"banner first\r\n" + SERVER, b"SSH-2.0-x\r\nno packet"],
)
async def test_what_a_server_says_that_is_no_ssh_does_not_reach_the_sandbox(tmp_path: Path, greeting: bytes) -> None:
    async with far_side(greeting) as far, running_border(tmp_path, policy=policy(far.port)) as border:
        async with tunnel(border, f"{HOST}:22") as (stream, _):
            await stream.send(HELLO + KEX)
            assert await read_to_end(stream) in (b"", b"SSH-2.0-x\r\n")
        cut = await recorded(border, lambda r: r.reason == "non-http")
        assert (cut.host, cut.verdict) == (HOST, "deny")


async def test_only_the_named_host_and_port_are_tunnelled_to(tmp_path: Path) -> None:
    async with far_side(SERVER) as far:
        rules = policy(far.port) + policy(far.port, "other.test:2222")
        async with running_border(tmp_path, domains="web.test\n", policy=rules) as border:
            for authority in ("evil.test:22", f"{HOST}:80", f"{HOST}:443", "other.test:22", "web.test:22"):
                async with tunnel(border, authority) as (stream, head):
                    assert b" 403 " in head.splitlines()[0], authority
                    await stream.send(HELLO + KEX)
            async with tunnel(border, "other.test:2222") as (stream, head):
                assert b" 200 " in head.splitlines()[0]
                await stream.send(HELLO + KEX)
                assert await far.until(len(HELLO + KEX)) == HELLO + KEX
        assert far.connections == 1


async def test_a_listed_port_22_without_the_rule_for_ssh_tunnels_no_ssh(tmp_path: Path) -> None:
    async with far_side(SERVER) as far:
        rules = f'[[hosts]]\npattern = "{HOST}:22"\ndial = "127.0.0.1:{far.port}"\n'
        async with running_border(tmp_path, policy=rules) as border:
            async with tunnel(border, f"{HOST}:22") as (stream, _):
                await stream.send(HELLO + KEX)
                assert await read_to_end(stream) == b""
            assert far.connections == 0


NC = """\
import os, socket, sys, threading
there = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := there.recv(65536):
    os.write(1, data)
"""
"""What `nc` does, for machines without one."""


@pytest.mark.parametrize("script", ["connect.bash", "connect.py", "connect.nc"])
async def test_the_sandboxes_way_to_the_proxy_carries_bytes_and_ends_with_either_side(
    tmp_path: Path, script: str
) -> None:
    write_ssh_files(tmp_path, (), ())
    interpreter = {"bash": ["bash"], "py": [sys.executable, "-I"], "nc": ["sh"]}[script.partition(".")[2]]
    (tmp_path / "nc").write_text(f"#!{sys.executable}\n{NC}")
    (tmp_path / "nc").chmod(0o755)
    argv = [*interpreter, str(tmp_path / "ssh" / script)]
    sent = HELLO + KEX + bytes(range(256)) * 400
    async with far_side(SERVER) as far, running_border(tmp_path, policy=policy(far.port)) as border:
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HTTPS_PROXY": border.proxy_url}
        async with await anyio.open_process([*argv, HOST, "22"], env=environment) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            await process.stdin.send(sent)
            assert await far.until(len(sent)) == sent
            got = b""
            with anyio.fail_after(10):
                while len(got) < len(SERVER):
                    got += await process.stdout.receive()
                assert got == SERVER
                await process.stdin.aclose()
                await process.wait()
        with anyio.fail_after(10):
            refused = await anyio.run_process([*argv, "other.test", "22"], env=environment, check=False)
        assert refused.returncode != 0
        assert refused.stdout == b""
        assert b"vibedom: SSH to other.test:22 is not allowed" in refused.stderr
