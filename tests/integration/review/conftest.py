"""A real terminal around the review."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ended_session import Session
from tests.support.overlays import Project

SECONDS = 60
QUIET_SECONDS = 0.4


class Tmux:
    """One tmux server with one window, in which a command runs."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def call(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout

    def start(self, command: str, directory: Path, environment: dict[str, str], columns: int, rows: int) -> None:
        variables = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
        size = ("-x", str(columns), "-y", str(rows))
        line = f"unset COLUMNS LINES; {command}; exec sh"
        self.call("new-session", "-d", *size, *variables, "-c", str(directory), line)

    def keys(self, *keys: str) -> None:
        """Press one after the other, each once what the one before it made is drawn, as a person would."""
        for key in keys:
            self.settled()
            self.call("send-keys", key)

    def settled(self) -> None:
        """Wait until nothing has been drawn for a moment."""
        deadline, shown, since = time.monotonic() + SECONDS, self.screen(), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)  # another process draws
            if (now := self.screen()) != shown:
                shown, since = now, time.monotonic()

    def screen(self) -> str:
        return self.call("capture-pane", "-p")

    def until(self, text: str) -> str:
        """Wait until the screen shows `text`."""
        deadline = time.monotonic() + SECONDS
        while text not in (shown := self.screen()):
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)  # another process draws
        return shown


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        assert "CI" not in os.environ, "CI has to have it: apt-get install tmux"
        pytest.skip("needs tmux")
    made = Tmux(tmp_path / "tmux")
    yield made
    subprocess.run(["tmux", "-S", str(tmp_path / "tmux"), "kill-server"], capture_output=True, check=False)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """An ended session with two hunks in one file, and a dangerous one."""
    if os.geteuid() != 0:
        pytest.skip("mounting an overlay needs root")
    (tmp_path / "cache").mkdir()
    (tmp_path / "session").mkdir()
    project = Project(tmp_path / "session")
    made = Session(project.root, tmp_path / "cache")
    lines = [f"line {number}" for number in range(40)]
    (made.workspace / "long.txt").write_text("\n".join(lines))
    made.start()
    with made.project.mounted() as merged:
        (merged / "long.txt").write_text("\n".join(["first", *lines[1:39], "last"]))
        (merged / ".envrc").write_text("export X=1\n")
        (merged / "evil\x1b[2J").write_text("x")
    return made


@pytest.fixture
def review_command() -> str:
    return f"{sys.executable} -m vibedom review"
