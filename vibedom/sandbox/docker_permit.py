"""What only the supervisor can give a container: the permit to start.

Whoever may use the engine can restart a container, and a holder that starts anew has a new network namespace, open
until its rules stand. So every container of a session mounts a file that is there only while the supervisor starts it:
a start by anybody else fails in the engine, before the container's first process and before anything joins its
namespace.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

TARGET = "/etc/vibedom-permit"
"""Where the container sees it; empty, and nobody reads it."""


_OLD_SECONDS = 600.0


def forget_old(directory: Path, now: float) -> None:
    """Revoke what supervisors that were killed have given and no start takes so long to use. `now` in Unix seconds."""
    for path in directory.glob("*.permit"):
        with suppress(FileNotFoundError):
            if now - path.stat().st_mtime > _OLD_SECONDS:
                path.unlink()


class Permit:
    """The permit of one container, given before it is created and revoked once it has started."""

    def __init__(self, directory: Path, container: str) -> None:
        """`directory` is one that nothing in a sandbox can write to; `container` is the container's name."""
        self._path = directory / f"{container}.permit"

    def give(self) -> None:
        self._path.touch(mode=0o444)

    def revoke(self) -> None:
        """From now on nobody starts the container; one that runs goes on. Safe at any point and more than once."""
        self._path.unlink(missing_ok=True)

    def mount(self) -> Mapping[str, Any]:
        """In the engine's form: as one of `Mounts` it has to exist, where one of `Binds` would be made anew."""
        return {
            "Type": "bind",
            "Source": str(self._path),
            "Target": TARGET,
            "ReadOnly": True,
            "BindOptions": {"Propagation": "rprivate", "NonRecursive": True},
        }
