"""`[local] visible`: paths of this machine that the sandbox sees beside its tools, read-only."""

import stat
from collections.abc import Sequence
from pathlib import Path

from vibedom.errors import SettingsError
from vibedom.paths import Home
from vibedom.sandbox.runtime import Mount

CLOSED = tuple(Path(name) for name in ("/run", "/var/run", "/proc", "/sys", "/dev", "/tmp", "/etc"))  # noqa: S108
"""Where sockets of engines, buses and agents are, and what the sandbox has of its own."""


def visible_mounts(entries: Sequence[str], home: Home) -> list[Mount]:
    """Read-only mounts at the same places. Raises `SettingsError` for what would show more than tools."""
    return [_mount(entry, home) for entry in entries]


def _mount(entry: str, home: Home) -> Mount:
    real, path = checked_source(entry, f"policy.toml $.local.visible {entry!r}", home)
    return Mount(source=real, target=str(path))


def checked_source(entry: str, place: str, home: Home) -> tuple[Path, Path]:
    """What may be shown of this machine: its real path, and the path as written. Raises `SettingsError` at `place`."""
    path = Path(entry).expanduser()
    try:
        real = path.resolve(strict=True)
    except OSError as exc:
        raise SettingsError(f"{place}: {exc.strerror}; name a path that exists, or take the line out") from None
    if not path.is_absolute():
        raise SettingsError(f"{place}: write an absolute path, or one that starts with ~")
    if stat.S_ISSOCK(real.stat().st_mode) or any(real == closed or closed in real.parents for closed in CLOSED):
        raise SettingsError(f"{place}: sockets and system directories stay closed; name a directory of tools")
    if real == Path.home().resolve() or _holds(real, Path.home()) or _holds(real, home.root):
        raise SettingsError(f"{place}: holds your home or vibedom's state; name the tool's own directory in it")
    return real, path


def _holds(outer: Path, inner: Path) -> bool:
    inner = inner.resolve()
    return outer == inner or outer in inner.parents
