"""Gives the sandbox a repository of its own where the project's cannot be shown: laid over `.git` in the overlay.

Two reasons: a file is masked, and the real repository holds it in some object, packed or unreachable, in its reflog,
stash or index; or `.git` is a file that points where the sandbox sees nothing (that of a worktree, or of a submodule
whose project has its repository hidden or elsewhere). The first gets one commit without a past (`snapshot.py`), the
second the history of its head.
"""

import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

import msgspec

from vibedom.errors import WorkspaceError
from vibedom.workspace.changes import ancestors
from vibedom.workspace.host_git import borrowing_repository, common_directory, head_of, must_git, run_git
from vibedom.workspace.inner import OwnInner
from vibedom.workspace.inner_repositories import git_directory, submodules
from vibedom.workspace.snapshot import make_snapshot

_COPIED = (
    r"^(remote\..*\.(url|fetch|pushurl)|branch\..*\.(remote|merge)|user\.(name|email)"
    r"|core\.(autocrlf|eol|safecrlf|filemode|ignorecase|symlinks|precomposeunicode))$"
)
_MARKS = ("user.overlay.opaque", "trusted.overlay.opaque")


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """What was laid over the project's own repositories."""

    hidden: tuple[str, ...] = ()
    """Workspace-relative `.git` paths that are the sandbox's own: never part of the diff."""
    head: str | None = None
    """The commit the project is at; None without git or without commits."""
    start: str | None = None
    """The commit the sandbox's repository is at in the beginning."""
    inner: tuple[OwnInner, ...] = ()
    """Those below the root."""
    notes: tuple[str, ...] = ()
    """What the user should know, one line each."""


def lay_repositories(
    workspace: Path, upper: Path, masked: Collection[str] = (), *, besides: Collection[str] = ()
) -> Laid:
    """Fill `upper` before the sandbox starts, except for the `.git` paths `besides`, which are there. Where a
    repository must be hidden and no other can be made, there is an empty one: masked content is never shown. Raises
    `OSError`."""
    hidden: list[str] = []
    inner: list[OwnInner] = []
    notes: list[str] = []
    head = start = head_of(workspace)
    for git in hidden_repositories(workspace, masked):
        if git in besides:
            continue
        directory = git.removesuffix(".git").rstrip("/")
        inside = [path.removeprefix(f"{directory}/") for path in masked if _is_below(path, directory)]
        hidden.append(git)
        try:
            made = _lay(workspace / directory, upper / git, inside, keeps_past=not inside)
        except WorkspaceError as error:
            made = None
            _place(None, workspace / directory, upper / git)
            notes.append(f"{git} is empty in the sandbox: {error}")
        if directory:
            inner.append(OwnInner(directory=directory, head=head_of(workspace / directory), start=made))
        else:
            start = made
    return Laid(hidden=tuple(hidden), head=head, start=start, inner=tuple(inner), notes=tuple(notes))


def hidden_repositories(workspace: Path, masked: Collection[str]) -> list[str]:
    """The `.git` paths, workspace-relative and outermost first, that cannot be shown as they are."""
    above = {"", *(directory for path in masked for directory in ancestors(path))} if masked else {""}
    found = [directory for directory in above if os.path.lexists(workspace / directory / ".git")]
    hidden = {directory for directory in found if masked or not _is_directory(workspace / directory / ".git")}
    hidden |= {each for each in submodules(workspace) if not _is_seen(workspace, each, hidden)}
    return [f"{directory}/.git" if directory else ".git" for directory in sorted(hidden)]


def _is_seen(workspace: Path, directory: str, hidden: Collection[str]) -> bool:
    """Whether the sandbox sees the repository of this directory."""
    git = git_directory(workspace, directory)
    return git is not None and not any(_is_below(git, f"{each}/.git".lstrip("/")) for each in hidden)


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_below(path: str, directory: str) -> bool:
    return not directory or path.startswith(f"{directory}/")


def _lay(project: Path, target: Path, masked: list[str], *, keeps_past: bool) -> str | None:
    """Make the repository and put it at `target`; returns the commit it is at."""
    common = common_directory(project)
    if common is None:
        raise WorkspaceError("git on this machine cannot read the project's repository")
    head = head_of(project)
    with tempfile.TemporaryDirectory(prefix="vibedom-git-") as directory:
        owner = project.stat()
        if os.geteuid() == 0:
            os.chown(directory, owner.st_uid, owner.st_gid)
        made = Path(directory) / "repository"
        borrowing_repository(made, common)
        commit = head if head is None or keeps_past else make_snapshot(made, head, masked)
        if not keeps_past:
            (made / "shallow").unlink(missing_ok=True)
        _finish(made, project, common, commit)
        _place(made, project, target)
    return commit


def _finish(made: Path, project: Path, common: Path, commit: str | None) -> None:
    """Branch, index, settings, and all objects that belong to it and no other."""
    branch = run_git(project, "symbolic-ref", "-q", "HEAD").stdout.decode(errors="replace").strip()
    if branch.startswith("refs/heads/"):
        must_git(made, "symbolic-ref", "HEAD", branch)
    if commit is not None:
        must_git(made, "update-ref", *(() if branch else ("--no-deref",)), "HEAD", commit)
        must_git(made, "read-tree", commit)
    must_git(made, "repack", "-a", "-d", "-q")
    (made / "objects/info/alternates").unlink()
    must_git(made, "config", "core.bare", "false")
    copied = run_git(project, "config", "--local", "-z", "--get-regexp", _COPIED).stdout
    for setting in filter(None, copied.split(b"\0")):
        name, _, value = os.fsdecode(setting).partition("\n")
        if "@" not in value or "://" not in value:  # an address with a password in it
            must_git(made, "config", "--add", name, value)
    exclude = common / "info/exclude"
    if exclude.is_file():
        (made / "info").mkdir(exist_ok=True)
        (made / "info/exclude").write_bytes(exclude.read_bytes())


def _place(made: Path | None, project: Path, target: Path) -> None:
    """Put the repository (None: an empty directory) into the overlay, in front of all that the project has there."""
    owner = project.stat()
    above = zip(target.parents, (project, *project.parents), strict=False)
    for directory, real in reversed([(each, real) for each, real in above if not each.exists()]):
        directory.mkdir()
        shown = real.stat()  # or its mode would be a change of the agent's
        os.chown(directory, shown.st_uid, shown.st_gid)
        directory.chmod(shown.st_mode & 0o7777)
    if made is None:
        target.mkdir(mode=0o755)
    else:
        shutil.copytree(made, target, symlinks=True)
    for path in (target, *target.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    # Only one of the two speaks, depending on how the overlay is mounted; who may not set the other needs not.
    marked = [_mark(target, name) for name in _MARKS]
    if not any(marked):
        shutil.rmtree(target)
        raise OSError(f"{target} cannot be marked opaque: the file system takes no attributes")


def _mark(directory: Path, name: str) -> bool:
    try:
        os.setxattr(directory, name, b"y")
    except OSError:
        return False
    return True
