"""Process 1 of a local sandbox: enters the new root, gives up every right, then starts and reaps processes.

It holds no capability, no host file and no secret once it is ready, and the agent cannot trace it. What it serves:

    control   ->  (a socket)                a channel for one process
              ->  pause | resume            -> done
              ->  stop SECONDS              SIGTERM to all, and the end when all have gone or the time is over
    channel   ->  {"argv": ...}, marshalled (with stdin, stdout, stderr, or without for a TTY)
              <-  started                   (with the TTY's other side)
              ->  signal N
              <-  exit CODE
"""

from __future__ import annotations

import errno
import fcntl
import marshal
import os
import resource
import select
import signal
import socket
import struct
import termios
import time

from vibedom.sandbox import local_kernel, local_mounts, local_probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

DATAGRAM_BYTES = 1 << 18
_NAME = "vibedom-init"
_COLUMNS, _ROWS = 80, 24


def run(control: socket.socket, plan: dict[str, Any], trees: local_mounts.Trees) -> NoReturn:
    """Become process 1: never returns."""
    stage = "process 1"
    try:
        local_kernel.prctl(local_kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if control.recv(64) != b"go":
            os._exit(1)
        stage = "mounts"
        os.unshare(os.CLONE_NEWCGROUP)
        socket.sethostname(plan["hostname"])
        _become(plan["uid"], plan["gid"])
        local_mounts.enter_new_root(plan["steps"], trees)
        stage = "rights"
        _give_up_rights(plan)
    except (OSError, ValueError, KeyError) as exc:
        number = exc.errno if isinstance(exc, OSError) and exc.errno else 0
        control.send(f"failed {number} {stage}: {exc}".encode()[:1024])
        os._exit(1)
    control.send(b"ready")
    _Init(control).serve()
    os._exit(0)


def _become(uid: int, gid: int) -> None:
    """Take the agent's ids, and keep the capabilities of the namespace until its files are in place."""
    local_kernel.prctl(local_kernel.PR_SET_SECUREBITS, local_kernel.SECBIT_NO_SETUID_FIXUP)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _give_up_rights(plan: dict[str, Any]) -> None:
    for name, value in plan["rlimits"]:
        _set_limit(name, value)
    if plan["processors"]:
        os.sched_setaffinity(0, plan["processors"])
    local_kernel.leave_keyring()
    local_kernel.drop_capabilities()
    local_kernel.install_filter(bytes.fromhex(plan["filter"]))
    local_kernel.prctl(local_kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of credentials has cleared it
    local_kernel.prctl(local_kernel.PR_SET_DUMPABLE, 0)
    local_kernel.set_process_name(_NAME)


def _set_limit(name: str, value: int) -> None:
    resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


class _Init:
    """The loop of process 1."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._poll = select.poll()
        self._channels: dict[int, socket.socket] = {}
        self._waiting: dict[int, socket.socket] = {}
        """PID -> channel of the processes somebody asked for. The rest is reaped and forgotten."""
        self._deadline: float | None = None
        self._wake, wake_from = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_from, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for descriptor in (control.fileno(), self._wake):
            self._poll.register(descriptor, select.POLLIN)

    def serve(self) -> None:
        """Until the supervisor hangs up, or a stop is complete. The kernel ends whatever is left with process 1."""
        while self._serve_once():
            pass

    def _serve_once(self) -> bool:
        for descriptor, _ in self._poll.poll(self._milliseconds_left()):
            if descriptor == self._wake:
                os.read(self._wake, 4096)
            elif descriptor == self._control.fileno():
                if not self._obey():
                    return False
            else:
                self._serve_channel(self._channels[descriptor])
        has_children = self._reap()
        return self._deadline is None or (has_children and time.monotonic() < self._deadline)

    def _milliseconds_left(self) -> int | None:
        return None if self._deadline is None else max(1, int((self._deadline - time.monotonic()) * 1000))

    def _obey(self) -> bool:
        word, sockets = _receive(self._control)
        if sockets:
            self._open_channel(socket.socket(fileno=sockets[0]))
        elif word == b"pause":
            _signal_everybody(signal.SIGSTOP)
            self._control.send(b"done")
        elif word == b"resume":
            _signal_everybody(signal.SIGCONT)
            self._control.send(b"done")
        elif word.startswith(b"stop "):
            self._deadline = time.monotonic() + float(word[5:])
            _signal_everybody(signal.SIGTERM)
            _signal_everybody(signal.SIGCONT)
        else:
            return False
        return True

    def _open_channel(self, channel: socket.socket) -> None:
        self._channels[channel.fileno()] = channel
        self._poll.register(channel.fileno(), select.POLLIN)

    def _close_channel(self, channel: socket.socket) -> None:
        self._poll.unregister(channel.fileno())
        del self._channels[channel.fileno()]
        channel.close()

    def _serve_channel(self, channel: socket.socket) -> None:
        word, descriptors = _receive(channel)
        if not word:
            self._close_channel(channel)
            return
        if word.startswith(b"signal "):
            self._signal(channel, int(word[7:]))
            return
        try:
            self._start(channel, marshal.loads(word), descriptors)  # noqa: S302 - the supervisor's
        except OSError as exc:
            _send(channel, f"failed {exc.errno}".encode())

    def _signal(self, channel: socket.socket, number: int) -> None:
        for pid, owner in self._waiting.items():
            if owner is channel:
                os.kill(pid, number)

    def _start(self, channel: socket.socket, request: dict[str, Any], streams: list[int]) -> None:
        master = -1
        if not streams:
            master, slave = os.openpty()
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", _ROWS, _COLUMNS, 0, 0))
            streams = [slave, slave, slave]
        try:
            pid = os.fork()
            if pid == 0:
                _become_command(request, streams, has_tty=master >= 0)
            self._waiting[pid] = channel
            _send(channel, b"started", [master] if master >= 0 else [])
        finally:
            for descriptor in {*streams, master} - {-1}:
                os.close(descriptor)

    def _reap(self) -> bool:
        """Collect who has ended; False when nobody is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            channel = self._waiting.pop(pid, None)
            if channel is not None:
                code = os.waitstatus_to_exitcode(status)
                _send(channel, f"exit {code if code >= 0 else 128 - code}".encode())


def _signal_everybody(number: int) -> None:
    try:
        os.kill(-1, number)
    except ProcessLookupError:
        return  # process 1 is alone


def _receive(source: socket.socket) -> tuple[bytes, list[int]]:
    """One datagram and its descriptors; empty at the end of the conversation."""
    try:
        word, ancillary, _, _ = source.recvmsg(DATAGRAM_BYTES, socket.CMSG_SPACE(3 * 4), socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return b"", []
    return word, [fd for _, _, data in ancillary for fd in struct.unpack(f"{len(data) // 4}i", data)]


def _send(channel: socket.socket, word: bytes, descriptors: Sequence[int] = ()) -> None:
    try:
        if channel.fileno() >= 0:
            socket.send_fds(channel, [word], list(descriptors), socket.MSG_NOSIGNAL)
    except (BrokenPipeError, ConnectionError):
        return  # nobody wants to know any more


def _become_command(request: dict[str, Any], streams: Sequence[int], *, has_tty: bool) -> NoReturn:
    """In the new child: become the command, or say why not and end as a shell would, with 127 or 126."""
    code, reason = 126, "vibedom has a defect; please report it"
    try:
        os.setsid()
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
        if has_tty:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if "probe" in request:
            os._exit(local_probe.run(request["probe"]))
        _close_inherited()
        os.chdir(request["directory"])
        _execute(request["argv"], request["environment"])
    except OSError as exc:
        code, reason = (127 if exc.errno == errno.ENOENT else 126), exc.strerror or "unknown error"
    finally:
        os.write(2, f"vibedom: cannot run {request.get('argv', ['the self-test'])[0]!r}: {reason}\n".encode())
        os._exit(code)


def _close_inherited() -> None:
    """All of them are closed by `execve` anyway; one that is not would be a way out."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.close(int(name))
            except OSError:
                continue  # the listing's own


def _execute(argv: list[str], environment: dict[str, str]) -> None:
    """Like `os.execvpe`, which imports a module that is out of sight by now. Returns never, raises `OSError`."""
    name = argv[0]
    refusal: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    directories = [""] if "/" in name else environment["PATH"].split(":")
    for directory in directories:
        try:
            os.execve(os.path.join(directory, name), argv, environment)  # noqa: S606 - no shell is the point
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as exc:
            refusal = exc  # another directory may have one that can be run
    raise refusal
