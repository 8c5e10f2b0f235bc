"""What `[local] visible` may show, and what it may not."""

import socket
from pathlib import Path

import pytest

from vibedom.errors import SettingsError
from vibedom.paths import Home
from vibedom.visible import visible_mounts


def test_a_tool_directory_is_mounted_read_only_at_its_own_place(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    # The temporary directory stands for a place outside of the closed ones.
    import vibedom.visible

    closed = vibedom.visible.CLOSED
    vibedom.visible.CLOSED = tuple(path for path in closed if path not in tools.parents)
    try:
        (mount,) = visible_mounts([str(tools)], Home(root=tmp_path / "state"))
    finally:
        vibedom.visible.CLOSED = closed
    assert (mount.source, mount.target, mount.read_only) == (tools, str(tools), True)


@pytest.mark.parametrize("entry", ["~", "/", "/run", "/var/run", "/etc", "/no/such/path", "relative", "/proc/1"])
def test_homes_system_directories_and_missing_paths_are_refused(entry: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="visible"):
        visible_mounts([entry], Home(root=tmp_path / "state"))


def test_a_socket_and_a_link_to_one_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "docker.sock"))
        (tmp_path / "link").symlink_to(tmp_path / "docker.sock")
        for name in ("docker.sock", "link"):
            with pytest.raises(SettingsError, match="sockets"):
                visible_mounts([str(tmp_path / name)], Home(root=tmp_path / "state"))
