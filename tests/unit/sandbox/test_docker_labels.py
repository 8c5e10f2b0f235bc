"""docker_labels: an owner is one process of one boot, a home is one directory of one user."""

import os
import subprocess
from pathlib import Path

import pytest

from vibedom.errors import SandboxError
from vibedom.sandbox import docker_labels
from vibedom.sandbox.docker_labels import Owner, birth, home_hash, labels, owner


def test_this_process_is_alive() -> None:
    assert Owner(os.getpid(), birth(os.getpid()) or "").is_alive()


def test_a_process_that_got_the_same_id_later_is_not_the_owner() -> None:
    boot, _, ticks = (birth(os.getpid()) or "").partition(":")
    assert not Owner(os.getpid(), f"{boot}:{int(ticks) + 1}").is_alive()


def test_nothing_of_another_boot_is_alive() -> None:
    ticks = (birth(os.getpid()) or "").partition(":")[2]
    assert not Owner(os.getpid(), f"00000000-0000-0000-0000-000000000000:{ticks}").is_alive()


def test_a_process_that_has_ended_is_dead_even_as_a_zombie() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert birth(process.pid) is None
    process.wait()
    assert birth(process.pid) is None


def test_a_process_whose_name_looks_like_fields_is_read_right(tmp_path: Path) -> None:
    program = tmp_path / "a) Z 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "100"]) as process:
        born = birth(process.pid)
        process.kill()
    assert born is not None
    assert born.count(":") == 1


def test_labels_name_session_owner_and_home(tmp_path: Path) -> None:
    found = labels("blue-fox", tmp_path, owner_pid=os.getpid(), started_at=1.0)
    assert found[docker_labels.SESSION] == "blue-fox"
    assert owner(found) == Owner(os.getpid(), birth(os.getpid()) or "")
    assert found[docker_labels.HOME] == home_hash(tmp_path)


def test_two_homes_never_share_a_label(tmp_path: Path) -> None:
    assert home_hash(tmp_path / "a") != home_hash(tmp_path / "b")


def test_a_dead_owner_gets_no_labels(tmp_path: Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(SandboxError, match="not alive"):
        labels("blue-fox", tmp_path, owner_pid=process.pid, started_at=1.0)


@pytest.mark.parametrize("found", [{}, {"vibedom.owner_pid": ""}, {"vibedom.owner_pid": "-1"}, {"other": "1"}])
def test_labels_of_somebody_else_have_no_owner(found: dict[str, str]) -> None:
    assert owner(found) is None
