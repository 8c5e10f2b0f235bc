"""Which process a pid means: pids are used again, a pid with its start time is not."""

import os
from pathlib import Path


def start_ticks(pid: int) -> int | None:
    """When the process started (clock ticks since boot), or None where there is none, or no /proc to tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The command name is in parentheses and may hold blanks and parentheses of its own.
    fields = stat.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_running(pid: int, ticks: int | None) -> bool:
    """Whether that very process is still there. Without a recorded start time, whether any process has the pid."""
    if ticks is not None:
        return start_ticks(pid) == ticks
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
