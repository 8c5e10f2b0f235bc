"""The agent's commits come home as a branch, whatever the repository looks like and whatever the agent configured."""

import subprocess
from pathlib import Path

import pytest

from tests.support.overlays import Project, snapshot
from vibedom.errors import WorkspaceError
from vibedom.workspace.bundle import bundle_command
from vibedom.workspace.commits import head_of, import_commits

BRANCH = "vibedom/calm-otter-1"


def _git(directory: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=agent", "-c", "user.email=agent@sandbox.test")
    done = subprocess.run(["git", *identity, *arguments], cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _commit(directory: Path, name: str) -> str:
    (directory / name).write_text(f"{name}\n")
    _git(directory, "add", name)
    _git(directory, "commit", "-qm", f"Add {name}")
    return _git(directory, "rev-parse", "HEAD")


def _bundle(project: Project, merged: Path, known: str | None) -> Path:
    """What the sandbox's process gives, run in the overlay's merged view."""
    done = subprocess.run(bundle_command(known, str(merged)).argv, capture_output=True, check=True)
    (project.root / "bundle").write_bytes(done.stdout)
    return project.root / "bundle"


def test_commits_become_a_branch_and_nothing_else_of_the_repository_changes(project: Project) -> None:
    _git(project.workspace, "init", "-q")
    base = _commit(project.workspace, "first")
    known = head_of(project.workspace)
    assert known == base
    before = snapshot(project.workspace)
    with project.mounted() as merged:
        _commit(merged, "second")
        head = _commit(merged, "third")
        bundle = _bundle(project, merged, known)
    imported = import_commits(bundle, project.workspace, BRANCH, known)
    assert imported is not None
    assert (imported.branch, imported.head, imported.count) == (BRANCH, head, 2)
    after = snapshot(project.workspace)
    places = (b".git/objects/", b".git/refs/heads/vibedom", b".git/logs/refs/heads/vibedom")
    assert all(path.startswith(places) for path in after.keys() - before.keys())
    assert {path for path in before if before[path] != after.get(path)} == set()
    assert _git(project.workspace, "log", "--format=%s", BRANCH) == "Add third\nAdd second\nAdd first"


def test_without_new_commits_there_is_no_branch(project: Project) -> None:
    _git(project.workspace, "init", "-q")
    _commit(project.workspace, "first")
    known = head_of(project.workspace)
    with project.mounted() as merged:
        (merged / "uncommitted").write_text("x")
        bundle = _bundle(project, merged, known)
    assert bundle.stat().st_size == 0
    assert import_commits(bundle, project.workspace, BRANCH, known) is None


def test_repository_without_commits_and_project_without_git(project: Project) -> None:
    assert head_of(project.workspace) is None
    with project.mounted() as merged:
        _git(merged, "init", "-q")
        _commit(merged, "first")
        bundle = _bundle(project, merged, None)
    assert import_commits(bundle, project.workspace, BRANCH, None) is None
    _git(project.workspace, "init", "-q")
    imported = import_commits(bundle, project.workspace, BRANCH, None)
    assert imported is not None
    assert imported.count == 1


def test_worktree_and_shallow_clone(project: Project, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    _git(origin, "init", "-q")
    for name in ("first", "second", "third"):
        _commit(origin, name)
    project.workspace.rmdir()
    _git(tmp_path, "clone", "-q", "--depth", "1", f"file://{origin}", str(project.workspace))
    known = head_of(project.workspace)
    with project.mounted() as merged:
        head = _commit(merged, "fourth")
        bundle = _bundle(project, merged, known)
    imported = import_commits(bundle, project.workspace, BRANCH, known)
    assert imported is not None
    assert (imported.head, imported.count) == (head, 1)
    _git(origin, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    imported = import_commits(bundle, tmp_path / "tree", BRANCH, known)
    assert imported is not None
    assert _git(origin, "rev-parse", BRANCH) == head


def test_what_the_agent_configured_is_never_run_on_the_host(project: Project) -> None:
    _git(project.workspace, "init", "-q")
    _commit(project.workspace, "first")
    known = head_of(project.workspace)
    mark = project.root / "was-run"
    with project.mounted() as merged:
        _commit(merged, "second")
        hook = merged / ".git/hooks/reference-transaction"
        hook.parent.mkdir(exist_ok=True)
        bundle = _bundle(project, merged, known)
        hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
        hook.chmod(0o755)
        _git(merged, "config", "core.fsmonitor", f"touch {mark}")
    mark.unlink(missing_ok=True)
    assert import_commits(bundle, project.workspace, BRANCH, known) is not None
    assert not mark.exists()


def test_objects_that_git_calls_broken_are_refused(project: Project) -> None:
    _git(project.workspace, "init", "-q")
    _commit(project.workspace, "first")
    known = head_of(project.workspace)
    with project.mounted() as merged:
        blob = (
            subprocess.run(
                ["git", "hash-object", "-w", "--stdin"], cwd=merged, input=b"x", capture_output=True, check=True
            )
            .stdout.decode()
            .strip()
        )
        tree = b"100644 .git\0" + bytes.fromhex(blob)
        written = subprocess.run(
            ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
            cwd=merged, input=tree, capture_output=True, check=True,
        ).stdout.decode().strip()  # fmt: skip
        commit = _git(merged, "commit-tree", written, "-p", "HEAD", "-m", "evil")
        _git(merged, "update-ref", "HEAD", commit)
        bundle = _bundle(project, merged, known)
    assert bundle.stat().st_size > 0
    with pytest.raises(WorkspaceError, match="git fetch refused"):
        import_commits(bundle, project.workspace, BRANCH, known)
    assert "vibedom" not in _git(project.workspace, "branch", "--list", "--all")


def test_what_root_imports_belongs_to_the_owner_of_the_workspace(project: Project) -> None:
    for path in (project.root, *project.root.parents):
        if path.stat().st_mode & 0o005 != 0o005 and path.name.startswith(("pytest", "test")):
            path.chmod(0o755)
    _git(project.workspace, "init", "-q")
    _commit(project.workspace, "first")
    subprocess.run(["chown", "-R", "1000:1000", str(project.workspace)], check=True)
    with project.mounted() as merged:
        known = _git(merged, "-c", "safe.directory=*", "rev-parse", "HEAD")
        _git(merged, "-c", "safe.directory=*", "commit", "-q", "--allow-empty", "-m", "second")
        bundle = _bundle(project, merged, known)
    bundle.chmod(0o600)
    assert head_of(project.workspace) == known
    assert import_commits(bundle, project.workspace, BRANCH, known) is not None
    owners = {path.lstat().st_uid for path in (project.workspace / ".git").rglob("*")}
    assert owners == {1000}
