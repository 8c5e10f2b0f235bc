"""Looks up a path the way a process inside a foreign root file system would: its links never lead out."""

import os
import stat
from pathlib import Path

_MOST_LINKS = 40


def find_inside(root: Path, path: str) -> Path | None:
    """The file that `path` means to a process whose root is `root`, or None. Links never lead out of `root`."""
    parts = [part for part in path.split("/") if part]
    found: list[str] = []
    links = 0
    while parts:
        part = parts.pop(0)
        if part == "..":
            found = found[:-1]
            continue
        if part == ".":
            continue
        candidate = root.joinpath(*found, part)
        try:
            mode = candidate.lstat().st_mode
        except OSError:
            return None
        if stat.S_ISLNK(mode):
            links += 1
            if links > _MOST_LINKS:
                return None
            points_to = os.readlink(candidate)
            if points_to.startswith("/"):
                found = []
            parts = [step for step in points_to.split("/") if step] + parts
        else:
            found.append(part)
    return root.joinpath(*found)
