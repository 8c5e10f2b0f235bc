"""The agent's commits come home as a branch: bundled inside the sandbox, checked and fetched outside.

Git never runs on the host with anything the agent configured. The bundle is unpacked in a repository of vibedom's own;
from there the workspace fetches with every object checked, no hook, no tag, no automatic maintenance.
"""

import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

import msgspec

from vibedom.errors import WorkspaceError
from vibedom.workspace.host_git import borrowing_repository, common_directory, head_of, must_git, run_git
from vibedom.workspace.snapshot import make_snapshot, transplanted

__all__ = ["Imported", "head_of", "import_commits"]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The branch that holds the agent's commits."""

    branch: str
    head: str
    count: int
    """Commits that the project did not have."""


def import_commits(
    bundle: Path, workspace: Path, branch: str, known: str | None, masked: Collection[str] = ()
) -> Imported | None:
    """Fetch the bundle's commits as `refs/heads/{branch}`; None for an empty bundle or a project without git.

    `known` is the commit the project was at. Where files were `masked`, the agent worked on a snapshot of it without
    them: its commits are put onto the real history, with those files as they were. Nothing else of the repository
    changes: not its index, files, configuration, or other branches. Raises `WorkspaceError` where git refuses what is
    in the bundle, or a branch of that name holds something else.
    """
    common = common_directory(workspace)
    if common is None or not bundle.is_file() or bundle.stat().st_size == 0:
        return None
    with tempfile.TemporaryDirectory(prefix="vibedom-commits-") as directory:
        quarantine, copy = Path(directory) / "quarantine.git", Path(directory) / "bundle"
        shutil.copyfile(bundle, copy)
        owner = workspace.stat()
        if os.geteuid() == 0:
            for path in (copy, Path(directory)):
                os.chown(path, owner.st_uid, owner.st_gid)
        borrowing_repository(quarantine, common)
        snapshot = make_snapshot(quarantine, known, masked) if known and masked else None
        if snapshot is not None:
            must_git(quarantine, "update-ref", "refs/heads/start", snapshot)
        _fetch(quarantine, str(copy), "HEAD:refs/heads/agent")
        if snapshot is not None and known is not None:
            agents = must_git(quarantine, "rev-parse", "--verify", "refs/heads/agent").decode().strip()
            real = transplanted(quarantine, agents, snapshot, known, masked)
            must_git(quarantine, "update-ref", "refs/heads/agent", real)
        _fetch(workspace, f"file://{quarantine}", f"refs/heads/agent:refs/heads/{branch}", "--no-write-fetch-head")
    head = must_git(workspace, "rev-parse", "--verify", f"refs/heads/{branch}").decode().strip()
    range_ = [f"refs/heads/{branch}", *([f"^{known}"] if known else [])]
    return Imported(branch=branch, head=head, count=int(must_git(workspace, "rev-list", "--count", *range_)))


def _fetch(repository: Path, source: str, refspec: str, *options: str) -> None:
    done = run_git(repository, "fetch", "-q", "--no-tags", *options, source, refspec)
    if done.returncode != 0:
        raise WorkspaceError(f"git fetch refused the agent's commits in {repository}; the files are not affected")
