"""This terminal connected with a process in a session: for `vibedom attach` and `vibedom exec`."""

import signal
import sys
from contextlib import nullcontext

import anyio
from anyio.abc import TaskStatus

from vibedom import terminal
from vibedom.control import messages as m
from vibedom.control.client import Client, Conversation
from vibedom.detach_keys import DetachKeys
from vibedom.errors import ControlError

DETACHED = -1


async def converse(client: Client, request: m.Attach | m.Exec, keys: bytes = b"") -> int:
    """The exit code of the process, or `DETACHED` where the user pressed the keys. Raises `VibedomError`."""
    async with client.stream(request) as conversation:
        attached = await conversation.next()
        if not isinstance(attached, m.Attached):
            raise ControlError("the session has ended")
        is_raw = attached.has_tty and terminal.is_interactive()
        with terminal.raw_mode() if is_raw else nullcontext():
            return await _exchange(conversation, attached.has_tty, DetachKeys(keys if is_raw else b""))


async def _exchange(conversation: Conversation, has_tty: bool, keys: DetachKeys) -> int:
    codes: list[int] = []
    async with anyio.create_task_group() as group:

        async def send(data: bytes) -> None:
            rest, is_leaving = keys.feed(data)
            if rest:
                await conversation.say(m.Input(data=rest))
            if is_leaving:
                codes.append(DETACHED)
                group.cancel_scope.cancel()

        async def end() -> None:
            await conversation.say(m.EndOfInput())

        async def resize(columns: int, rows: int) -> None:
            await conversation.say(m.Resize(columns=columns, rows=rows))

        group.start_soon(terminal.feed, send, end, has_tty)
        # Before anything is shown: who sees output may send a signal.
        await group.start(_leave_on_signal, group.cancel_scope, codes)
        if has_tty and terminal.is_interactive():
            group.start_soon(terminal.follow_size, resize)
        codes.append(await _show(conversation))
        group.cancel_scope.cancel()
    return codes[0]


async def _show(conversation: Conversation) -> int:
    """Show the output until the end. Raises `ControlError` where the session went away."""
    while (reply := await conversation.next()) is not None:
        match reply:
            case m.Output():
                await terminal.write_all((sys.stderr if reply.is_error else sys.stdout).fileno(), reply.data)
            case m.Exited():
                return reply.code
    raise ControlError("the session let go of this terminal: it has ended, or this terminal was too slow")


async def _leave_on_signal(
    scope: anyio.CancelScope, codes: list[int], *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """A signal to this process is not meant for the agent: the terminal is restored, the agent goes on."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
        task_status.started()
        async for number in signals:
            codes.append(128 + number)
            scope.cancel()
