"""Shows long output in the user's pager: on a terminal only, the way git does."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress

from vibedom.cli import render


def show(lines: Iterable[str], *, is_paged: bool = True) -> None:
    """The lines to stdout, through the pager where somebody sits there who may be shown more than a screen."""
    argv = _pager() if is_paged and sys.stdout.isatty() and sys.stdin.isatty() else []
    if not argv:
        for line in lines:
            render.out(line)
        return
    import subprocess

    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    try:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, env=environment)
    except OSError:
        show(lines, is_paged=False)
        return
    with suppress(BrokenPipeError), process.stdin as pipe:  # type: ignore[union-attr]  # the user has seen enough
        for line in lines:
            pipe.write(line.encode("utf-8", "backslashreplace") + b"\n")
    while True:
        with suppress(KeyboardInterrupt):  # Ctrl-C in `less` is for `less`
            process.wait()
            return


def _pager() -> list[str]:
    """The pager's command; empty where there is none, or `cat`."""
    import shlex  # these take their time, and a diff that is not paged does without
    import shutil

    wanted = os.environ.get("VIBEDOM_PAGER", os.environ.get("GIT_PAGER", os.environ.get("PAGER", "less")))
    try:
        argv = shlex.split(wanted)
    except ValueError:
        return []
    return argv if argv and argv != ["cat"] and shutil.which(argv[0]) else []
