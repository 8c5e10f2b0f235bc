"""What of a session is begun before its rules are read and its libraries imported: the foundation in an engine."""

import os
import time
from pathlib import Path

from vibedom.beforehand import check_home, check_name, checked_workspace
from vibedom.errors import VibedomError
from vibedom.names import new_name
from vibedom.paths import Home
from vibedom.runtimes import Choice, candidates
from vibedom.sandbox.docker_endpoint import resolve
from vibedom.sandbox.docker_foundation import Foundation, begin


def begin_early(home: Home, project: Path, *, runtime: Choice, name: str | None) -> Foundation | None:
    """The foundation of a new session, named `name` or with a name of its own, in the engine that is tried first.

    None where the session cannot be one on an engine: whoever does the rest finds the reason and says it. The caller
    has to `discard` what is not used.
    """
    if candidates(runtime)[0] != "docker":
        return None
    try:
        workspace = checked_workspace(project, home)
        check_name(name)
        check_home(home)
        endpoint = resolve(None, os.environ, Path.home())
        taken = set(os.listdir(home.sessions)) if home.sessions.is_dir() else set()
        if name in taken:
            return None
        session = name or new_name(workspace.name, taken)
        return begin(endpoint, home.root, session, owner_pid=os.getpid(), started_at=time.time())
    except (VibedomError, OSError):
        return None
