"""An ended session below its own VIBEDOM_HOME, and commands of a user on it."""

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import msgspec

from tests.support.overlays import Project
from vibedom.paths import Home
from vibedom.sessions import SessionRecord, save
from vibedom.workspace.base import record_base

SECONDS = 110
"""The first command compiles the rules, which takes a busy machine a minute."""


class Session:
    """One ended session below its own VIBEDOM_HOME."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.home = Home(root=root / "home")
        self.home.root.mkdir()
        self.home.cache.symlink_to(cache)
        self.directory = self.home.session("calm-otter-1")
        self.directory.upper.mkdir(parents=True)
        self.directory.work.mkdir()
        self.project = Project(root)
        self.project.upper, self.project.work = self.directory.upper, self.directory.work
        self.workspace = self.project.workspace

    def start(self) -> None:
        record_base(self.workspace, self.directory.base)
        record = SessionRecord(
            id="calm-otter-1",
            workspace=self.workspace,
            uid=0,
            gid=0,
            runtime="docker",
            command=("true",),
            created_at=1.0,
            owner_pid=1,
            owner_ticks=None,
            status="ended",
        )
        save(self.home, record)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "VIBEDOM_HOME": str(self.home.root), "HOME": str(self.project.root)}

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "vibedom", *arguments],
            cwd=self.workspace,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
        )
        assert done.returncode == code, done.stderr
        return done

    def typed(self, text: str, *arguments: str) -> str:
        """What a command on a real terminal says when `text` is typed."""
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "vibedom", *arguments],
            cwd=self.workspace,
            env={**self.environment, "NO_COLOR": "1"},
            stdin=follower,
            stdout=subprocess.PIPE,
            stderr=follower,
        )
        os.close(follower)
        os.write(leader, text.encode())
        shown = b""
        with contextlib.suppress(OSError):  # the terminal's other end is closed
            while data := os.read(leader, 4096):
                shown += data
        output, _ = process.communicate(timeout=SECONDS)
        os.close(leader)
        return (shown + output).decode().replace("\r", "").strip()

    @property
    def status(self) -> str:
        return str(msgspec.json.decode(self.directory.state.read_bytes())["status"])
