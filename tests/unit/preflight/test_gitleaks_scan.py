"""Pre-flight with the gitleaks binary: what is found, what counts as not scanned, and what is written."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.unit.preflight.conftest import token
from vibedom.errors import NotScannedError
from vibedom.paths import Home
from vibedom.preflight.approved import read_approvals, write_approvals
from vibedom.preflight.gitleaks import probe_gitleaks
from vibedom.preflight.report_file import write_report
from vibedom.preflight.scan import Report, preflight
from vibedom.preflight.settings import PreflightSettings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("gitleaks_on_path")]
WITH_GITLEAKS = PreflightSettings(scanner="gitleaks")


async def _scan(workspace: Path, home: Home, settings: PreflightSettings = WITH_GITLEAKS) -> Report:
    return await preflight(workspace, home=home, settings=settings)


def _git(workspace: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t.test", *arguments],
        cwd=workspace,
        check=True,
        capture_output=True,
    )


async def test_secret_is_found_with_place_risk_and_sample_but_never_shown(workspace: Path, home: Home) -> None:
    (workspace / "sub").mkdir()
    (workspace / "sub/a b.py").write_text(f"\n\nt = '{token()}'\n")
    report = await _scan(workspace, home)
    (finding,) = report.findings
    assert (finding.file, finding.start_line, finding.rule) == ("sub/a b.py", 3, "github-pat")
    assert finding.risk == "HIGH"
    assert finding.sample == "ghp_... (40 bytes)"
    assert token() not in repr(report)
    assert (f"{finding.rule} in sub/a b.py", token().encode()) in report.values.reveal()


async def test_kept_report_is_private_and_holds_no_secret(workspace: Path, home: Home, tmp_path: Path) -> None:
    (workspace / ".env").write_text(f"GITHUB_TOKEN={token()}\n")
    report = await _scan(workspace, home)
    write_report(report.findings, tmp_path / "report.json")
    assert (tmp_path / "report.json").stat().st_mode & 0o777 == 0o600
    text = (tmp_path / "report.json").read_text()
    assert token()[4:] not in text
    (row,) = json.loads(text)
    assert (row["RuleID"], row["File"], row["Fingerprint"]) == ("github-pat", ".env", ".env:github-pat:1")


async def test_dependencies_and_git_internals_are_not_read(workspace: Path, home: Home) -> None:
    for directory in ("node_modules/x", ".git/logs", ".venv/lib"):
        (workspace / directory).mkdir(parents=True)
        (workspace / directory / "f.txt").write_text(f"t = '{token()}'\n")
    assert (await _scan(workspace, home)).findings == ()


async def test_allow_comment_and_ignore_file_are_respected(workspace: Path, home: Home) -> None:
    (workspace / "allowed.py").write_text(f"t = '{token()}'  # gitleaks:allow\n")
    (workspace / "one.py").write_text(f"t = '{token()}'\n")
    (workspace / "two.py").write_text(f"t = '{token()}'\n")
    commit = "0123456789abcdef0123456789abcdef01234567"
    (workspace / ".gitleaksignore").write_text(f"one.py:github-pat:1\n{commit}:two.py:github-pat:1\n")
    report = await _scan(workspace, home)
    assert report.to_decide == ()


async def test_approval_survives_moved_lines_and_does_not_cover_another_secret(workspace: Path, home: Home) -> None:
    (workspace / "a.py").write_text(f"t = '{token()}'\n")
    report = await _scan(workspace, home)
    write_approvals(workspace, read_approvals(workspace).also(report.to_decide))
    assert token()[4:] not in (workspace / ".vibedom/approved_secrets.toml").read_text()
    (workspace / "a.py").write_text(f"\n\n\nt = '{token()}'\n")
    assert (await _scan(workspace, home)).to_decide == ()
    other = token("zY9xW8vU7tS6rQ5pN4mL3kJ2hG1fE0dC9bA8")
    (workspace / "a.py").write_text(f"\n\n\nt = '{other}'\n")
    assert len((await _scan(workspace, home)).to_decide) == 1


async def test_approval_written_with_another_key_does_not_count(workspace: Path, home: Home, tmp_path: Path) -> None:
    (workspace / "a.py").write_text(f"t = '{token()}'\n")
    report = await _scan(workspace, Home(root=tmp_path / "elsewhere"))
    write_approvals(workspace, read_approvals(workspace).also(report.to_decide))
    assert len((await _scan(workspace, home)).to_decide) == 1


async def test_history_is_scanned_on_request_and_lists_each_secret_once(workspace: Path, home: Home) -> None:
    _git(workspace, "init", "-q")
    (workspace / "old.py").write_text(f"t = '{token()}'\n")
    (workspace / ".gitignore").write_text(".env\n")
    _git(workspace, "add", "old.py", ".gitignore")
    _git(workspace, "commit", "-qm", "old")
    (workspace / "old.py").unlink()
    _git(workspace, "commit", "-qam", "gone")
    other = token("zY9xW8vU7tS6rQ5pN4mL3kJ2hG1fE0dC9bA8")
    (workspace / ".env").write_text(f"GITHUB_TOKEN={other}\n")
    assert [each.file for each in (await _scan(workspace, home)).findings] == [".env"]
    report = await _scan(workspace, home, PreflightSettings(scanner="gitleaks", history=True))
    assert sorted((each.file, bool(each.commit)) for each in report.findings) == [(".env", False), ("old.py", True)]


async def test_file_above_the_limit_is_listed_as_skipped(workspace: Path, home: Home) -> None:
    (workspace / "small.py").write_text(f"t = '{token()}'\n")
    with (workspace / "big.bin").open("wb") as file:
        file.truncate(3 << 20)
    report = await _scan(workspace, home, PreflightSettings(scanner="gitleaks", max_file_mib=2))
    assert [each.path for each in report.skipped] == ["big.bin"]
    assert len(report.findings) == 1


def _install(directory: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A gitleaks of another version or with another end."""
    directory.mkdir()
    (directory / "gitleaks").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "gitleaks").chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}/usr/bin:/bin")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -9 $$", "was killed by signal 9"),
        ("echo '[]'; exit 1", "failed with 1"),
        ("echo 'no report'", "is not understood"),
        ("sleep 60", "did not finish in 1 s"),
    ],
)
async def test_scan_that_did_not_end_well_has_not_scanned(
    workspace: Path, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    about = 'case "$*" in version) echo 8.25.0; exit;; *--help) echo \'use "-" for stdout\'; exit;; esac'
    _install(tmp_path / "bin", monkeypatch, f"{about}\n{script}")
    with pytest.raises(NotScannedError, match=said):
        await _scan(workspace, home, PreflightSettings(scanner="gitleaks", timeout_seconds=1))


async def test_older_version_is_called_in_its_own_words_and_reports_to_memory(
    workspace: Path, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"RuleID": "generic", "File": "x", "StartLine": 1, "EndLine": 1, "StartColumn": 1, "EndColumn": 2}
    report = shlex.quote(json.dumps([{**row, "Secret": "abc"}]))
    log = tmp_path / "calls"
    script = f"""
    case "$1" in version) echo 8.18.4; exit;; esac
    case "$*" in *--help) echo detect; exit;; esac
    echo "$@" > {log}
    while [ "$1" != --report-path ]; do shift; done
    printf %s {report} > "$2"
    """
    _install(tmp_path / "bin", monkeypatch, script)
    found = await _scan(workspace, home)
    assert [each.rule for each in found.findings] == ["generic"]
    called = log.read_text()
    assert called.startswith("detect --no-git --source . ")
    assert called.split("--report-path ")[1].split("/")[-2] not in os.listdir("/dev/shm")


@pytest.mark.parametrize("version", ["8.17.0", "8.31.0", "9.0.0", "dev"])
async def test_version_that_is_not_known_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    _install(tmp_path / "bin", monkeypatch, f"echo {version}")
    assert await probe_gitleaks(tmp_path / "bin/gitleaks") is None
