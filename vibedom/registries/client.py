"""Asking a package client of this machine: one short command, away from the workspace and its project files."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

TIMEOUT_SECONDS = 20.0
NEUTRAL_DIRECTORY = "/"
"""Where clients run: no project configuration can lie here that its user did not put there."""


def ask(argv: Sequence[str], *, environment: Mapping[str, str] | None = None, reads_errors: bool = False) -> str | None:
    """The standard output (or error) of a command, or None where it is absent, fails or takes too long."""
    program = shutil.which(argv[0])
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            cwd=NEUTRAL_DIRECTORY,
            env={**os.environ, **environment} if environment else None,
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
