"""What is checked before anything is made: the project, the session's name, the state directory."""

import os
from pathlib import Path

from vibedom import names
from vibedom.errors import UsageError
from vibedom.paths import Home

UNSAFE_IN_MOUNT_OPTIONS = frozenset(':,\\"\n')


def checked_workspace(path: Path, home: Home) -> Path:
    """The workspace's real path. Raises `UsageError` where it cannot be one."""
    try:
        workspace = path.expanduser().resolve(strict=True)
    except OSError as exc:
        raise UsageError(f"{path}: no such project ({exc.strerror}); give the path of a directory") from None
    if not workspace.is_dir():
        raise UsageError(f"{workspace}: not a directory; give the project's directory")
    if workspace == Path(workspace.anchor):
        raise UsageError(f"{workspace}: the whole machine is not a project; give a project's directory")
    state = home.root.resolve()
    if workspace == state or workspace in state.parents or state in workspace.parents:
        raise UsageError(
            f"{workspace}: holds vibedom's own state ({state}); give a project inside it, or set VIBEDOM_HOME"
        )
    if not os.access(workspace, os.R_OK | os.X_OK):
        raise UsageError(f"{workspace}: cannot be read; run vibedom as a user who may")
    return workspace


def check_name(name: str | None) -> None:
    """Raises `UsageError` for what cannot name a session."""
    if name is not None and not names.is_name(name):
        raise UsageError(f"--name {name!r}: use lower-case letters, digits and single hyphens, at most 48")


def check_home(home: Home) -> None:
    """Raises `UsageError` where the state directory cannot hold overlays."""
    if UNSAFE_IN_MOUNT_OPTIONS.intersection(str(home.root)):
        raise UsageError(f"{home.root}: a path with ':', ',', quotes or '\\' cannot hold overlays; set VIBEDOM_HOME")
