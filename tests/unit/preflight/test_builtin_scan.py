"""Pre-flight without gitleaks: the built-in scanner gives the same report."""

import os
import shutil
import subprocess
from pathlib import Path

import anyio
import anyio.from_thread
import pytest

from tests.unit.preflight.conftest import token
from vibedom.errors import NotScannedError
from vibedom.paths import Home
from vibedom.preflight.scan import preflight
from vibedom.preflight.settings import PreflightSettings
from vibedom.rule_files import load_engine, load_hints

pytestmark = pytest.mark.anyio
BUILTIN = PreflightSettings(scanner="builtin")


@pytest.fixture(scope="module")
def compiled_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the shipped rules: compiling them takes seconds."""
    home = Home(root=tmp_path_factory.mktemp("rules"))
    load_engine(home, ())
    load_hints(home)
    return home.cache


@pytest.fixture
def home(tmp_path: Path, compiled_rules: Path) -> Home:
    home = Home(root=tmp_path / "home")
    shutil.copytree(compiled_rules, home.cache)
    return home


@pytest.mark.usefixtures("gitleaks_on_path")
async def test_both_scanners_report_the_same_findings(workspace: Path, home: Home) -> None:
    (workspace / "src").mkdir()
    (workspace / "src/a.py").write_text(f"x = 1\nt = '{token()}'\n")
    (workspace / ".env").write_text("AWS_ACCESS_KEY_ID=" + "AKIA" + "QYLPMN5HHHFPZAM2" + "\n")
    (workspace / ".git").mkdir()
    (workspace / ".git/config").write_text(f"t = '{token()}'\n")
    one = await preflight(workspace, home=home, settings=PreflightSettings(scanner="gitleaks"))
    other = await preflight(workspace, home=home, settings=BUILTIN)
    assert [(f.rule, f.file, f.start_line, f.risk, f.sample, f.fingerprint) for f in one.findings] == [
        (f.rule, f.file, f.start_line, f.risk, f.sample, f.fingerprint) for f in other.findings
    ]
    assert {f.file for f in other.findings} == {"src/a.py", ".env"}
    assert set(one.values.reveal()) == set(other.values.reveal())


async def test_it_is_taken_where_no_gitleaks_is_on_the_path(
    workspace: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (workspace / "a.py").write_text(f"t = '{token()}'\n")
    report = await preflight(workspace, home=home)
    assert report.scanner == "built-in"
    assert [finding.file for finding in report.findings] == ["a.py"]
    with pytest.raises(NotScannedError, match="no gitleaks"):
        await preflight(workspace, home=home, settings=PreflightSettings(scanner="gitleaks"))


async def test_a_gitleaks_inside_the_workspace_is_not_run(
    workspace: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "gitleaks").write_text(f"#!/bin/sh\ntouch {workspace}/was-run\necho 8.25.0\n")
    (workspace / "gitleaks").chmod(0o755)
    monkeypatch.setenv("PATH", f"{workspace}:/usr/bin:/bin")
    assert (await preflight(workspace, home=home)).scanner == "built-in"
    assert not (workspace / "was-run").exists()


async def test_personal_data_and_odd_names_hold_up_nothing(workspace: Path, home: Home) -> None:
    (workspace / "people.txt").write_text("someone@somewhere.org\n4111 1111 1111 1111\n10.1.2.3\n")
    assert (await preflight(workspace, home=home, settings=BUILTIN)).findings == ()


async def test_the_history_is_scanned_on_request_with_stashes_reflog_and_index(workspace: Path, home: Home) -> None:
    history = PreflightSettings(scanner="builtin", history=True)
    assert (await preflight(workspace, home=home, settings=history)).findings == ()
    _git(workspace, "init", "-q")
    seed = token().removeprefix("ghp_")
    tokens = {f"{name}.py": token(seed[at:] + seed[:at]) for at, name in enumerate("abc")}
    for name in ("a.py", "b.py"):
        for text in (f"x = 1\nt = '{tokens[name]}'\n", "x = 1\n"):
            (workspace / name).write_text(text)
            _git(workspace, "add", "-A")
            _git(workspace, "commit", "-qm", name)
    _git(workspace, "reset", "-q", "--hard", "HEAD~2")  # the commits of b.py are in the reflog only
    (workspace / "c.py").write_text(f"x = 1\nt = '{tokens['c.py']}'\n")
    _git(workspace, "add", "-A")  # in the index only
    (workspace / "c.py").write_text("x = 1\n")
    report = await preflight(workspace, home=home, settings=history)
    assert {(found.file, found.start_line) for found in report.findings} == {("a.py", 2), ("b.py", 2), ("c.py", 2)}
    commits = {found.file: found.commit for found in report.findings}
    assert _git(workspace, "show", f"{commits['a.py']}:a.py").endswith(f"'{tokens['a.py']}'")
    assert commits["c.py"] == "index"
    assert (await preflight(workspace, home=home, settings=BUILTIN)).findings == ()
    assert tokens["b.py"].encode() in {value for _, value in report.values.reveal()}


def _git(directory: Path, *arguments: str) -> str:
    own = ("-c", "user.name=me", "-c", "user.email=me@home.test")
    done = subprocess.run(["git", *own, *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def test_a_scan_that_nobody_waits_for_ends_with_the_file_it_is_at(workspace: Path, home: Home) -> None:
    first = workspace / "0.txt"
    first.write_bytes(b"nothing to be found\n" * 50)
    for number in range(1, 500):
        os.link(first, workspace / f"{number}.txt")
    told: list[str] = []

    def cancel(text: str) -> None:
        if "files" in text:
            told.append(text)
            anyio.from_thread.run_sync(scope.cancel)

    with anyio.CancelScope() as scope:
        await preflight(workspace, home=home, settings=BUILTIN, progress=cancel)
    assert scope.cancelled_caught
    assert told == ["looking for secrets: 1 files, 0 MB"]
