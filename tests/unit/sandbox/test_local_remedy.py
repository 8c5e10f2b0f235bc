"""Every refusal of the kernel that is known has a command that lifts it, in one line."""

import errno
import os
from pathlib import Path

import pytest

from vibedom.sandbox.local_remedy import explain, forbidden_by

FORBIDDING = [
    ("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces="),
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
]


def settings(directory: Path, name: str, value: str) -> Path:
    (directory / name).parent.mkdir(parents=True)
    (directory / name).write_text(value + "\n")
    return directory


@pytest.mark.parametrize(("name", "value", "remedy"), FORBIDDING)
def test_a_setting_that_forbids_is_named_with_its_command(tmp_path: Path, name: str, value: str, remedy: str) -> None:
    found = forbidden_by(settings(tmp_path, name, value))
    if os.geteuid() == 0 and not name.startswith("user/"):
        assert found is None, "root is not concerned"
        return
    assert found is not None
    assert remedy in found
    message = explain(errno.EPERM, "namespaces: Operation not permitted", tmp_path)
    assert remedy in message
    assert "--runtime docker" in message
    assert "\n" not in message


@pytest.mark.parametrize(("name", "value", "_remedy"), FORBIDDING)
def test_a_setting_that_allows_is_not_blamed(tmp_path: Path, name: str, value: str, _remedy: str) -> None:
    sysctls = settings(tmp_path, name, "1" if value == "0" else "0")
    assert forbidden_by(sysctls) is None
    assert "sysctl" not in explain(errno.EPERM, "mounts: mount proc", sysctls)


@pytest.mark.parametrize(
    ("number", "reason", "words"),
    [
        (errno.ENODEV, "mounts: mount overlay at /work", "sudo modprobe overlay"),
        (errno.EINVAL, "mounts: mount overlay at /work", "Linux 5.14"),
        (errno.ENOSYS, "host files: mount_setattr", "Linux 5.14"),
        (errno.ENOENT, "host files: No such file", "host files: No such file"),
    ],
)
def test_other_failures_say_what_was_tried(tmp_path: Path, number: int, reason: str, words: str) -> None:
    message = explain(number, reason, tmp_path)
    assert words in message
    assert "\n" not in message
