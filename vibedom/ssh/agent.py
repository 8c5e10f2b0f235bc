"""The signing agent of one session: a socket in the sandbox's trust directory, and vibedom's keys behind it."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from pipeline.host_policy import HostPolicy
from vibedom.errors import SettingsError
from vibedom.paths import Home
from vibedom.ssh.conversation import Conversation
from vibedom.ssh.keys import list_keys
from vibedom.ssh.known_hosts import read_known

SOCKET = "agent.sock"
MAX_MESSAGE_BYTES = 64 * 1024
MAX_CLIENTS = 16
IDLE_SECONDS = 300.0
"""A client that says nothing for so long is hung up on. `ssh` asks within seconds."""
RETRY_SECONDS = 0.05
_LENGTH_BYTES = 4


class SigningAgent:
    """Serves `directory/agent.sock` to `uid`. `hosts` is asked each time: a reload takes effect at once."""

    def __init__(
        self,
        home: Home,
        directory: Path,
        uid: int,
        hosts: Callable[[], HostPolicy],
        log: Callable[[str], Awaitable[None]],
    ) -> None:
        self._home = home
        self._directory = directory
        self._uid = uid
        self._hosts = hosts
        self._log = log
        self._slots = anyio.Semaphore(MAX_CLIENTS)

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. Raises `OSError` where the socket cannot be made."""
        listener = _listen(self._directory, self._uid)
        try:
            async with anyio.create_task_group() as clients:
                task_status.started()
                loop = asyncio.get_running_loop()
                while True:
                    await self._slots.acquire()
                    try:
                        connection, _ = await loop.sock_accept(listener)
                    except OSError:
                        # Out of descriptors, or the client was gone before it was accepted: the others are served.
                        self._slots.release()
                        await anyio.sleep(RETRY_SECONDS)
                        continue
                    clients.start_soon(self._converse, connection)
        finally:
            listener.close()
            (self._directory / SOCKET).unlink(missing_ok=True)

    async def _converse(self, connection: socket.socket) -> None:
        uses: list[tuple[str, str]] = []
        conversation = Conversation(
            lambda: list_keys(self._home), self._hosts_of, lambda key, host: uses.append((key, host))
        )
        try:
            while (message := await _receive(connection)) is not None:
                answer = await anyio.to_thread.run_sync(conversation.answer, message)
                while uses:
                    key, host = uses.pop()
                    await self._log(f"the SSH key {key} was used to log in to {host}")
                await _send(connection, answer)
        except SettingsError as exc:
            await self._log(f"no SSH key can be used: {exc}")
        except OSError:
            return
        finally:
            connection.close()
            self._slots.release()

    def _hosts_of(self, blob: bytes) -> frozenset[str]:
        """The hosts that the policy allows SSH to and that have this host key."""
        policy = self._hosts()
        return frozenset(
            known.host
            for known in read_known(self._home)
            if known.blob == blob
            and policy.is_ssh(known.host, known.port)
            and policy.decide(known.host, known.port).verdict == "allow"
        )


def _listen(directory: Path, uid: int) -> socket.socket:
    """A listening socket that `uid` alone may connect to. Made through a descriptor: a path may be too long for one."""
    opened = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        (directory / SOCKET).unlink(missing_ok=True)
        listener.bind(f"/proc/self/fd/{opened}/{SOCKET}")
        (directory / SOCKET).chmod(0o600)
        if os.geteuid() == 0:
            os.chown(directory / SOCKET, uid, -1)
        listener.listen(MAX_CLIENTS)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(opened)
    return listener


async def _receive(connection: socket.socket) -> bytes | None:
    """One message without its length; None at the end, for one that is too long, and after a long silence."""
    connection.setblocking(False)
    with anyio.move_on_after(IDLE_SECONDS):
        head = await _exactly(connection, _LENGTH_BYTES)
        length = int.from_bytes(head or b"")
        if 0 < length <= MAX_MESSAGE_BYTES:
            return await _exactly(connection, length)
    return None


async def _exactly(connection: socket.socket, length: int) -> bytes | None:
    loop, data = asyncio.get_running_loop(), b""
    while len(data) < length:
        more = await loop.sock_recv(connection, length - len(data))
        if not more:
            return None
        data += more
    return data


async def _send(connection: socket.socket, answer: bytes) -> None:
    with anyio.fail_after(IDLE_SECONDS):
        await asyncio.get_running_loop().sock_sendall(connection, len(answer).to_bytes(_LENGTH_BYTES) + answer)
