"""Finds the repositories below the project's root: by the record of its start, and by `.gitmodules`."""

import os
from collections.abc import Iterator
from pathlib import Path

from vibedom.workspace.base import Base
from vibedom.workspace.host_git import run_git

MOST_DEPTH = 8
"""Of submodules in submodules."""


def submodules(workspace: Path) -> Iterator[str]:
    """Directories of the submodules that are checked out, also of those in submodules. Reads what the project says, and
    costs nothing where there are none."""
    pending = [("", 0)]
    while pending:
        directory, depth = pending.pop()
        for path in _named(workspace / directory):
            inner = f"{directory}/{path}" if directory else path
            if os.path.lexists(workspace / inner / ".git") and _is_inside(workspace, workspace / inner):
                yield inner
                if depth < MOST_DEPTH:
                    pending.append((inner, depth + 1))


def _named(repository: Path) -> list[str]:
    """What `.gitmodules` names, without what is no path below it."""
    if not (repository / ".gitmodules").is_file():
        return []
    listed = run_git(repository, "config", "-f", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$").stdout
    paths = [os.fsdecode(entry).partition("\n")[2].rstrip("/") for entry in listed.split(b"\0") if entry]
    return sorted(path for path in paths if path and not {"", ".", ".."} & set(path.split("/")))


def inner_repositories(base: Base) -> Iterator[str]:
    """Directories, except the root, that had a `.git` when the session started."""
    for path in base.named(".git"):
        directory = path.rpartition("/")[0]
        if directory:
            yield directory


def git_directory(workspace: Path, directory: str) -> str | None:
    """Where the repository of `directory` keeps its data, workspace-relative; None where there is none (any more), or
    not in the workspace, so that a sandbox cannot see it. Runs no git for a `.git` that is a directory."""
    git = workspace / directory / ".git"
    if git.is_dir() and not git.is_symlink():
        return f"{directory}/.git"
    if not git.is_file():
        return None
    done = run_git(workspace / directory, "rev-parse", "--absolute-git-dir")
    found = Path(os.fsdecode(done.stdout.rstrip(b"\n"))) if done.returncode == 0 else None
    if found is None or not _is_inside(workspace, found):
        return None
    return str(found.resolve().relative_to(workspace.resolve()))


def _is_inside(workspace: Path, path: Path) -> bool:
    return workspace.resolve() in path.resolve().parents
