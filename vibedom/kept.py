"""Directories of the agent's home that outlive a session: an agent's state and programs, a project's caches."""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from vibedom.errors import SettingsError
from vibedom.paths import Home, ensure_private
from vibedom.sandbox.runtime import HOME_MOUNT, Mount

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def agent_directory(home: Home, name: str, uid: int) -> Path:
    """Where an agent's state is. Each user of the sandboxes has one of their own: nobody else could read it."""
    return ensure_private(home.agents) / name / str(uid)


def cache_directory(home: Home, workspace: Path, uid: int) -> Path:
    key = hashlib.sha256(os.fsencode(workspace)).hexdigest()[:16]
    return ensure_private(home.projects) / f"{workspace.name[:32]}-{key}" / str(uid)


def keep(directory: Path, paths: Sequence[str], agent_home: Path, uid: int, gid: int) -> list[Mount]:
    """Mounts of `paths` of the agent's home from `directory`, made where they are missing.

    Each is a direct child of `directory`, which no sandbox sees: what an agent left in one cannot lead out of it.
    """
    for parent in (directory.parent, directory):
        ensure_private(parent)
    mounts = []
    for path in sorted(dict.fromkeys(paths)):
        source = directory / quote(path, safe="")
        source.mkdir(mode=0o700, exist_ok=True)
        os.chown(source, uid, gid, follow_symlinks=False)
        make_mount_point(agent_home, path, uid, gid)
        mounts.append(Mount(source=source, target=f"{HOME_MOUNT}/{path}", read_only=False))
    return mounts


def make_mount_point(agent_home: Path, path: str, uid: int, gid: int) -> None:
    """The directory in the session's home that is mounted over, its parents included: an engine would make them as
    root. Links are not followed: in a session that goes on the agent has been there. Raises `SettingsError`."""
    opened = os.open(agent_home, _DIRECTORY)
    try:
        for part in Path(path).parts:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o700, dir_fd=opened)
            below = os.open(part, _DIRECTORY, dir_fd=opened)
            os.close(opened)
            opened = below
            os.fchown(opened, uid, gid)
    except OSError as error:
        raise SettingsError(f"~/{path} of the agent is in the way ({error.strerror}); start a new session") from None
    finally:
        os.close(opened)
