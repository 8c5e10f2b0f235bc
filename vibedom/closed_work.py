"""Work that an agent has closed even to its owner: opened again, or nothing of a session could be shown or applied."""

import os
import stat
from pathlib import Path

from vibedom.workspace.layer import MAX_LEVELS
from vibedom.workspace.tree import Tree

_DIRECTORY, _FILE = stat.S_IRWXU, stat.S_IRUSR


def open_up(upper: Path) -> list[str]:
    """Give this user back what it may not read of its own below `upper`, and return the paths. Only for a session that
    has ended: a running overlay would not expect it. Root may read everything. Raises `OSError`, `WorkspaceError`."""
    if os.geteuid() == 0:
        return []
    found = ["."] if _open(str(upper), os.lstat(upper)) else []
    with Tree(upper, lingers=True) as tree:
        pending = [""]
        while pending:
            directory = pending.pop()
            fd = tree.open_directory(directory)
            try:
                for name in os.listdir(fd):
                    path, state = f"{directory}/{name}".lstrip("/"), os.lstat(name, dir_fd=fd)
                    if _open(name, state, fd):
                        found.append(path)
                    if stat.S_ISDIR(state.st_mode) and path.count("/") < MAX_LEVELS:
                        pending.append(path)
            finally:
                os.close(fd)
    return sorted(found)


def _open(name: str, state: os.stat_result, directory: int | None = None) -> bool:
    """Whether it was closed. The agent is gone, so that nobody puts a link in its place meanwhile."""
    if state.st_uid != os.geteuid() or not (stat.S_ISDIR(state.st_mode) or stat.S_ISREG(state.st_mode)):
        return False
    needed = _DIRECTORY if stat.S_ISDIR(state.st_mode) else _FILE
    mode = stat.S_IMODE(state.st_mode)
    if mode & needed == needed:
        return False
    os.chmod(name, mode | needed, dir_fd=directory)
    return True
