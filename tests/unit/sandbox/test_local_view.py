"""What a local sandbox is shown: a list that names everything, and nothing of the user's."""

import os
from pathlib import Path

import pytest

from tests.integration.runtimes import make_spec
from vibedom.sandbox import local_view
from vibedom.sandbox.local_environment import for_command
from vibedom.sandbox.local_kernel import MOUNT_NO_DEVICES, MOUNT_NO_SUID, MOUNT_READ_ONLY
from vibedom.sandbox.runtime import Command, Mount, SandboxSpec


@pytest.fixture
def spec(tmp_path: Path) -> SandboxSpec:
    return make_spec(tmp_path)


def binds(spec: SandboxSpec) -> dict[str, tuple[str, int]]:
    """Target -> source and attributes."""
    return {step[1]: (step[2], step[3]) for step in local_view.steps(spec, None) if step[0] in ("bind", "shield")}


def test_only_tools_and_the_sessions_own_directories_are_shown(spec: SandboxSpec) -> None:
    allowed = ("/usr", "/bin", "/sbin", "/lib", "/etc/", "/dev/")
    own = {str(path) for path in (spec.workspace, spec.agent_home, spec.trust)}
    for source, _ in binds(spec).values():
        assert source in own or source.startswith(allowed), source


def test_only_the_agents_home_can_be_written(spec: SandboxSpec) -> None:
    writable = {
        target
        for target, (source, attributes) in binds(spec).items()
        if not attributes & MOUNT_READ_ONLY and not source.startswith("/dev/")
    }
    assert writable == {"/home/agent"}


def test_nothing_that_is_shown_gives_rights_or_devices(spec: SandboxSpec) -> None:
    for target, (source, attributes) in binds(spec).items():
        assert attributes & MOUNT_NO_SUID, target
        assert attributes & MOUNT_NO_DEVICES or source.startswith("/dev/"), target


def test_the_devices_are_the_harmless_ones(spec: SandboxSpec) -> None:
    shown = {source for source, _ in binds(spec).values() if source.startswith("/dev/")}
    assert shown == {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty")}


def test_masks_come_after_what_they_cover(spec: SandboxSpec, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    masked = make_spec(tmp_path, session="masked", mounts=[Mount(source=tmp_path / "empty", target="/work/.env")])
    targets = [step[1] for step in local_view.steps(masked, None)]
    assert targets.index("/work") < targets.index("/work/.env")


def test_nothing_of_the_supervisors_environment_is_handed_on(
    spec: SandboxSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent.sock")
    monkeypatch.setenv("MY_TOKEN", "ghp_" + "x" * 36)
    environment = for_command(Command(argv=["true"], tty=False), spec, "http://127.0.0.1:3128", "/bin/sh")
    assert not {"SSH_AUTH_SOCK", "MY_TOKEN"} & environment.keys()
    assert os.environ["MY_TOKEN"] not in environment.values()
    assert environment["PATH"].split(":")[-1] == "/bin"


def test_a_command_may_set_its_own_variables_and_a_terminal_has_a_type(spec: SandboxSpec) -> None:
    command = Command(argv=["true"], tty=True, environment={"PATH": "/mine", "EXTRA": "1"})
    environment = for_command(command, spec, "http://127.0.0.1:3128", "/bin/sh")
    assert (environment["PATH"], environment["EXTRA"], environment["TERM"]) == ("/mine", "1", "xterm-256color")
    assert environment["HTTPS_PROXY"] == "http://127.0.0.1:3128"
