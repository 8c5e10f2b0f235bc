"""`[[mounts]]` of vibedom.toml: which paths of this machine a trusted project may show its sandbox, and where."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from vibedom.errors import SettingsError
from vibedom.paths import Home
from vibedom.project_file import NAME, ProjectMount
from vibedom.sandbox.runtime import HOME_MOUNT, WORK_MOUNT, WORKSPACE_MOUNT, Mount
from vibedom.visible import checked_source

_CLOSED = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr", "/var"),
    *(WORK_MOUNT, WORKSPACE_MOUNT, f"{HOME_MOUNT}/.ssh", f"{HOME_MOUNT}/.vibedom"),
)
"""Where the sandbox has something of its own that must stay what it is."""


def project_mounts(mounts: Sequence[ProjectMount], workspace: Path, home: Home) -> list[Mount]:
    """Raises `SettingsError` for what may not be mounted, or not there."""
    return [_mount(mount, index, workspace, home) for index, mount in enumerate(mounts)]


def _mount(mount: ProjectMount, index: int, workspace: Path, home: Home) -> Mount:
    place = f"{NAME} $.mounts[{index}]"
    source, _ = checked_source(mount.source, place, home)
    if source == workspace or workspace in source.parents or source in workspace.parents:
        raise SettingsError(f"{place}: the project itself, or around it; what the agent changes there is reviewed")
    target = PurePosixPath(mount.target)
    if not target.is_absolute() or ".." in target.parts or len(target.parts) < 2 or str(target) == HOME_MOUNT:
        raise SettingsError(f"{place}: target {mount.target!r}: write an absolute path such as /data")
    if any(str(target) == closed or PurePosixPath(closed) in target.parents for closed in _CLOSED):
        raise SettingsError(f"{place}: target {mount.target!r} is the sandbox's own; choose another, such as /data")
    return Mount(source=source, target=str(target), read_only=not mount.writable)
