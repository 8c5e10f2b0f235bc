"""`vibedom diff`, `apply` and `undo` as a user calls them, on a session with a real overlay."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ended_session import Session
from tests.support.overlays import Project, snapshot


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled rules, which every test would have to make again."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def session(project: Project, cache: Path) -> Session:
    session = Session(project.root, cache)
    (session.workspace / "a.txt").write_text("one\n")
    (session.workspace / "b.txt").write_text("two\n")
    session.start()
    with session.project.mounted() as merged:
        (merged / "a.txt").write_text("uno\n\x1b[2J\u202e\n")
        (merged / "b.txt").unlink()
        (merged / "src").mkdir()
        (merged / "src/new.py").write_text("print()\n")
        (merged / ".envrc").write_text("export X=1\n")
        (merged / "evil\x1b[31m").write_text("x")
    return session


def test_diff_shows_danger_first_and_nothing_raw(session: Session) -> None:
    shown = session.run("diff").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    lines = shown.splitlines()
    assert lines[1] == "  ! .envrc: direnv runs it when a shell enters the directory"
    assert "+\\x1b[2J\\u202e" in lines
    assert "A evil\\x1b[31m" in lines
    assert lines.index("M a.txt") < lines.index("-one") < lines.index("+uno")


def test_what_the_diff_shows_in_one_line_is_not_applied_by_a_blanket_yes(session: Session) -> None:
    files = [f"vendor/{number}.go" for number in range(21)]
    with session.project.mounted() as merged:
        (merged / "vendor").mkdir()
        for file in files:
            (merged / file).write_text("package x\n")
    assert "* vendor/ (22 changes by tools; --all shows them)" in session.run("diff").stdout
    applied = session.run("apply", "--all", "--yes")
    assert "22 paths from vendor on: it is one of many" in applied.stdout + applied.stderr
    assert (session.workspace / "src/new.py").exists()
    assert not any((session.workspace / file).exists() for file in files)
    session.run("apply", "--all", "--yes", "--include-dangerous")
    assert all((session.workspace / file).exists() for file in files)


def test_diff_and_help_start_no_event_loop_which_would_be_a_third_of_their_time(session: Session) -> None:
    for arguments in (["--help"], ["diff", "--stat", "a.txt"]):
        argv = [sys.executable, "-X", "importtime", "-m", "vibedom", *arguments]
        done = subprocess.run(
            argv, cwd=session.workspace, env=session.environment, capture_output=True, text=True, timeout=60, check=True
        )
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "asyncclick" in imported
        assert imported.isdisjoint({"asyncio", "anyio", "concurrent.futures"})


def test_stat_names_and_json_list_the_same_paths(session: Session) -> None:
    names = session.run("diff", "--name-only").stdout.splitlines()
    assert names == [".envrc", "a.txt", "b.txt", "evil\\x1b[31m", "src", "src/new.py"]
    data = json.loads(session.run("diff", "calm", "--json").stdout)
    assert [change["path"] for change in data["changes"]] == [*names[:3], "evil\x1b[31m", *names[4:]]
    assert data["changes"][0]["dangers"][0]["is_auto_run"] is True
    assert "M a.txt +2 -1" in session.run("diff", "--stat", "a.txt").stdout


def test_patch_file_is_taken_by_git_apply(session: Session) -> None:
    session.run("diff", "--patch", str(session.project.root / "p"), "a.txt", "b.txt")
    subprocess.run(["git", "apply", str(session.project.root / "p")], cwd=session.workspace, check=True)
    assert sorted(os.listdir(session.workspace)) == ["a.txt"]


def test_apply_without_a_terminal_needs_yes_and_leaves_dangerous_paths_out(session: Session) -> None:
    before = snapshot(session.workspace)
    assert "give --all" in session.run("apply", code=2).stderr
    assert "--yes" in session.run("apply", "--all", code=2).stderr
    assert snapshot(session.workspace) == before
    report = json.loads(session.run("apply", "--all", "--yes", "--json").stdout)
    assert [each["path"] for each in report["held_back"]] == [".envrc"]
    assert not (session.workspace / ".envrc").exists()
    assert (session.workspace / "src/new.py").exists()
    assert session.status == "ended"
    session.run("apply", ".envrc", "--include-dangerous", "--yes")
    assert (session.workspace / ".envrc").exists()
    assert session.status == "applied"
    session.run("undo")
    session.run("undo")
    assert snapshot(session.workspace) == before
    assert session.status == "ended"
    assert "nothing to undo" in session.run("undo", code=74).stderr


def test_on_a_terminal_dangerous_changes_need_a_yes_of_their_own(session: Session) -> None:
    assert session.typed("n\n", "apply").endswith("nothing was applied")
    assert not (session.workspace / "src").exists()
    shown = session.typed("y\nn\n", "apply")
    assert "held back, because something on this machine could run it: .envrc" in shown
    assert (session.workspace / "src/new.py").exists()
    assert not (session.workspace / ".envrc").exists()
    session.typed("y\n", "apply")
    assert (session.workspace / ".envrc").exists()


def test_conflict_ends_with_its_own_exit_code_and_touches_nothing(session: Session) -> None:
    (session.workspace / "a.txt").write_text("mine\n")
    before = snapshot(session.workspace)
    assert "conflict: a.txt: was changed on the host" in session.run("apply", "--all", "--yes", code=4).stderr
    assert snapshot(session.workspace) == before


def test_new_secret_is_a_danger_and_its_value_is_not_told_twice(session: Session) -> None:
    secret = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2zA4"
    with session.project.mounted() as merged:
        (merged / "config.py").write_text(f"TOKEN = '{secret}'\n")
    data = session.run("diff", "--json", "config.py").stdout
    assert [danger["reason"] for danger in json.loads(data)["changes"][0]["dangers"]] == [
        "it has a new secret in it (github-pat)"
    ]
    assert secret not in data
    session.run("apply", "config.py", "--yes")
    with session.project.mounted() as merged:
        (merged / "config.py").write_text(f"TOKEN = '{secret}'\nMORE = 1\n")
    assert json.loads(session.run("diff", "--json", "config.py").stdout)["changes"][0]["dangers"] == []


def test_path_that_was_not_changed_is_an_error(session: Session) -> None:
    assert "changed nothing at nowhere" in session.run("apply", "nowhere", "--yes", code=2).stderr
    assert "nowhere is no session, no file of" in session.run("diff", "nowhere", code=2).stderr
    (session.workspace / "mine.txt").write_text("the host's own\n")
    assert session.run("diff", "mine.txt").stderr.strip() == "the agent has changed nothing at mine.txt"


def test_what_is_special_about_a_change_stands_in_its_line(session: Session) -> None:
    with session.project.mounted() as merged:
        (merged / "a.txt").chmod(0o755)
        os.mkfifo(merged / "pipe")
        with (merged / "huge").open("wb") as file:
            file.truncate(257 << 20)
    lines = session.run("diff", "--stat", "a.txt", "pipe", "huge").stdout.splitlines()
    assert lines[-4:-1] == [
        "M a.txt (0644 -> 0755) +2 -1",
        "A huge (large, 0 -> 269484032 bytes)",
        "A pipe (fifo: never brought to the project)",
    ]


@pytest.fixture
def long(session: Session) -> Session:
    """A file with two hunks on the agent's side."""
    lines = [f"line {number}" for number in range(40)]
    (session.workspace / "long.txt").write_text("\n".join(lines))
    session.start()
    with session.project.mounted() as merged:
        (merged / "long.txt").write_text("\n".join(["first", *lines[1:39], "last"]))
    return session


def test_single_hunks_are_applied_by_their_number(long: Session) -> None:
    assert "numbered 1 to 2" in long.run("apply", "--hunk", "long.txt:3", "--yes", code=2).stderr
    assert "no such file" in long.run("apply", "--hunk", "missing.txt:1", "--yes", code=2).stderr
    long.run("apply", "--hunk", "long.txt:2", "--yes")
    text = (long.workspace / "long.txt").read_text()
    assert text.startswith("line 0\n")
    assert text.endswith("\nlast")
    assert not (long.workspace / "src").exists()


@pytest.mark.parametrize(
    ("answers", "wanted", "is_settled"),
    [("m\ny\n", "mine\n", True), ("s\ny\n", "mine\n", False), ("t\ny\n", "first\n", False)],
)
def test_conflicts_are_resolved_on_the_terminal(long: Session, answers: str, wanted: str, is_settled: bool) -> None:
    (long.workspace / "long.txt").write_text("mine\n")
    long.typed(answers, "apply", "long.txt", "b.txt")
    assert (long.workspace / "long.txt").read_text().startswith(wanted)
    assert not (long.workspace / "b.txt").exists()
    names = long.run("diff", "--name-only").stdout.splitlines()
    assert ("long.txt" in names) == (wanted == "mine\n" and not is_settled)
    assert ("long.txt" in long.run("diff", "--name-only", "--settled").stdout) == (wanted == "mine\n")


def test_conflict_is_merged_in_the_editor_and_not_with_its_markers(
    long: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    (long.workspace / "long.txt").write_text("mine\n")
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)
    assert "markers are still in it" in long.typed("e\nq\n", "apply", "long.txt")
    assert (long.workspace / "long.txt").read_text() == "mine\n"
    monkeypatch.setenv("EDITOR", "sed -i -e '/^[<=>]\\{7\\}/d' -e '/^line/d'")
    long.typed("e\ny\n", "apply", "long.txt")
    assert (long.workspace / "long.txt").read_text() == "mine\nfirst\nlast\n"
    assert "long.txt" not in long.run("diff", "--name-only").stdout
    long.run("undo")
    assert (long.workspace / "long.txt").read_text() == "mine\n"
    assert "long.txt" in long.run("diff", "--name-only").stdout


def test_scripts_resolve_conflicts_by_path(long: Session) -> None:
    (long.workspace / "long.txt").write_text("mine\n")
    long.run("apply", "--all", "--yes", code=4)
    long.run("apply", "--all", "--yes", "--mine", "long.txt")
    assert (long.workspace / "long.txt").read_text() == "mine\n"
    assert not (long.workspace / "b.txt").exists()
    long.run("apply", "--settled", "--yes", "--theirs", "long.txt")
    assert (long.workspace / "long.txt").read_text().startswith("first\n")


def test_moved_file_is_one_line_and_the_patch_moves_it(session: Session) -> None:
    (session.workspace / "dir").mkdir()
    (session.workspace / "dir/data.bin").write_bytes(b"\0\1" * 500)
    session.start()
    with session.project.mounted() as merged:
        (merged / "moved").mkdir()
        (merged / "dir/data.bin").rename(merged / "moved/data.bin")
    assert "R dir/data.bin -> moved/data.bin" in session.run("diff", "--stat").stdout.splitlines()
    shown = session.run("diff", "dir", "moved").stdout
    assert "R dir/data.bin -> moved/data.bin" in shown
    assert "binary" not in shown
    changes = json.loads(session.run("diff", "--json", "dir", "moved").stdout)["changes"]
    assert {change["path"]: change["renamed_from"] for change in changes}["moved/data.bin"] == "dir/data.bin"
    session.run("diff", "--patch", str(session.project.root / "p"), "dir", "moved")
    subprocess.run(["git", "apply", str(session.project.root / "p")], cwd=session.workspace, check=True)
    assert (session.workspace / "moved/data.bin").read_bytes() == b"\0\1" * 500
    assert not (session.workspace / "dir/data.bin").exists()


def test_secret_is_not_shown_in_the_diff_and_is_in_the_patch(session: Session) -> None:
    secret = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2zA4"
    with session.project.mounted() as merged:
        (merged / "config.py").write_text(f"BEFORE = 1\nTOKEN = '{secret}'\n")
    shown = session.run("diff", "config.py").stdout
    assert secret not in shown
    assert "+TOKEN = '[REDACTED_GITHUB_PAT]'" in shown.splitlines()
    assert secret in session.run("diff", "--patch", "-", "config.py").stdout


def test_pager_is_used_on_a_terminal_only(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = session.project.root / "paged"
    monkeypatch.setenv("PAGER", f"tee {mark}")
    for name in ("GIT_PAGER", "VIBEDOM_PAGER"):
        monkeypatch.delenv(name, raising=False)
    session.run("diff")
    assert not mark.exists()
    done = subprocess.run(
        ["script", "-qec", f"{sys.executable} -m vibedom diff --stat", "/dev/null"],
        cwd=session.workspace,
        env={**os.environ, "VIBEDOM_HOME": str(session.home.root), "HOME": str(session.project.root)},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert "a.txt" in mark.read_text()
    assert b"a.txt" in done.stdout
