"""The agent's socket, spoken to by OpenSSH's own tools and by a client that does not keep to the protocol."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from pipeline.host_policy import HostPolicy
from vibedom.paths import Home
from vibedom.ssh.agent import MAX_CLIENTS, MAX_MESSAGE_BYTES, SOCKET, SigningAgent
from vibedom.ssh.keys import create_key

pytestmark = pytest.mark.anyio
LIST = (1).to_bytes(4) + bytes((11,))


@pytest.fixture
async def directory(tmp_path: Path) -> AsyncIterator[Path]:
    """Where an agent with one key serves; its path is longer than a socket's may be."""
    home = Home(root=tmp_path / "state")
    create_key(home)
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    said: list[str] = []

    async def log(line: str) -> None:
        said.append(line)

    async with anyio.create_task_group() as group:
        await group.start(SigningAgent(home, deep, os.getuid(), HostPolicy, log).serve)
        yield deep
        group.cancel_scope.cancel()
    assert not (deep / SOCKET).exists()


async def connect(directory: Path) -> anyio.abc.SocketStream:
    opened = os.open(directory, os.O_PATH)
    try:
        return await anyio.connect_unix(f"/proc/self/fd/{opened}/{SOCKET}")
    finally:
        os.close(opened)


async def ask(stream: anyio.abc.SocketStream, message: bytes) -> bytes:
    await stream.send(message)
    data = b""
    with anyio.fail_after(10):
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4]):
            data += await stream.receive()
    return data[4:]


async def test_the_socket_is_its_users_alone_and_ssh_add_lists_the_key(directory: Path) -> None:
    assert (directory / SOCKET).stat().st_mode & 0o777 == 0o600
    (directory.parent / "short").symlink_to(directory)
    environment = {**os.environ, "SSH_AUTH_SOCK": f"{directory.parent}/short/{SOCKET}"}
    with anyio.fail_after(10):
        listed = await anyio.run_process(["ssh-add", "-l"], env=environment, check=False)
        removed = await anyio.run_process(["ssh-add", "-D"], env=environment, check=False)
        again = await anyio.run_process(["ssh-add", "-l"], env=environment, check=False)
    assert b"vibedom default (ED25519)" in listed.stdout
    assert removed.returncode != 0
    assert again.stdout == listed.stdout


async def test_messages_in_pieces_and_together_are_answered_one_by_one(directory: Path) -> None:
    async with await connect(directory) as stream:
        for byte in LIST[:-1]:
            await stream.send(bytes((byte,)))
        first = await ask(stream, LIST[-1:])
        assert first[:5] == bytes((12, 0, 0, 0, 1))
        assert await ask(stream, LIST) == first


@pytest.mark.parametrize("length", [0, MAX_MESSAGE_BYTES + 1, 2**32 - 1])
async def test_a_message_of_an_impossible_length_ends_the_connection(directory: Path, length: int) -> None:
    async with await connect(directory) as stream:
        await stream.send(length.to_bytes(4) + b"\x0b")
        with anyio.fail_after(10), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stream.receive()
    async with await connect(directory) as other:
        assert (await ask(other, LIST))[0] == 12


async def test_many_clients_wait_their_turn_and_all_are_served(directory: Path) -> None:
    held = [await connect(directory) for _ in range(MAX_CLIENTS)]
    for stream in held:
        assert (await ask(stream, LIST))[0] == 12
    late = await connect(directory)
    await late.send(LIST)
    await held[0].aclose()
    with anyio.fail_after(10):
        assert (await late.receive())[4] == 12
    for stream in (*held[1:], late):
        await stream.aclose()
