"""The agent's commits come home as a branch: bundled inside the sandbox, checked and fetched outside.

Git never runs on the host with anything the agent configured. The bundle is unpacked in a repository of vibedom's own;
from there the workspace fetches with every object checked, no hook, no tag, no automatic maintenance.
"""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from vibedom.errors import WorkspaceError

TIMEOUT_SECONDS = 300
_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_QUIET = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "fetch.fsckObjects=true",
    "transfer.fsckObjects=true",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
)


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The branch that holds the agent's commits."""

    branch: str
    head: str
    count: int
    """Commits that the project did not have."""


def head_of(workspace: Path) -> str | None:
    """The commit a project is at before the session; None without git or without commits."""
    done = _git(workspace, "rev-parse", "-q", "--verify", "HEAD^{commit}")
    head = done.stdout.decode().strip()
    return head if done.returncode == 0 and _OBJECT_ID.fullmatch(head) else None


def import_commits(bundle: Path, workspace: Path, branch: str, known: str | None) -> Imported | None:
    """Fetch the bundle's commits as `refs/heads/{branch}`; None for an empty bundle or a project without git.

    Nothing else of the repository changes: not its index, files, configuration, or other branches. Raises
    `WorkspaceError` where git refuses what is in the bundle, or a branch of that name holds something else.
    """
    common = _common_directory(workspace)
    if common is None or not bundle.is_file() or bundle.stat().st_size == 0:
        return None
    with tempfile.TemporaryDirectory(prefix="vibedom-commits-") as directory:
        quarantine, copy = Path(directory) / "quarantine.git", Path(directory) / "bundle"
        shutil.copyfile(bundle, copy)
        owner = workspace.stat()
        if os.geteuid() == 0:
            for path in (copy, Path(directory)):
                os.chown(path, owner.st_uid, owner.st_gid)
        _must(Path(directory), "init", "-q", "--bare", "--template=", str(quarantine))
        (quarantine / "objects/info").mkdir(exist_ok=True)
        (quarantine / "objects/info/alternates").write_text(f"{common / 'objects'}\n")
        if (common / "shallow").is_file():
            (quarantine / "shallow").write_bytes((common / "shallow").read_bytes())
        _must(quarantine, "fetch", "-q", "--no-tags", str(copy), "HEAD:refs/heads/agent")
        source, target = f"file://{quarantine}", f"refs/heads/agent:refs/heads/{branch}"
        _must(workspace, "fetch", "-q", "--no-tags", "--no-write-fetch-head", source, target)
    head = _must(workspace, "rev-parse", "--verify", f"refs/heads/{branch}")
    range_ = [f"refs/heads/{branch}", *([f"^{known}"] if known else [])]
    return Imported(branch=branch, head=head, count=int(_must(workspace, "rev-list", "--count", *range_)))


def _common_directory(workspace: Path) -> Path | None:
    """Where the repository of the workspace keeps its objects, also for worktrees and submodules."""
    done = _git(workspace, "rev-parse", "--git-common-dir")
    if done.returncode != 0:
        return None
    return (workspace / os.fsdecode(done.stdout.rstrip(b"\n"))).resolve()


def _must(directory: Path, *arguments: str) -> str:
    done = _git(directory, *arguments)
    if done.returncode != 0:
        raise WorkspaceError(
            f"git {arguments[0]} refused the agent's commits in {directory}; the files are not affected"
        )
    return done.stdout.decode(errors="replace").strip()


def _git(directory: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Git with the user's own configuration, but nothing of it that runs something."""
    settings = [part for setting in _settings() for part in ("-c", setting)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    owner = directory.stat()
    # What root would write into somebody's repository, they could not change any more.
    drops = os.geteuid() == 0 and owner.st_uid != 0
    if drops:
        environment["HOME"] = _home_of(owner.st_uid)
    try:
        return subprocess.run(
            ["git", *settings, *arguments],
            cwd=directory,
            env=environment,
            user=owner.st_uid if drops else None,
            group=owner.st_gid if drops else None,
            extra_groups=() if drops else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(arguments, 127, b"", b"")
    except subprocess.TimeoutExpired as error:
        raise WorkspaceError(
            f"git {arguments[0]} did not finish in {TIMEOUT_SECONDS} s; nothing was imported"
        ) from error


def _home_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return "/"


def _settings() -> Sequence[str]:
    # Run by root for a workspace of its owner: git would refuse the repository of somebody else.
    return (*_QUIET, "safe.directory=*")
