"""Asking a package client of this machine: one short command that runs no file of a project and reads none."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TIMEOUT_SECONDS = 20.0
NEUTRAL_DIRECTORY = "/"
"""Where clients run: no project's configuration lies there."""
_CODE_FROM_ELSEWHERE = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "NODE_OPTIONS", "NODE_PATH", "VIRTUAL_ENV")
"""Variables that make a client load code from where they say, often a project."""


def ask(argv: Sequence[str], *, environment: Mapping[str, str] | None = None, reads_errors: bool = False) -> str | None:
    """The standard output (or error) of a command, or None where it is absent, fails or takes too long."""
    program = shutil.which(argv[0], path=search_path())
    if program is None:
        return None
    clean = {name: value for name, value in os.environ.items() if name not in _CODE_FROM_ELSEWHERE}
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            cwd=NEUTRAL_DIRECTORY,
            env={**clean, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if reads_errors:
        return done.stderr.decode("utf-8", "replace")
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def search_path() -> str:
    """PATH without what a project can have put there: relative directories, those below the current one, and those of
    an active virtual environment. An agent may have written the programs in them."""
    projects = _projects()
    directories = [Path(name) for name in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(name)]
    return os.pathsep.join(
        str(directory)
        for directory in directories
        if not any(directory.resolve().is_relative_to(project) for project in projects)
    )


def _projects() -> list[Path]:
    """The current directory counts as a project unless the user's home, with the user's own tools, lies in it."""
    here, virtual = Path.cwd(), os.environ.get("VIRTUAL_ENV")
    projects = [] if Path.home().resolve().is_relative_to(here) else [here]
    return [*projects, *([Path(virtual).resolve()] if virtual else [])]
