"""docker_agent: what the agent's container is given, and above all what it is not."""

from pathlib import Path

import pytest

from tests.integration.runtimes import make_spec
from vibedom.errors import SandboxError
from vibedom.sandbox import docker_agent, trust
from vibedom.sandbox.runtime import Command, Limits, Mount


def test_the_overlays_marks_are_readable_where_the_kernel_can(tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    expected = f"lowerdir={spec.lower},upperdir={spec.upper},workdir={spec.work}"
    assert docker_agent.overlay_options(spec, "6.1.0-18-amd64", is_root=False) == f"{expected},userxattr"
    assert docker_agent.overlay_options(spec, "5.11.0", is_root=False) == f"{expected},userxattr"
    assert docker_agent.overlay_options(spec, "5.10.0-28-cloud-amd64", is_root=True) == expected
    assert docker_agent.overlay_options(spec, "4.19+", is_root=True) == expected


@pytest.mark.parametrize("name", ["a,b", "a:b", "a\\b", 'a"b'])
def test_a_path_that_mount_options_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SandboxError, match="mount options"):
        docker_agent.overlay_options(make_spec(tmp_path / name), "6.1.0", is_root=True)


@pytest.mark.parametrize("kernel", ["5.10.0-28-cloud-amd64", "4.19+"])
def test_marks_that_an_ordinary_user_could_not_read_are_refused_and_not_hidden(tmp_path: Path, kernel: str) -> None:
    with pytest.raises(SandboxError, match="only root could read") as refused:
        docker_agent.overlay_options(make_spec(tmp_path), kernel, is_root=False)
    assert "\n" not in str(refused.value)


def test_the_read_only_side_is_an_overlay_without_an_upper_layer(tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    [side] = [mount for mount in docker_agent.mounts(spec, "v") if mount["Target"] == "/mnt/workspace"]
    assert (side["Type"], side["Source"], side["ReadOnly"]) == ("volume", "v-project", True)
    assert docker_agent.project_options(spec) == f"lowerdir={spec.lower}:{spec.trust}/nothing"


def test_only_home_and_overlay_are_writable(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, mounts=[Mount(source=tmp_path, target="/more")])
    writable = [mount["Target"] for mount in docker_agent.mounts(spec, "v") if not mount.get("ReadOnly")]
    assert sorted(writable) == ["/home/agent", "/work"]


def test_the_merged_bundle_lies_over_every_known_place(tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    sources = {mount["Target"]: mount["Source"] for mount in docker_agent.mounts(spec, "v")}
    for path in trust.SYSTEM_BUNDLES:
        assert sources[path] == str(spec.trust / "ca-bundle.pem")


def test_names_and_users_are_the_sandboxs_own(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, uid=1234, gid=5678)
    docker_agent.write_files(spec, "172.18.0.1")
    assert (spec.trust / "resolv.conf").read_text().startswith("nameserver 172.18.0.1\n")
    assert "agent:x:1234:5678:agent:/home/agent:/bin/sh\n" in (spec.trust / "passwd").read_text()
    assert "agent:x:5678:\n" in (spec.trust / "group").read_text()
    assert "127.0.0.1 localhost" in (spec.trust / "hosts").read_text()


def test_a_workspace_of_root_gives_an_agent_with_roots_uid_and_no_second_name(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, uid=0, gid=0)
    docker_agent.write_files(spec, "172.18.0.1")
    assert (spec.trust / "passwd").read_text().splitlines()[0] == "root:x:0:0:root:/home/agent:/bin/sh"
    assert "agent:x" not in (spec.trust / "passwd").read_text()


def test_the_users_variables_come_last(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, environment={"LANG": "de_DE.UTF-8", "A": "spec"})
    command = Command(argv=["x"], tty=True, environment={"A": "command"})
    found = dict(entry.split("=", 1) for entry in docker_agent.environment(spec, command, "http://p:1"))
    assert (found["LANG"], found["A"], found["HOME"]) == ("de_DE.UTF-8", "command", "/home/agent")
    assert found["HTTPS_PROXY"] == "http://p:1"
    assert found["TERM"] == "xterm-256color"


def test_the_container_has_no_privilege_and_the_given_limits(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, limits=Limits(pids=99, memory_bytes=1 << 30, cpus=1.5))
    host = docker_agent.host_config(spec, "holder-id", [])
    assert host["CapDrop"] == ["ALL"]
    assert "CapAdd" not in host
    assert host["Privileged"] is False
    assert host["SecurityOpt"][0] == "no-new-privileges"
    assert host["SecurityOpt"][1].startswith('seccomp={"defaultAction": "SCMP_ACT_ERRNO"')
    assert host["NetworkMode"] == "container:holder-id"
    assert host["Init"] is True
    assert (host["PidsLimit"], host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (
        99,
        1 << 30,
        1 << 30,
        1_500_000_000,
    )


def test_scratch_files_are_in_memory_and_no_file_is_longer_than_the_disk_limit(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, limits=Limits(memory_bytes=1 << 30, disk_bytes=1 << 26))
    host = docker_agent.host_config(spec, "holder-id", [])
    assert host["Ulimits"] == [{"Name": "fsize", "Soft": 1 << 26, "Hard": 1 << 26}]
    assert set(host["Tmpfs"]) == {"/tmp", "/var/tmp"}
    assert all({"exec", "size=1073741824"} <= set(options.split(",")) for options in host["Tmpfs"].values())
