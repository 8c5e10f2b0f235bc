"""The processes that search a tree together: Python itself runs on one core at a time."""

import os
import selectors
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, NoReturn, Self

from vibedom.errors import NotScannedError
from vibedom.preflight.channel import Channel
from vibedom.preflight.file_search import Batch, FileSearch
from vibedom.preflight.file_walk import WalkedFile

Search = Callable[[Sequence[WalkedFile]], Batch]


class Crew:
    """Hands batches to processes, one at a time each. To be closed, which ends them wherever they are."""

    def __init__(self, channels: Sequence[Channel], end: Callable[[], None]) -> None:
        """One of `channels` for each process; `end` ends them all, and waits until they have."""
        self._channels = channels
        self._end = end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for channel in self._channels:
            channel.close()
        self._end()

    def search(self, batches: Iterator[Sequence[WalkedFile]]) -> Iterator[Batch]:
        """What is found, in the order of `batches`. Raises `NotScannedError` where a process has ended."""
        idle, ahead = deque(self._channels), deque[Sequence[WalkedFile]]()
        asked: dict[Channel, int] = {}
        done: dict[int, Batch] = {}
        given = told = 0
        with selectors.DefaultSelector() as selector:
            for channel in self._channels:
                selector.register(channel, selectors.EVENT_READ, channel)
            while True:
                while len(ahead) < len(self._channels) and (batch := next(batches, None)) is not None:
                    ahead.append(batch)
                while idle and ahead:
                    channel = idle.popleft()
                    asked[channel], given = given, given + 1
                    _say(channel, ahead.popleft())
                while told in done:
                    yield done.pop(told)
                    told += 1
                if told == given:
                    return
                for key, _ in selector.select():
                    done[asked[key.data]] = _answer(key.data)
                    idle.append(key.data)


class Help(NamedTuple):
    """How a search that takes long gets a crew."""

    after_seconds: float
    """A search that is over by then needs none."""
    recruit: Callable[[FileSearch, int], Crew | None]
    """Makes a crew of so many processes; None where there cannot be any."""


def fork_crew(search: FileSearch, count: int) -> Crew | None:
    """`count` copies of this process, with all it has compiled. None where it has threads: what they hold would be held
    for ever in a copy."""
    if not _is_single_threaded():
        return None
    channels: list[Channel] = []
    processes: list[int] = []
    # The terminal tells Ctrl-C to all of them: the first process decides, and a copy never hears it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for _ in range(count):
            ours, theirs = socket.socketpair()
            process = os.fork()
            if not process:
                work(theirs, search, not_ours=(ours, *channels))
            theirs.close()
            channels.append(Channel(ours))
            processes.append(process)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return Crew(channels, lambda: _kill(processes))


def _is_single_threaded() -> bool:
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:  # no Linux: Python knows of its own threads only
        return threading.active_count() == 1


def _kill(processes: Sequence[int]) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)
    for process in processes:
        os.waitpid(process, 0)


def work(end: socket.socket, search: Search, *, not_ours: Sequence[Channel | socket.socket]) -> NoReturn:
    """What a copy does: search what it is asked until nobody asks any more. Never returns to what it is a copy of."""
    status = 1
    try:
        for each in not_ours:
            each.close()  # or it would not be heard that the other side is gone
        serve(Channel(end), search)
        status = 0
    finally:
        os._exit(status)


def serve(channel: Channel, search: Search) -> None:
    """Answer each batch with what is found in it, until the other side is gone."""
    while True:
        try:
            batch = channel.receive()
            channel.send(search(batch))
        except (EOFError, OSError):
            return


def _say(channel: Channel, batch: Sequence[WalkedFile]) -> None:
    try:
        channel.send(batch)
    except OSError:
        raise _gone() from None


def _answer(channel: Channel) -> Batch:
    try:
        found: Batch = channel.receive()
    except (EOFError, OSError):
        raise _gone() from None
    return found


def _gone() -> NotScannedError:
    return NotScannedError("a process of the scan ended before its work was done (out of memory?); use fewer --jobs")
