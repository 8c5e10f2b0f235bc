"""`[preflight]` of policy.toml: what a run is told by it, and mistakes that are named."""

import os
from pathlib import Path

import pytest

from tests.unit.preflight.conftest import token
from vibedom.cli.screening import screen
from vibedom.errors import NotScannedError, SettingsError
from vibedom.paths import Home
from vibedom.settings import Policy, compose

SLOW_GITLEAKS = """#!/bin/sh
case "$*" in version) echo 8.25.0; exit;; *--help) echo 'use "-" for stdout'; exit;; esac
sleep 600
"""


def _policy(text: str) -> Policy:
    return compose("", text, config=Path("/config"), clients=lambda: ())


@pytest.mark.anyio
async def test_a_run_waits_for_the_scan_as_long_as_the_policy_says(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bin", "project"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin/gitleaks").write_text(SLOW_GITLEAKS)
    (tmp_path / "bin/gitleaks").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin:/bin")
    policy = _policy('[preflight]\nscanner = "gitleaks"\ntimeout_seconds = 1.5\n')
    with pytest.raises(NotScannedError, match=r"did not finish in 1\.5 s.*policy\.toml.*timeout_seconds"):
        await screen(tmp_path / "project", home, policy, on_findings="continue")


@pytest.mark.anyio
@pytest.mark.usefixtures("gitleaks_on_path")
async def test_a_file_over_the_policys_size_is_not_read(home: Home, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/large.txt").write_text(f"{token()}\n" + "x\n" * (1 << 20))
    (tmp_path / "project/small.txt").write_text(f"{token()}\n")
    policy = _policy('[preflight]\nscanner = "gitleaks"\nmax_file_mib = 1\n')
    found = await screen(tmp_path / "project", home, policy, on_findings="continue")
    assert [each.file for each in found.findings] == ["small.txt"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("timeout_seconds = 0", "timeout_seconds must be from 1 to 86400"),
        ("max_file_mib = 5000", "max_file_mib must be from 1 to 1024"),
        ('scanner = "none"', "Invalid enum value 'none'"),
        ("timeout = 3", "unknown field `timeout`"),
    ],
)
def test_a_mistake_in_it_is_named(line: str, said: str) -> None:
    with pytest.raises(SettingsError, match=rf"policy\.toml: .*{said}.* at `\$\.preflight"):
        _policy(f"[preflight]\n{line}\n")
