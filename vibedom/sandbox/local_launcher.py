"""The outer process of a local sandbox: makes the namespaces, the network and the trees, and starts process 1.

It runs in an interpreter of its own (`python -I -S -c START`), because forking from the supervisor with its threads is
not safe, and loads the standard library only: every module costs start-up time (hence `marshal`, written by the same
interpreter, and no `typing`). Words of the conversation with the supervisor, one datagram each:

                         -> plan              the supervisor has written the plan
    <- unshared          -> mapped            the supervisor has written the maps of uids and gids
    <- listeners ROLE... (with the sockets)
    <- init PID          -> go                the supervisor has put process 1 into its control groups
    <- ready                                  from here on process 1 alone answers (local_init.py)
    <- failed STAGE: REASON                   at any point; nothing is left then
"""

from __future__ import annotations

import functools
import marshal
import os
import select
import signal
import socket
import struct
import sys

from vibedom.sandbox import local_init, local_kernel, local_mounts, local_network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMESPACES = os.CLONE_NEWUSER | os.CLONE_NEWNS | os.CLONE_NEWNET | os.CLONE_NEWIPC | os.CLONE_NEWUTS | os.CLONE_NEWPID


class _Stage:
    """What is being done, for the message when it fails."""

    name = "start"


def main() -> None:
    """Arguments are the supervisor's descriptors: conversation, end of its life, plan, freezer (or null)."""
    conversation, lifeline, plan, freezer = (int(argument) for argument in sys.argv[1:5])
    for descriptor in (conversation, lifeline, plan, freezer):
        os.set_inheritable(descriptor, False)  # they were inherited to get here, and must not get to the agent
    control = socket.socket(fileno=conversation)
    stage = _Stage()
    sys.excepthook = functools.partial(_tell_defect, control)
    try:
        expect(control, b"plan")
        with open(plan, "rb") as text:
            parsed: dict[str, Any] = marshal.load(text)  # noqa: S302 - written by the supervisor, into memory
        _outlive(_launch(control, parsed, stage, private=(lifeline, freezer)), lifeline, freezer)
    except (OSError, ValueError, KeyError) as exc:
        _tell_failure(control, stage.name, exc)
        os._exit(1)


def _tell_failure(control: socket.socket, stage: str, exc: Exception) -> None:
    reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    number = exc.errno if isinstance(exc, OSError) and exc.errno else 0
    control.send(f"failed {number} {stage}: {reason}".encode())


def _tell_defect(control: socket.socket, kind: type[BaseException], exc: BaseException, trace: Any) -> None:
    """An exception nobody expected, in the launcher or in process 1: say what and where."""
    while trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
    control.send(f"failed 0 {kind.__name__} at {place}: {exc}".encode()[:1024])


def _launch(control: socket.socket, plan: dict[str, Any], stage: _Stage, private: tuple[int, int]) -> int:
    """Make everything and start process 1; its PID as the supervisor sees it. `private` is not for process 1."""
    _forget_signals()
    os.umask(0o022)
    trees = _enter_namespaces(control, plan, stage)
    stage.name = "network"
    _make_network(control, plan)
    stage.name = "process 1"
    pid = os.fork()
    if pid == 0:
        for descriptor in private:
            os.close(descriptor)
        local_init.run(control, plan, trees)
    control.send(f"init {pid}".encode())
    control.close()
    for descriptors in trees.values():
        for descriptor in descriptors:
            os.close(descriptor)
    return pid


def _forget_signals() -> None:
    """Give the agent default dispositions, whatever the supervisor's parent ignored."""
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _enter_namespaces(control: socket.socket, plan: dict[str, Any], stage: _Stage) -> local_mounts.Trees:
    """Root opens the trees before it leaves its own user namespace: later it could not read others' directories."""
    is_root = os.geteuid() == 0
    trees: local_mounts.Trees = {}
    if is_root:
        _leave_groups()
        os.unshare(os.CLONE_NEWNS)
        local_kernel.make_mounts_private()
        stage.name = "host files"
        trees = local_mounts.open_trees(plan["steps"])
    stage.name = "namespaces"
    os.unshare(_NAMESPACES)
    control.send(b"unshared")
    expect(control, b"mapped")
    local_kernel.make_mounts_private()
    if not is_root:
        stage.name = "host files"
        trees = local_mounts.open_trees(plan["steps"])
    stage.name = "user namespaces"
    with open("/proc/sys/user/max_user_namespaces", "w") as most:
        most.write("0")
    return trees


def _leave_groups() -> None:
    """Root's supplementary groups are not the agent's. Root of an inner user namespace may not be able to drop them."""
    with open("/proc/self/setgroups") as rule:
        if rule.read().strip() == "allow":
            os.setgroups([])


def _make_network(control: socket.socket, plan: dict[str, Any]) -> None:
    local_network.raise_loopback()
    for family in local_network.families():
        local_network.route_everything_home(family)
    listeners = local_network.open_listeners(plan["proxy_port"])
    roles = " ".join(role for role, _ in listeners)
    descriptors = struct.pack(f"{len(listeners)}i", *(opened.fileno() for _, opened in listeners))
    control.sendmsg([f"listeners {roles}".encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
    for _, opened in listeners:
        opened.close()


def expect(control: socket.socket, word: bytes) -> None:
    """Wait for `word`; anything else, the end included, means that the supervisor has given up."""
    if control.recv(64) != word:
        sys.exit(1)


def _outlive(pid: int, lifeline: int, freezer: int) -> None:
    """Wait for the end of process 1, or end it when the supervisor is gone."""
    child = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(lifeline, select.POLLIN | select.POLLHUP)
    poll.register(child, select.POLLIN)
    if any(descriptor == lifeline for descriptor, _ in poll.poll()):
        signal.pidfd_send_signal(child, signal.SIGKILL)
        _thaw(freezer)
    _, status = os.waitpid(pid, 0)
    os._exit(0 if os.waitstatus_to_exitcode(status) == 0 else 1)


def _thaw(freezer: int) -> None:
    """Frozen processes of a version 1 freezer cannot even be killed."""
    try:
        os.write(freezer, b"THAWED")
    except OSError:
        return  # the group is gone: then nothing is frozen
