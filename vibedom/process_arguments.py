"""What others on this machine see of this process's arguments: not the secrets in the URLs of sinks."""

import ctypes
import sys
from pathlib import Path

_START, _END = 45, 46
"""`arg_start` and `arg_end` among the fields of /proc/PID/stat that follow the name: proc(5)."""


def hide_urls() -> None:
    """Overwrite what follows `://` in the arguments in front of `--`, where Linux shows them to every user. Python has
    its own copy. Elsewhere nothing happens; a file is the better place for a password anyway."""
    if sys.platform != "linux":
        return
    try:
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        shown = Path("/proc/self/cmdline").read_bytes()
    except OSError:
        return
    start, end = int(fields[_START]), int(fields[_END])
    if start and end - start == len(shown):
        for at, length in _secrets(shown):
            ctypes.memset(start + at, ord("*"), length)


def _secrets(shown: bytes) -> list[tuple[int, int]]:
    """Where in the words, each of which ends with a zero byte, and how many bytes."""
    found, at = [], 0
    for word in shown.split(b"\0"):
        if word == b"--":
            break
        head, sign, rest = word.partition(b"://")
        if sign and rest:
            found.append((at + len(head) + len(sign), len(rest)))
        at += len(word) + 1
    return found
