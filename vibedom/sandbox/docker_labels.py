"""Labels on everything vibedom makes in an engine, and who of their owners is still alive."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from vibedom.errors import SandboxError

SESSION = "vibedom.session"
OWNER_PID = "vibedom.owner_pid"
OWNER_BIRTH = "vibedom.owner_birth"
STARTED_AT = "vibedom.started_at"
HOME = "vibedom.home"
OF_ONE_SANDBOX = (HOME, SESSION, OWNER_PID, OWNER_BIRTH)
"""What tells the objects of one sandbox from those of all others."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Owner(msgspec.Struct, frozen=True):
    """A supervisor. `birth` tells it from a later process that got the same id, and from one before a reboot."""

    pid: int
    birth: str

    def is_alive(self) -> bool:
        return birth(self.pid) == self.birth


def birth(pid: int) -> str | None:
    """Boot id and start time (clock ticks since boot) of a living process, or None where there is none.

    Where there is no /proc (macOS) a living process has the birth "": its id alone has to do.
    """
    if not _BOOT_ID.is_file():
        return "" if _answers(pid) else None
    try:
        # The name in field 2 may hold spaces and parentheses: count from behind it.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    is_zombie = fields[0] in ("Z", "X")
    return None if is_zombie else f"{_BOOT_ID.read_text('ascii').strip()}:{fields[19]}"


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def home_hash(home: Path) -> str:
    """Which state directory of which user an object belongs to: no other vibedom ever reaps it."""
    return hashlib.sha256(f"{os.getuid()}:{home.absolute()}".encode()).hexdigest()[:16]


def labels(session: str, home: Path, *, owner_pid: int, started_at: float) -> dict[str, str]:
    """Labels of one session's objects; `started_at` in Unix seconds. Raises `SandboxError` where the owner is not
    alive."""
    owner = birth(owner_pid)
    if owner is None:
        raise SandboxError(f"process {owner_pid}, the owner of session {session}, is not alive")
    return {
        SESSION: session,
        OWNER_PID: str(owner_pid),
        OWNER_BIRTH: owner,
        STARTED_AT: f"{started_at:.3f}",
        HOME: home_hash(home),
    }


def owner(of: Mapping[str, str]) -> Owner | None:
    """The owner named by labels, or None where they are not vibedom's."""
    pid = of.get(OWNER_PID, "")
    return Owner(int(pid), of.get(OWNER_BIRTH, "")) if pid.isdecimal() else None
