"""The agent's commits come home with `vibedom run`, and a masked file is in no git object the agent can read."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.integration.run.conftest import Vibedom
from tests.support.overlays import snapshot

pytestmark = pytest.mark.anyio

SECRET = "ghp_" + "Zx8Kq2Lm5Np7Rs9Tv1Wy3Bc4Df6Gh0Jk2Lm4"
GITLESS = "vibedom-test/alpine:3.23"
IDENTITY = "-c user.name=agent -c user.email=agent@sandbox.test"
COMMIT = f"echo more >> notes.txt && git {IDENTITY} commit -qam second && echo new > new.txt"
LOOK = r"""
cd "$1" || exit 9
{ git log --all -p; git cat-file --batch-all-objects --batch; git stash list -p; git reflog; git show :secrets.env
  git log -g -p --all; git fsck --lost-found
  cat -A .git/index; find .git -type f -exec cat {} +
} 2>/dev/null
"""


def _git(directory: Path, *arguments: str) -> str:
    own = ("-c", "user.name=me", "-c", "user.email=me@home.test")
    done = subprocess.run(["git", *own, *arguments], cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def repository(vibedom: Vibedom) -> Path:
    """The project as a repository with two commits and a clean tree."""
    project = vibedom.project
    _git(project, "init", "-q", "-b", "main")
    (project / "notes.txt").write_text("one\n")
    _git(project, "add", "-A")
    _git(project, "commit", "-qm", "first")
    return project


async def test_commits_come_home_as_a_branch_and_are_not_offered_as_files(vibedom: Vibedom, repository: Path) -> None:
    before = snapshot(repository)
    done = await vibedom.sh(COMMIT, options=("--name", "calm-otter-1", "--json"))
    assert done.code == 0, done
    report = json.loads(done.out)
    assert (report["branch"], report["commits"]) == ("vibedom/calm-otter-1", 1), done
    assert [change["path"] for change in report["changes"]] == ["new.txt", "notes.txt"]
    assert _git(repository, "log", "--format=%s %an", report["branch"]) == "second agent\nfirst me"
    after = snapshot(repository)
    assert {path for path in before if before[path] != after.get(path)} == set()
    assert _git(repository, "status", "--porcelain") == ""


async def test_without_git_in_the_image_the_files_come_home_and_the_reason_is_said(
    vibedom: Vibedom, repository: Path
) -> None:
    if vibedom.runtime != "docker":
        pytest.skip("this runtime's git is the host's")
    done = await vibedom.sh("echo x > .git/index; echo x > new.txt", options=("--json", "--image", GITLESS))
    if "is not in the engine" in done.err:
        pytest.skip(f"{GITLESS} has not been imported (tests/integration/docker/test_alpine.py does)")
    assert done.code == 0, done
    report = json.loads(done.out)
    assert (report["branch"], report["commits"]) == (None, None)
    assert report["notes"] == ["the agent's image has no git to bundle commits with; no branch is made"]
    assert "new.txt" in [change["path"] for change in report["changes"]]


async def test_masked_file_is_in_no_object_and_commits_come_onto_the_real_history(
    vibedom: Vibedom, repository: Path
) -> None:
    secrets = repository / "secrets.env"
    for text in (f"TOKEN={SECRET}\n", f"OLD={SECRET}\n"):  # committed, then changed
        secrets.write_text(text)
        _git(repository, "add", "-A")
        _git(repository, "commit", "-qm", "with a secret")
    secrets.write_text(f"STASHED={SECRET}\n")
    _git(repository, "stash", "-q")
    secrets.write_text(f"STAGED={SECRET}\n")
    _git(repository, "add", "-A")
    _git(repository, "commit", "-qm", "unreachable")
    _git(repository, "reset", "-q", "--soft", "HEAD^")  # the commit is unreachable, its blob is in the index
    _git(repository, "gc", "-q")
    head = _git(repository, "rev-parse", "HEAD")
    script = (
        f"set -e; (set +e; sh -c '{_quoted(LOOK)}' look /work; sh -c '{_quoted(LOOK)}' look /mnt/workspace) > seen; "
        f"git status --porcelain > status; git log --oneline | wc -l > past; {COMMIT}"
    )
    done = await vibedom.sh(script, options=("--name", "calm-otter-1", "--json", "--on-findings", "mask"))
    assert done.code == 0, done
    report = json.loads(done.out)
    assert report["commits"] == 1, done
    assert not any(change["path"].startswith((".git", "secrets.env")) for change in report["changes"])
    upper = vibedom.home / "sessions/calm-otter-1/upper"
    seen = (upper / "seen").read_bytes()
    assert b"notes.txt" in seen
    assert SECRET.encode() not in seen
    assert (upper / "status").read_text().split("\n") == ["?? seen", "?? status", ""]
    assert (upper / "past").read_text().strip() == "1"
    assert _git(repository, "rev-parse", f"{report['branch']}^") == head
    assert _git(repository, "diff", "--name-only", head, report["branch"]) == "notes.txt"
    assert SECRET in _git(repository, "show", f"{report['branch']}:secrets.env")


async def test_worktree_can_be_worked_in_and_its_commits_come_home(vibedom: Vibedom, repository: Path) -> None:
    main = repository.parent / "main"
    repository.rename(main)  # noqa: ASYNC240  # a test has nothing else to do
    _git(main, "worktree", "add", "-q", str(repository), "-b", "side")
    done = await vibedom.sh(
        f"git status --porcelain && git log --oneline && {COMMIT}", options=("--name", "calm-otter-1", "--json")
    )
    assert done.code == 0, done
    assert _git(main, "log", "--format=%s", "vibedom/calm-otter-1") == "second\nfirst"
    data = json.loads((await vibedom("diff", "calm-otter-1", "--json")).out)
    assert [change["path"] for change in data["changes"]] == ["new.txt", "notes.txt"]
    assert _git(repository, "status", "--porcelain") == ""


async def test_commits_in_submodules_and_repositories_inside_come_home_as_branches_of_theirs(
    vibedom: Vibedom, repository: Path
) -> None:
    origin, inside = repository.parent / "origin", repository / "tools/inside"
    for made in (origin, inside):
        made.mkdir(parents=True)
        _git(made, "init", "-q", "-b", "main")
        _git(made, "commit", "-q", "--allow-empty", "-m", "theirs")
    _git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(origin), "lib")
    (repository / "tools/.gitkeep").touch()
    _git(repository, "add", "lib", ".gitmodules", "tools/.gitkeep")
    _git(repository, "commit", "-qm", "with a submodule")
    before = snapshot(repository)
    work = "; ".join(
        f"cd /work/{directory} && echo new > new.txt && git add new.txt && git {IDENTITY} commit -qm {message}"
        for directory, message in (("lib", "inLib"), ("tools/inside", "inside"))
    )
    script = f"set -e; {work}; cd /work && git {IDENTITY} commit -qm root lib; echo 'touch /tmp/ran' > lib.sh"
    script += "; git -C lib config core.fsmonitor 'touch /work/ran'"
    done = await vibedom.sh(script, options=("--name", "calm-otter-1", "--json"))
    assert done.code == 0, done
    report = json.loads(done.out)
    assert (report["commits"], report["notes"]) == (1, [])
    assert report["inner_branches"] == {"lib": 1, "tools/inside": 1}
    branch = report["branch"]
    assert _git(repository / "lib", "log", "--format=%s", branch) == "inLib\ntheirs"
    assert _git(inside, "log", "--format=%s", branch) == "inside\ntheirs"
    assert _git(repository, "rev-parse", f"{branch}:lib") == _git(repository / "lib", "rev-parse", branch)
    data = json.loads((await vibedom("diff", "calm-otter-1", "--json")).out)
    changes = {change["path"]: change["dangers"] for change in data["changes"]}
    assert changes.keys() == {".git/modules/lib/config", "lib.sh", "lib/new.txt", "tools/inside/new.txt"}
    assert changes[".git/modules/lib/config"][0]["is_auto_run"] is True
    after = snapshot(repository)
    assert {path for path in before if before[path] != after.get(path)} == set()


def _quoted(script: str) -> str:
    return script.replace("'", "'\\''")
