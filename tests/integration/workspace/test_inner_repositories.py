"""Repositories in a project: which of them the sandbox sees, and what it gets where it must not or cannot."""

import subprocess
from pathlib import Path

import pytest

from tests.support.overlays import Project
from vibedom.workspace.base import Base
from vibedom.workspace.bundle import bundle_command
from vibedom.workspace.commits import import_commits
from vibedom.workspace.inner_repositories import git_directory, inner_repositories, submodules
from vibedom.workspace.own_repository import lay_repositories

BRANCH = "vibedom/calm-otter-1"


def _git(directory: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=me", "-c", "user.email=me@home.test", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *settings, *arguments], cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def nested(project: Project) -> Project:
    """A project with a submodule `lib` that has a submodule `deep`, a repository `own` and an empty one `none`."""
    for name in ("deep", "lib"):
        origin = project.root / name
        origin.mkdir()
        _git(origin, "init", "-q", "-b", "main")
        (origin / "file").write_text(f"{name}\n")
        _git(origin, "add", "file")
        _git(origin, "commit", "-qm", name)
    _git(project.root / "lib", "submodule", "--quiet", "add", str(project.root / "deep"), "deep")
    _git(project.root / "lib", "commit", "-qm", "with deep")
    _git(project.workspace, "init", "-q", "-b", "main")
    _git(project.workspace, "submodule", "--quiet", "add", str(project.root / "lib"), "lib")
    _git(project.workspace, "submodule", "--quiet", "update", "--init", "--recursive")
    (project.workspace / "secret").write_text("x\n")
    _git(project.workspace, "add", "secret")
    _git(project.workspace, "commit", "-qm", "first")
    for name in ("own", "none"):
        (project.workspace / name).mkdir()
        _git(project.workspace / name, "init", "-q")
    _git(project.workspace / "own", "commit", "-q", "--allow-empty", "-m", "own")
    (project.workspace / "lib").chmod(0o775)
    project.start()
    return project


def _commit_and_bundle(project: Project, merged: Path, directory: str, start: str | None) -> Path:
    (merged / directory / "new").write_text("new\n")
    _git(merged / directory, "add", "new")
    _git(merged / directory, "commit", "-qm", "the agent's")
    done = subprocess.run(bundle_command(start, str(merged / directory)).argv, capture_output=True, check=True)
    (project.root / "bundle").write_bytes(done.stdout)
    return project.root / "bundle"


def test_repositories_are_found_by_the_record_of_the_start(nested: Project) -> None:
    with Base(nested.base_file) as base:
        assert sorted(inner_repositories(base)) == ["lib", "lib/deep", "none", "own"]
    assert sorted(submodules(nested.workspace)) == ["lib", "lib/deep"]
    places = [git_directory(nested.workspace, each) for each in ("lib", "lib/deep", "own", "nowhere")]
    assert places == [".git/modules/lib", ".git/modules/lib/modules/deep", "own/.git", None]
    assert lay_repositories(nested.workspace, nested.upper).hidden == ()


def test_submodules_of_a_project_whose_repository_is_hidden_get_their_own_with_their_past(nested: Project) -> None:
    laid = lay_repositories(nested.workspace, nested.upper, ["secret"])
    assert laid.hidden == (".git", "lib/.git", "lib/deep/.git")
    assert laid.notes == ()
    inner = {each.directory: each for each in laid.inner}
    assert inner.keys() == {"lib", "lib/deep"}
    with nested.mounted() as merged:
        for directory, past in (("lib", "with deep\nlib"), ("lib/deep", "deep")):
            assert _git(merged / directory, "status", "--porcelain", "--ignore-submodules") == ""
            bundle = _commit_and_bundle(nested, merged, directory, inner[directory].start)
            done = import_commits(bundle, nested.workspace / directory, BRANCH, inner[directory].head)
            assert done is not None
            assert done.count == 1
            assert _git(nested.workspace / directory, "log", "--format=%s", BRANCH) == f"the agent's\n{past}"
    paths = [change.path for change in nested.changes() if "/.git" not in f"/{change.path}"]
    assert paths == ["lib/deep/new", "lib/new"]  # the mode of lib is as it was, too


def test_a_masked_file_in_a_submodule_is_in_no_object_of_it_and_commits_come_onto_its_real_history(
    nested: Project,
) -> None:
    laid = lay_repositories(nested.workspace, nested.upper, ["lib/file"])
    inner = {each.directory: each for each in laid.inner}
    start = inner["lib"].start
    assert start != inner["lib"].head
    with nested.mounted() as merged:
        assert _git(merged / "lib", "show", f"{start}:file") == ""
        (merged / "lib/file").write_text("")  # what the sandbox mounts there
        bundle = _commit_and_bundle(nested, merged, "lib", start)
    done = import_commits(bundle, nested.workspace / "lib", BRANCH, inner["lib"].head, ["file"])
    assert done is not None
    assert _git(nested.workspace / "lib", "show", f"{BRANCH}:file") == "lib"
    assert _git(nested.workspace / "lib", "log", "--format=%s", BRANCH) == "the agent's\nwith deep\nlib"


def test_a_repository_without_its_git_does_not_give_the_commits_of_the_one_around_it(nested: Project) -> None:
    with nested.mounted() as merged:
        subprocess.run(["rm", "-r", str(merged / "own/.git")], check=True)
        done = subprocess.run(bundle_command(None, str(merged / "own")).argv, capture_output=True, check=True)
    assert done.stdout == b""


def test_the_first_commit_of_an_empty_repository_comes_home(nested: Project) -> None:
    with nested.mounted() as merged:
        bundle = _commit_and_bundle(nested, merged, "none", None)
    done = import_commits(bundle, nested.workspace / "none", BRANCH, None)
    assert done is not None
    assert done.count == 1
