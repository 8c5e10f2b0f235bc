"""Which mechanism bounds a local sandbox: hierarchies made of plain directories, as `/proc` would describe them."""

import os
from pathlib import Path

import pytest

from vibedom.sandbox import local_cgroup, local_hierarchy
from vibedom.sandbox.runtime import Limits

ALL = Limits(pids=100, memory_bytes=1 << 30, cpus=1.5)


def describe(proc: Path, mounts: list[tuple[str, str, Path, str]], own: str) -> Path:
    """`proc` with a mountinfo of (kind, options, mount point, root) and a cgroup file."""
    lines = [
        f"{number} 1 0:{number} {root} {point} rw,relatime - {kind} none rw,{options}"
        for number, (kind, options, point, root) in enumerate(mounts, 30)
    ]
    proc.mkdir()
    (proc / "mountinfo").write_text("\n".join([*lines, "99 1 8:1 / / rw - ext4 /dev/root rw"]) + "\n")
    (proc / "cgroup").write_text(own)
    return proc


@pytest.fixture
def unified(tmp_path: Path) -> Path:
    own = tmp_path / "cg" / "user.slice" / "mine"
    own.mkdir(parents=True)
    return describe(tmp_path / "proc", [("cgroup2", "", tmp_path / "cg", "/")], "0::/user.slice/mine\n")


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    mounts, own = [], ["0::/"]
    for number, name in enumerate(("cpu,cpuacct", "memory", "pids", "freezer"), 1):
        (tmp_path / name / "job").mkdir(parents=True)
        mounts.append(("cgroup", name, tmp_path / name, "/"))
        own.append(f"{number}:{name}:/job")
    return describe(tmp_path / "proc", mounts, "\n".join(own) + "\n")


def test_version_2_bounds_everything_in_one_group(unified: Path, tmp_path: Path) -> None:
    group = local_cgroup.make("vibedom-s", ALL, unified)
    directory = tmp_path / "cg" / "user.slice" / "mine" / "vibedom-s"
    assert group.directories == [directory]
    assert set(group.limited_by.items()) == {(w, "cgroup v2") for w in ("pids", "memory", "cpus", "freezer")}
    assert (directory / "pids.max").read_text() == "100"
    assert (directory / "memory.max").read_text() == str(1 << 30)
    assert (directory / "cpu.max").read_text() == "150000 100000"
    assert (directory.parent / "cgroup.subtree_control").read_text() == "+cpu"
    assert group.thawed_by is None


def test_version_1_has_a_group_in_each_hierarchy(legacy: Path, tmp_path: Path) -> None:
    group = local_cgroup.make("vibedom-s", ALL, legacy)
    assert {path.relative_to(tmp_path).parts[0] for path in group.directories} == {
        "cpu,cpuacct",
        "memory",
        "pids",
        "freezer",
    }
    assert all(path.parent.name == "job" for path in group.directories)
    assert (tmp_path / "cpu,cpuacct/job/vibedom-s/cpu.cfs_quota_us").read_text() == "150000"
    assert group.thawed_by == tmp_path / "freezer/job/vibedom-s/freezer.state"
    assert group.rlimits == [("CORE", 0), ("FSIZE", ALL.disk_bytes)]


def test_what_no_group_bounds_is_bounded_by_resource_limits(tmp_path: Path) -> None:
    group = local_cgroup.make("vibedom-s", ALL, describe(tmp_path / "proc", [], "0::/\n"))
    assert group.directories == []
    assert group.limited_by == {"pids": "rlimit", "memory": "rlimit", "cpus": "affinity", "freezer": "signal"}
    assert ("NPROC", 100) in group.rlimits
    assert ("DATA", 1 << 30) in group.rlimits
    assert len(group.processors) == min(2, len(os.sched_getaffinity(0)))


def test_a_hierarchy_that_cannot_be_written_is_passed_over_and_left_clean(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    proc = describe(tmp_path / "proc", [("cgroup2", "", tmp_path / "file", "/")], "0::/\n")
    assert local_cgroup.make("vibedom-s", Limits(), proc).directories == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "proc"]


def test_limits_that_are_not_set_need_no_group(unified: Path) -> None:
    assert set(local_cgroup.make("vibedom-s", Limits(), unified).limited_by) == {"pids", "freezer"}


def test_a_mount_that_shows_a_part_of_the_hierarchy_is_understood(tmp_path: Path) -> None:
    """As in a container: the mount's root is the container's own group."""
    mounts = [("cgroup2", "", tmp_path / "cg", "/docker/abc")]
    proc = describe(tmp_path / "proc", mounts, "0::/docker/abc/inner\n")
    places = list(local_hierarchy.places("pids", proc))
    assert places[0] == local_hierarchy.Place(2, tmp_path / "cg" / "inner")


def test_pausing_writes_what_each_version_wants(unified: Path, legacy_state: Path) -> None:
    group = local_cgroup.make("vibedom-s", Limits(), unified)
    assert group.freezer is not None
    group.freeze(frozen=True)
    assert group.freezer.read_text() == "1"
    (group.freezer.parent / "cgroup.events").write_text("populated 1\nfrozen 1\n")
    assert group.is_frozen()
    older = local_cgroup.Group(freezer=legacy_state)
    older.freeze(frozen=True)
    assert older.is_frozen()
    older.freeze(frozen=False)
    assert legacy_state.read_text() == "THAWED"


@pytest.fixture
def legacy_state(tmp_path: Path) -> Path:
    return tmp_path / "freezer.state"
