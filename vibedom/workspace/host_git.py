"""Runs git on the host: never on what the agent configured, and with nothing of the user's that runs a program."""

import os
import pwd
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from vibedom.errors import WorkspaceError

TIMEOUT_SECONDS = 300
OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "fetch.fsckObjects=true",
    "transfer.fsckObjects=true",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    # Run by root for a workspace of its owner: git would refuse the repository of somebody else.
    "safe.directory=*",
)


def run_git(
    directory: Path, *arguments: str, data: bytes = b"", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Git in `directory`, as that directory's owner where root runs it: what root would write into somebody's
    repository, they could not change any more. Exit code 127 where there is no git. Raises `WorkspaceError` after
    300 s."""
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    variables |= {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", **(environment or {})}
    owner = directory.stat()
    drops = os.geteuid() == 0 and owner.st_uid != 0
    if drops:
        variables["HOME"] = _home_of(owner.st_uid)
    try:
        return subprocess.run(
            ["git", *settings, *arguments],
            cwd=directory,
            env=variables,
            user=owner.st_uid if drops else None,
            group=owner.st_gid if drops else None,
            extra_groups=() if drops else None,
            input=data,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(arguments, 127, b"", b"")
    except subprocess.TimeoutExpired as error:
        raise WorkspaceError(f"git {arguments[0]} did not finish in {TIMEOUT_SECONDS} s in {directory}") from error


def must_git(
    directory: Path, *arguments: str, data: bytes = b"", environment: Mapping[str, str] | None = None
) -> bytes:
    """Its output. Raises `WorkspaceError` where git fails."""
    done = run_git(directory, *arguments, data=data, environment=environment)
    if done.returncode != 0:
        raise WorkspaceError(f"git {arguments[0]} failed in {directory} (exit code {done.returncode})")
    return done.stdout


def head_of(workspace: Path) -> str | None:
    """The commit a project is at; None without git or without commits."""
    done = run_git(workspace, "rev-parse", "-q", "--verify", "HEAD^{commit}")
    head = done.stdout.decode().strip()
    return head if done.returncode == 0 and OBJECT_ID.fullmatch(head) else None


def common_directory(workspace: Path) -> Path | None:
    """Where the repository of the workspace keeps its objects, also for worktrees and submodules."""
    done = run_git(workspace, "rev-parse", "--git-common-dir")
    if done.returncode != 0:
        return None
    return (workspace / os.fsdecode(done.stdout.rstrip(b"\n"))).resolve()


def borrowing_repository(place: Path, common: Path) -> None:
    """Make `place` a bare repository with nothing of its own that sees the objects of the repository `common`."""
    form = must_git(common, "rev-parse", "--show-object-format").decode().strip()
    must_git(place.parent, "init", "-q", "--bare", "--template=", f"--object-format={form}", str(place))
    (place / "objects/info").mkdir(exist_ok=True)
    (place / "objects/info/alternates").write_text(f"{common / 'objects'}\n")
    if (common / "shallow").is_file():
        (place / "shallow").write_bytes((common / "shallow").read_bytes())


def _home_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return "/"
