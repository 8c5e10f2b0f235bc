"""Starts the launcher of a local sandbox and holds the supervisor's side of the conversation with it."""

import array
import marshal
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO

import anyio

from vibedom.errors import SandboxError
from vibedom.sandbox import local_seccomp
from vibedom.sandbox.local_cgroup import Group
from vibedom.sandbox.local_etc import HOSTNAME
from vibedom.sandbox.local_remedy import explain
from vibedom.sandbox.runtime import Listeners

_PROXY_PORT = 3128
"""Of the sandbox's own loopback, where nothing else listens yet."""
_FOR_THE_INTERPRETER = ("LD_LIBRARY_PATH",)
"""All of the environment that the launcher gets: an interpreter that was moved does not start without it."""
_ANSWER_SECONDS = 10.0
_DEATH_SECONDS = 10.0
_MOST_SOCKETS = 16
_DATAGRAM_BYTES = 4096

_PACKAGES = str(Path(__file__).parents[2])
_START = f"import sys; sys.path.append({_PACKAGES!r}); from vibedom.sandbox.local_launcher import main; main()"
"""Isolated and without `site`, the interpreter starts in half the time and runs no code of the user's."""


class Launched:
    """A running launcher. `end` is readable when it has ended, so that nobody polls and no task watches."""

    def __init__(
        self, process: subprocess.Popen[bytes], control: socket.socket, lifeline: int, orders: BinaryIO
    ) -> None:
        self.control = control
        self.pid = process.pid
        self._process = process
        self._lifeline: int | None = lifeline
        self._orders = orders
        self._end = os.pidfd_open(process.pid)

    def order(self, orders: dict[str, Any]) -> None:
        """Hand over the plan: the launcher's interpreter starts while it is written."""
        with self._orders as file:
            marshal.dump(orders, file)
            file.seek(0)
        self.say("plan")

    async def hear(self) -> tuple[str, list[int]]:
        """The next words and descriptors. Raises `SandboxError` for `failed`, for silence and at the end."""
        with anyio.move_on_after(_ANSWER_SECONDS):
            await anyio.wait_readable(self.control)
            words, descriptors = _receive(self.control)
            if words.startswith("failed "):
                _, number, reason = words.split(" ", 2)
                raise SandboxError(explain(int(number), reason))
            if words:
                return words, descriptors
            raise SandboxError("the local sandbox ended before it was ready; see `vibedom doctor`")
        raise SandboxError(f"the local sandbox did not answer for {_ANSWER_SECONDS:.0f} s; see `vibedom doctor`")

    async def ask(self, word: str) -> None:
        """Send a word and wait for `done`."""
        self.say(word)
        await self.hear()

    def say(self, word: str) -> None:
        try:
            self.control.send(word.encode())
        except OSError as exc:
            raise SandboxError("the local sandbox has ended; start a new session") from exc

    async def ended(self, within_seconds: float) -> bool:
        """Wait for the end; True if it came."""
        with anyio.move_on_after(within_seconds):
            if self._process.poll() is None:
                await anyio.wait_readable(self._end)
            self._process.wait()
            return True
        return False

    async def kill(self) -> None:
        """End every process of the sandbox now, and wait until the launcher is gone. Safe more than once."""
        if self._lifeline is None:
            return
        os.close(self._lifeline)
        self._lifeline = None
        self.control.close()
        self._orders.close()
        if not await self.ended(_DEATH_SECONDS):
            self._process.kill()
            self._process.wait()
        os.close(self._end)


def plan(uid: int, gid: int, steps: Sequence[Sequence[Any]], group: Group) -> dict[str, Any]:
    """What the launcher is told: the agent's ids, the steps of its view, its limits and its filter."""
    return {
        "uid": uid,
        "gid": gid,
        "hostname": HOSTNAME,
        "proxy_port": _PROXY_PORT,
        "steps": steps,
        "rlimits": group.rlimits,
        "processors": group.processors,
        "filter": local_seccomp.program().hex(),
    }


def spawn(group: Group) -> Launched:
    """Start the launcher. It ends when this process does, `kill -9` included: it holds the lifeline's other side."""
    with ExitStack() as theirs, ExitStack() as ours:
        control, conversation = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.callback(conversation.close)
        ours.callback(control.close)
        lifeline_end, lifeline = os.pipe()
        theirs.callback(os.close, lifeline_end)
        ours.callback(os.close, lifeline)
        orders = ours.enter_context(open(os.memfd_create("plan", os.MFD_CLOEXEC), "w+b"))
        freezer = os.open(group.thawed_by or os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        theirs.callback(os.close, freezer)
        descriptors = [conversation.fileno(), lifeline_end, orders.fileno(), freezer]
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, *map(str, descriptors)],
            env={name: os.environ[name] for name in _FOR_THE_INTERPRETER if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=descriptors,
            start_new_session=True,
            cwd="/",
        )
        ours.pop_all()
        control.setblocking(False)
        return Launched(process, control, lifeline, orders)


async def bring_up(launched: Launched, *, uid: int, gid: int, group: Group) -> Listeners:
    """The conversation up to `ready`. Raises `SandboxError`; the caller kills the launcher then."""
    await _expect(launched, "unshared")
    _write_maps(launched.pid, uid, gid)
    launched.say("mapped")
    roles, descriptors = await launched.hear()
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    try:
        words, _ = await launched.hear()
        group.admit(int(words.removeprefix("init ")))
        launched.say("go")
        await _expect(launched, "ready")
        return _listeners(roles.split()[1:], sockets)
    except BaseException:
        for opened in sockets:
            opened.close()
        raise


async def _expect(launched: Launched, word: str) -> None:
    heard, _ = await launched.hear()
    if heard != word:
        raise SandboxError(f"the local sandbox said {heard!r} instead of {word!r}; is vibedom installed whole?")


def _write_maps(pid: int, uid: int, gid: int) -> None:
    """Ids in the sandbox are what they are here. Root shows them all, an ordinary user can show only his own two."""
    try:
        for file, text in (
            ("setgroups", "deny"),
            ("uid_map", _map(uid, Path("/proc/self/uid_map"))),
            ("gid_map", _map(gid, Path("/proc/self/gid_map"))),
        ):
            Path(f"/proc/{pid}/{file}").write_text(text)
    except OSError as exc:
        raise SandboxError(explain(exc.errno or 0, f"user namespace: {exc.strerror}")) from exc


def _map(number: int, own: Path) -> str:
    """Files of ids that are not shown cannot be changed, because the overlay cannot copy their owner."""
    if os.geteuid() != 0:
        return f"{number} {number} 1\n"
    extents = [line.split() for line in own.read_text("ascii").splitlines()]
    return "".join(f"{first} {first} {count}\n" for first, _, count in extents)


def _listeners(roles: Sequence[str], sockets: Sequence[socket.socket]) -> Listeners:
    by_role: dict[str, list[socket.socket]] = {}
    for role, opened in zip(roles, sockets, strict=True):
        opened.setblocking(False)
        by_role.setdefault(role, []).append(opened)
    return Listeners(
        proxy=by_role["proxy"][0],
        http=by_role["http"],
        https=by_role["https"],
        dns_udp=by_role["dns_udp"],
        dns_tcp=by_role["dns_tcp"],
        proxy_url=f"http://127.0.0.1:{_PROXY_PORT}",
    )


def _receive(control: socket.socket) -> tuple[str, list[int]]:
    with suppress(ConnectionError):
        words, ancillary, _, _ = control.recvmsg(
            _DATAGRAM_BYTES, socket.CMSG_SPACE(4 * _MOST_SOCKETS), socket.MSG_CMSG_CLOEXEC
        )
        received = array.array("i")
        for _, _, data in ancillary:
            received.frombytes(data[: len(data) - len(data) % received.itemsize])
        return words.decode("utf-8", "replace"), list(received)
    return "", []
