"""Says when the agent has filled too much of the disk. Looking is cheap; counting files is done only where it can tell
something new, and takes a bounded share of the time."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from vibedom.disk_usage import Usage, measure
from vibedom.sandbox.runtime import Limits

IDLE_SECONDS = 10.0
"""Between two counts where free space tells nothing: another program may free what the agent takes."""
COUNTS_TO_IDLE = 4
"""A count is followed by so many times its own length without one: a fifth of one processor, half in a rush."""
STEP_BYTES, STEP_FILES = 1 << 20, 100
"""Smaller changes of the free space are no reason to count."""
RUSH_BYTES, RUSH_FILES = 64 << 20, 10_000
"""So much at once that all that was left may be gone: counted again after half of the time."""
GIB = 1 << 30


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What a file system has."""

    size: int
    free: int
    """Bytes for an ordinary user."""
    free_files: int
    """0 where a file system does not count them."""


class Excess(msgspec.Struct, frozen=True, kw_only=True):
    """Too much of the disk is taken."""

    text: str
    """Of one line, without what to do about it."""
    is_reserve: bool
    """The machine is short of space, whoever took it."""


class DiskGauge:
    """Of one session. `own` directories are the agent's; `shared` ones may hold more, and their growth is its own."""

    def __init__(
        self, own: Sequence[Path], shared: Sequence[Path] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._own = own
        self._shared = shared
        self._clock = clock
        self._rooms = self._look_around()
        self._first = self._at_count = self._rooms
        self._before: Usage | None = None
        """Of the shared directories when it began."""
        self.usage = Usage()
        """As it was counted last."""
        self._limits: Limits | None = None
        self._more = Usage()
        """What was granted on top."""
        self._counted_at = self._took = 0.0

    def look(self, limits: Limits) -> Excess | None:
        """What is wrong now. Blocking: microseconds, or a count. A directory that is gone has taken nothing."""
        self._rooms = self._look_around()
        if (short := self._short(limits)) is not None:
            return short
        if self._is_due(limits):
            self._count(limits)
        return self._over(limits)

    def grant_more(self, limits: Limits) -> None:
        """Let the agent have a tenth of its limits on top of what it has."""
        self._more = Usage(
            size=self.usage.size + limits.disk_bytes // 10, files=self.usage.files + limits.disk_files // 10
        )

    def is_shrinking_fast(self, rooms_before: Mapping[int, Room]) -> bool:
        """So much was written since then that the next look should come soon."""
        return any(rooms_before[d].free - room.free > 16 << 20 for d, room in self._rooms.items() if d in rooms_before)

    @property
    def rooms(self) -> Mapping[int, Room]:
        """Of every file system the agent writes to, by device."""
        return self._rooms

    # -- the machine's reserve ----------------------------------------------------------------------------------

    def _look_around(self) -> dict[int, Room]:
        rooms: dict[int, Room] = {}
        for path in (*self._own, *self._shared):
            try:
                device = path.stat().st_dev
                if device not in rooms:
                    found = os.statvfs(path)
                    rooms[device] = Room(
                        size=found.f_blocks * found.f_frsize,
                        free=found.f_bavail * found.f_frsize,
                        free_files=found.f_favail,
                    )
            except FileNotFoundError:
                continue
        return rooms

    def _short(self, limits: Limits) -> Excess | None:
        for room in self._rooms.values():
            reserve = reserve_bytes(limits, room.size)
            if room.free < reserve:
                text = f"only {amount(room.free)} of this machine's disk are free, less than the reserve of "
                return Excess(text=text + amount(reserve), is_reserve=True)
        return None

    # -- the agent's limits -------------------------------------------------------------------------------------

    def _is_due(self, limits: Limits) -> bool:
        age = self._clock() - self._counted_at
        if self._before is None or limits != self._limits:
            return True
        if age >= max(IDLE_SECONDS, 5 * COUNTS_TO_IDLE * self._took):
            return True
        taken, files = _taken(self._at_count, self._rooms)
        left, left_files = self._allowed(limits, self.usage)
        if min(left, left_files) >= 0 and (taken >= max(RUSH_BYTES, left) or files >= max(RUSH_FILES, left_files)):
            return age >= self._took
        if age < COUNTS_TO_IDLE * self._took:
            return False
        if self._over(limits) is not None:
            return taken <= -STEP_BYTES or files <= -STEP_FILES
        return taken >= max(STEP_BYTES, left // 4) or files >= max(STEP_FILES, left_files // 4)

    def _count(self, limits: Limits) -> None:
        begun = self._clock()
        self._at_count, self._limits = self._rooms, limits
        most = 2 * max(limits.disk_files, self._more.files)
        if self._before is None:
            self._before = measure(self._shared, most)
        own, shared = measure(self._own, most), measure(self._shared, most)
        size = own.size + max(0, shared.size - self._before.size)
        files = own.files + max(0, shared.files - self._before.files)
        is_whole = own.is_whole and shared.is_whole
        if not is_whole:
            # Some of it cannot be seen: then everything that has become less since the start was the agent's.
            taken, taken_files = _taken(self._first, self._rooms)
            size, files = max(size, taken), max(files, taken_files)
        self.usage = Usage(size=size, files=files, is_whole=is_whole)
        self._counted_at = self._clock()
        self._took = self._counted_at - begun

    def _allowed(self, limits: Limits, usage: Usage) -> tuple[int, int]:
        """What is left; negative where it is too much."""
        most, most_files = max(limits.disk_bytes, self._more.size), max(limits.disk_files, self._more.files)
        return most - usage.size, most_files - usage.files

    def _over(self, limits: Limits) -> Excess | None:
        left, left_files = self._allowed(limits, self.usage)
        if left < 0:
            text = (
                f"the agent's files take {amount(self.usage.size)}, and disk_bytes allows {amount(limits.disk_bytes)}"
            )
        elif left_files < 0:
            text = f"the agent has made {self.usage.files} files, and disk_files allows {limits.disk_files}"
        else:
            return None
        return Excess(text=text, is_reserve=False)


def reserve_bytes(limits: Limits, size: int) -> int:
    """What has to stay free on a file system of `size` bytes."""
    return limits.disk_reserve_bytes if limits.disk_reserve_bytes is not None else min(GIB, size // 50)


def amount(size: int) -> str:
    """Bytes for people."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / (1 << 20):.1f} MiB"


def _taken(before: Mapping[int, Room], now: Mapping[int, Room]) -> tuple[int, int]:
    """Bytes and files that have become less; negative where there are more."""
    pairs = [(before[device], room) for device, room in now.items() if device in before]
    return sum(a.free - b.free for a, b in pairs), sum(a.free_files - b.free_files for a, b in pairs)
