"""A file that is masked when a session is resumed: it is in no git object the agent can read, or nothing starts."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.overlays import Project, snapshot
from vibedom.errors import WorkspaceError
from vibedom.workspace.later_masks import lay_again
from vibedom.workspace.own_repository import Laid, lay_repositories

SECRET = "ghp_" + "Zx9Qw8" * 6


def _git(directory: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=agent", "-c", "user.email=agent@sandbox.test", "-c", "safe.directory=*")
    done = subprocess.run(["git", *identity, *arguments], cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def repository(project: Project) -> Project:
    """Committed with a secret in it."""
    _git(project.workspace, "init", "-q")
    for name, text in (("secret.txt", f"{SECRET}\n"), ("notes.txt", "notes\n")):
        (project.workspace / name).write_text(text)
    _git(project.workspace, "add", "-A")
    _git(project.workspace, "commit", "-qm", "first")
    return project


def _read_by_git(tree: Path) -> bytes:
    """All that the repository there holds, packed or loose, reachable or not."""
    return subprocess.run(
        ["git", "-c", "safe.directory=*", "cat-file", "--batch-all-objects", "--batch"],
        cwd=tree,
        capture_output=True,
        check=True,
    ).stdout


def _again(project: Project, laid: Laid | None = None, path: str = "secret.txt") -> Laid:
    return lay_again(project.workspace, project.upper, laid or Laid(), masked=(path,), new=(path,))


@pytest.mark.parametrize("has_asked", [False, True])
def test_a_repository_that_the_agent_has_only_looked_at_is_replaced(repository: Project, has_asked: bool) -> None:
    with repository.mounted() as merged:
        assert SECRET.encode() in _read_by_git(merged)
        if has_asked:
            (merged / "notes.txt").touch()
            assert _git(merged, "status", "--porcelain") == ""  # writes the index
            assert (repository.upper / ".git/index").is_file()
    laid = _again(repository)
    assert laid.hidden == (".git",)
    assert laid.head == _git(repository.workspace, "rev-parse", "HEAD") != laid.start
    with repository.mounted() as merged:
        assert SECRET.encode() not in _read_by_git(merged)
        assert b"notes\n" in _read_by_git(merged)
        assert _git(merged, "rev-list", "--all", "--count") == "1"


def _commit(merged: Path) -> None:
    (merged / "new.txt").write_text("new\n")
    _git(merged, "add", "new.txt")
    _git(merged, "commit", "-qm", "second")


def _stage(merged: Path) -> None:
    (merged / "copy.txt").write_text(SECRET)
    _git(merged, "add", "copy.txt")


def _edit(merged: Path) -> None:
    (merged / "secret.txt").write_text("edited by the agent\n")


def _remove(merged: Path) -> None:
    (merged / "secret.txt").unlink()


def _link(merged: Path) -> None:
    (merged / "mine").mkdir()
    (merged / "mine/.git").symlink_to("/tmp")


@pytest.mark.parametrize(
    ("act", "path", "why"),
    [
        (_commit, "secret.txt", r"the agent has used \.git"),
        (_stage, "secret.txt", r"the agent has used \.git"),
        (_edit, "secret.txt", "the agent has changed or removed it"),
        (_remove, "secret.txt", "the agent has changed or removed it"),
        (_link, "mine/secret.txt", r"the agent has used mine/\.git"),
    ],
)
def test_what_may_hold_it_by_now_ends_the_start_and_stays(
    repository: Project, act: Callable[[Path], None], path: str, why: str
) -> None:
    with repository.mounted() as merged:
        act(merged)
    before = snapshot(repository.upper)
    with pytest.raises(WorkspaceError, match=f"{path} cannot be masked in this session any more: {why}.*vibedom apply"):
        _again(repository, path=path)
    assert snapshot(repository.upper) == before


def test_a_repository_of_the_sandbox_that_was_made_without_the_mask_ends_the_start(repository: Project) -> None:
    laid = lay_repositories(repository.workspace, repository.upper, ("notes.txt",))
    with repository.mounted() as merged:
        assert SECRET.encode() in _read_by_git(merged)
    with pytest.raises(WorkspaceError, match=r"\.git, which the sandbox has of its own, may hold it"):
        lay_again(repository.workspace, repository.upper, laid, masked=("notes.txt", "secret.txt"), new=("secret.txt",))
    assert lay_again(repository.workspace, repository.upper, laid, masked=("notes.txt",), new=()) is laid


def test_without_git_there_is_nothing_to_replace(project: Project) -> None:
    (project.workspace / "secret.txt").write_text(SECRET)
    assert _again(project) == Laid()
    assert list(project.upper.iterdir()) == []
