"""A supervisor that outlives the terminal it was started on.

The starter runs the same command line in a process of its own session, whose standard streams are the terminal's until
the agent runs: questions, progress and errors look as they do in the foreground. Then the supervisor says so through a
pipe, lets go of the terminal, and the starter ends.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import anyio
import anyio.to_thread

READY_OPTION = "--ready-fd"
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def start_detached(arguments: Sequence[str]) -> tuple[int, str]:
    """Run `vibedom COMMAND ...` as a supervisor. Returns its exit code, if it ended before its agent ran, else 0, and
    the name of the session, or ""."""
    read, write = os.pipe()
    argv = [sys.executable, "-P", "-m", "vibedom", arguments[0], READY_OPTION, str(write), *arguments[1:]]
    with os.fdopen(read, "rb") as answer:
        try:
            # Started in an instant, and it outlives this event loop.
            process = subprocess.Popen(argv, pass_fds=(write,), start_new_session=True)  # noqa: ASYNC220
        finally:
            os.close(write)
        async with anyio.create_task_group() as group:
            group.start_soon(_forward_signals, process)
            line = await anyio.to_thread.run_sync(answer.readline, abandon_on_cancel=True)
            if not line:
                code = await anyio.to_thread.run_sync(process.wait, abandon_on_cancel=True)
                group.cancel_scope.cancel()
                return (128 - code if code < 0 else code), ""
            group.cancel_scope.cancel()
    # It goes on without its parent, which is no reason to warn.
    process.returncode = 0
    return 0, line.decode().strip()


async def _forward_signals(process: "subprocess.Popen[bytes]") -> None:
    """The supervisor has a session of its own, so the terminal's Ctrl-C does not reach it."""
    with anyio.open_signal_receiver(*FORWARDED) as signals:
        async for number in signals:
            process.send_signal(number)


def tell_ready(descriptor: int, session: str) -> None:
    """Tell the starter that the agent runs, and let go of the terminal."""
    let_go_of_streams()
    try:
        os.write(descriptor, f"{session}\n".encode())
        os.close(descriptor)
    except OSError:
        return  # the starter is gone; the session is as wanted


def let_go_of_streams() -> None:
    """What is read and written from now on is nothing. A closed terminal would turn every word into an error."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        os.dup2(nothing, stream.fileno())
    os.close(nothing)
