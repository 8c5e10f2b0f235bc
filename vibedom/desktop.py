"""Desktop notifications, with what the desktop brings for it."""

import os
import shutil
import subprocess
import sys

import anyio

SECONDS = 5.0
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


async def notify(title: str, text: str) -> None:
    """Show `text` where there is a desktop. Never fails, and takes at most `SECONDS`."""
    argv = _argv(title, text)
    if argv is None:
        return
    with anyio.move_on_after(SECONDS):
        try:
            await anyio.run_process(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
            )
        except OSError:
            return


def _argv(title: str, text: str) -> list[str] | None:
    if sys.platform == "darwin":
        script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
        return ["/usr/bin/osascript", "-e", script, title, text]
    program = shutil.which("notify-send", path="/usr/local/bin:/usr/bin:/bin")
    if program is None or not any(os.environ.get(name) for name in _DISPLAYS):
        return None
    return [program, "--app-name=vibedom", "--expire-time=30000", "--", title, text]
