"""Masks for a session that has run before: what its agent could keep of a file by then is found, or nothing starts.

A repository that shows the file is replaced as at a first start, but only where the agent has not used it: what it has
committed or staged is its work, and may hold the file.
"""

import os
import shutil
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from vibedom.errors import WorkspaceError
from vibedom.workspace.changes import ancestors
from vibedom.workspace.own_repository import Laid, hidden_repositories, lay_repositories
from vibedom.workspace.spelling import visible


def lay_again(workspace: Path, upper: Path, laid: Laid, *, masked: Collection[str], new: Collection[str]) -> Laid:
    """What is laid over the project's repositories when the paths `new` are masked besides the others of `masked`.

    Raises `WorkspaceError` where a `new` file may be in what the sandbox has kept since its first start; nothing was
    changed then. Raises `OSError`.
    """
    if not new:
        return laid
    missing = [git for git in hidden_repositories(workspace, masked) if git not in laid.hidden]
    for path in sorted(new):
        if obstacle := next(_obstacles(path, upper, laid.hidden, missing), ""):
            raise WorkspaceError(
                f"{visible(path)} cannot be masked in this session any more: {obstacle}; take its work home and start a"
                " new session (`vibedom apply`, `vibedom run`), or let the agent see the file (--on-findings continue)"
            )
    for git in missing:
        if os.path.lexists(upper / git):
            shutil.rmtree(upper / git)
    more = lay_repositories(workspace, upper, masked, besides=laid.hidden)
    is_root_new = ".git" in more.hidden
    return Laid(
        hidden=(*laid.hidden, *more.hidden),
        head=more.head if is_root_new else laid.head,
        start=more.start if is_root_new else laid.start,
        inner=(*laid.inner, *more.inner),
        notes=(*laid.notes, *more.notes),
    )


def _obstacles(path: str, upper: Path, hidden: Collection[str], missing: Collection[str]) -> Iterator[str]:
    for each in (*ancestors(path), path):
        if os.path.lexists(upper / each) and (each == path or not stat.S_ISDIR(os.lstat(upper / each).st_mode)):
            yield "the agent has changed or removed it"
    around = [f"{directory}/.git" if directory else ".git" for directory in ("", *ancestors(path))]
    for git in around:
        if git in hidden:
            yield f"{visible(git)}, which the sandbox has of its own, may hold it"
    for git in {*around, *missing}:
        if not _is_unused(upper / git):
            yield f"the agent has used {visible(git)}, which may hold it"


def _is_unused(git: Path) -> bool:
    """Whether the agent has left nothing but an index there, which `git status` writes and which holds no content."""
    if not os.path.lexists(git):
        return True
    if git.is_symlink() or not git.is_dir():
        return False
    return all(each.name == "index" and stat.S_ISREG(each.lstat().st_mode) for each in git.iterdir())
