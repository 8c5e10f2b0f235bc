"""What holds the agent's command back in a container that has been started already, until the lockdown is proved.

A container takes longer to start than the proof. So it starts beside it, with a shell in front of the command that
waits for a word of the supervisor in a pipe, and is replaced by the command then. Only the shell of vibedom's own image
is trusted with that, and only where nothing of the agent's or the project's comes to lie in its way.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from vibedom.sandbox.runtime import HOME_MOUNT, TRUST_MOUNT, WORK_MOUNT, WORKSPACE_MOUNT, Command, SandboxSpec

_WORD = b"go\n"
_SCRIPT = (
    'read -r VIBEDOM_WORD <"$1" && [ "$VIBEDOM_WORD" = go ] || exit 125; '
    'unset VIBEDOM_WORD PWD OLDPWD; shift; exec "$@"'
)
"""Built-in commands alone. An end of the pipe without the word, as when the supervisor dies, is no word."""

_PASSED_ON = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""Variables of other names do not come through a shell."""
_READ_BY_A_SHELL = re.compile(r"LD_.*|GLIBC_.*|MALLOC_.*|(BASH_)?ENV|(OLD)?PWD|VIBEDOM_WORD")
"""What the loader and shells heed: a library of the project's would run before the word."""


def can_hold(spec: SandboxSpec, command: Command, variables: Sequence[str]) -> bool:
    """Whether the shell that waits is vibedom's own and runs nothing else; `variables` are all of the container's, as
    `NAME=value`."""
    own = tuple(f"{mount}/" for mount in (HOME_MOUNT, WORK_MOUNT, WORKSPACE_MOUNT))
    names = [variable.partition("=")[0] for variable in variables]
    return (
        spec.image is None
        and all(mount.target.startswith(own) for mount in spec.mounts)
        and all(_PASSED_ON.fullmatch(name) and not _READ_BY_A_SHELL.fullmatch(name) for name in names)
        and (not command.argv or command.argv[0][:1] not in ("", "-"))
    )


class Gate:
    """The pipe of one container. Made closed; `open_` once, `close` always."""

    def __init__(self, directory: Path, container: str) -> None:
        """`directory` is what the sandbox sees, read-only, as `TRUST_MOUNT`. Raises `OSError`: it takes no pipes."""
        self._path = directory / f"{container}.gate"
        os.mkfifo(self._path)
        self._path.chmod(0o444)
        # For both ways, so that the word waits in the pipe should the shell come later.
        self._pipe = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)

    def held(self, argv: Sequence[str]) -> list[str]:
        """The command as it stands behind the gate."""
        return ["/bin/sh", "-c", _SCRIPT, "sh", f"{TRUST_MOUNT}/{self._path.name}", *argv]

    def open_(self) -> None:
        os.write(self._pipe, _WORD)

    def close(self) -> None:
        """A word that the shell has not read yet is lost. Safe more than once."""
        self._path.unlink(missing_ok=True)
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
