"""The process that a shell waits for, while its child is the supervisor: the keys can give the terminal back.

The child is in the same foreground group, so it reads the terminal as if it were alone. A signal that somebody sends to
the parent is passed on; one that the terminal sends, both get.
"""

import os
import signal
import socket

import anyio

from vibedom.cli.detached import let_go_of_streams

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGWINCH, signal.SIGUSR2)
DETACHED = signal.SIGUSR1
"""The child's word to the parent: the session goes on without this terminal."""


class Starter:
    """The child's side: the parent that holds the shell's prompt back."""

    def __init__(self, pid: int, alive: socket.socket) -> None:
        self._pid = pid
        self._alive = alive
        self._is_free = False

    async def follow(self) -> None:
        """A parent that is killed takes the terminal with it: its child then hears what a closed terminal says."""
        await anyio.wait_readable(self._alive)
        if not self._is_free:
            os.kill(os.getpid(), signal.SIGHUP)

    def give_back(self) -> None:
        """Leave the terminal and its job for good, and let the shell go on."""
        self._is_free = True
        os.setsid()
        let_go_of_streams()
        # Its parent is another one where this one is gone already.
        if os.getppid() == self._pid:
            os.kill(self._pid, DETACHED)


_starters: list[Starter] = []


def starter() -> Starter | None:
    """The parent, in a process that `divide` has made."""
    return _starters[0] if _starters else None


def divide() -> int | None:
    """Called before there is an event loop or a thread. None: go on. Else this is the parent, with the exit code."""
    if not (os.isatty(0) and os.isatty(1)):
        return None
    handled = {*PASSED_ON, DETACHED, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    parent, (near, far) = os.getpid(), socket.socketpair()
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        near.close()
        _starters.append(Starter(parent, far))
        return None
    far.close()
    with near:
        return _wait(child, handled)


def _wait(child: int, handled: set[signal.Signals]) -> int:
    """The child's exit code, 128+N where signal N killed it; 0 where it goes on in the background."""
    while True:
        said = signal.sigwaitinfo(handled)
        if said.si_signo == DETACHED and said.si_pid == child:
            return 0
        # The kernel's (si_code > 0), such as Ctrl-C, go to the whole group, but for a closed terminal's.
        is_for_one = said.si_code <= 0 or said.si_signo == signal.SIGHUP
        if said.si_signo in PASSED_ON and is_for_one and said.si_pid != child:
            os.kill(child, said.si_signo)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code
