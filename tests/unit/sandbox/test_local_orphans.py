"""The register of local sandboxes: whose supervisor is gone, and who must not be touched."""

import os
import subprocess
from pathlib import Path

import pytest

from vibedom.process_identity import start_ticks
from vibedom.sandbox.local_orphans import Entry, Register, clear_work, end, leftovers


def entry(tmp_path: Path, owner: int, launcher: int, **changes: object) -> Entry:
    fields: dict[str, object] = {
        "session": "s-1",
        "owner_pid": owner,
        "owner_started": start_ticks(owner) or 1,
        "launcher_pid": launcher,
        "launcher_started": start_ticks(launcher) or 1,
        "work": str(tmp_path / "work"),
        "groups": [],
    }
    return Entry(**(fields | changes))  # type: ignore[arg-type]


def ended_pid() -> int:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register(tmp_path / "register")


def test_a_sandbox_with_a_living_supervisor_is_no_orphan(register: Register, tmp_path: Path) -> None:
    register.write(entry(tmp_path, os.getpid(), os.getpid()))
    assert list(register.orphans()) == []


def test_a_sandbox_with_a_dead_supervisor_is_one(register: Register, tmp_path: Path) -> None:
    written = entry(tmp_path, ended_pid(), ended_pid())
    register.write(written)
    assert list(register.orphans()) == [written]
    assert leftovers(written) == []


def test_a_pid_that_is_used_again_does_not_hide_an_orphan(register: Register, tmp_path: Path) -> None:
    register.write(entry(tmp_path, os.getpid(), os.getpid(), owner_started=(start_ticks(os.getpid()) or 0) - 1))
    assert len(list(register.orphans())) == 1


def test_a_stranger_with_the_launchers_pid_is_neither_listed_nor_killed(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        written = entry(tmp_path, ended_pid(), stranger.pid, launcher_started=1)
        assert leftovers(written) == []
        assert end(written)
        assert stranger.poll() is None
        stranger.kill()


def test_a_launcher_that_is_left_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"]) as launcher:
        written = entry(tmp_path, ended_pid(), launcher.pid)
        assert [one.kind for one in leftovers(written)] == ["process"]
        assert end(written)
        assert launcher.wait() == -9


def test_a_damaged_entry_is_passed_over(register: Register, tmp_path: Path) -> None:
    register.write(entry(tmp_path, ended_pid(), ended_pid()))
    (tmp_path / "register" / "cut.json").write_text('{"session": "cu')
    assert [one.session for one in register.orphans()] == ["s-1"]


def test_the_kernels_work_directory_is_cleared_and_a_link_in_its_place_not_followed(tmp_path: Path) -> None:
    work, outside = tmp_path / "work", tmp_path / "outside"
    (work / "work").mkdir(parents=True)
    (work / "work" / "x").touch()
    (work / "work").chmod(0)
    outside.mkdir()
    (outside / "kept").touch()
    (work / "index").symlink_to(outside)
    clear_work(work)
    assert [path.name for path in work.iterdir()] == ["index"]
    assert (outside / "kept").exists()
