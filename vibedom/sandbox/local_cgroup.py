"""Limits and the freezer of a local sandbox: control groups of version 2 or 1 where they can be written.

What no group can do is done by less: resource limits per process for memory, per user namespace for processes, the
processors a process may run on for `cpus`, and SIGSTOP for the freezer. `Group.limited_by` says which it is.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anyio
import msgspec

from vibedom.sandbox import local_hierarchy
from vibedom.sandbox.runtime import Limits

_QUOTA_PERIOD_MICROSECONDS = 100_000
_POLL_SECONDS = 0.002
_CONTROLLERS = {"pids": "pids", "memory": "memory", "cpus": "cpu", "freezer": "freezer"}
_FREEZERS = {1: "freezer.state", 2: "cgroup.freeze"}


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The control groups of one sandbox, which may be none."""

    directories: Sequence[Path] = ()
    limited_by: Mapping[str, str] = {}
    """`pids`, `memory`, `cpus`, `freezer` -> `cgroup v2`, `cgroup v1`, `rlimit`, `affinity`, or `signal`."""
    freezer: Path | None = None
    """The file that freezes, `cgroup.freeze` or `freezer.state`."""
    rlimits: Sequence[tuple[str, int]] = ()
    """Resource limits for process 1 and all below it."""
    processors: Sequence[int] = ()
    """Processors to run on; empty means all."""

    @property
    def thawed_by(self) -> Path | None:
        """The file that has to be written before frozen processes can die; version 2 needs none."""
        is_first = self.freezer is not None and self.freezer.name == _FREEZERS[1]
        return self.freezer if is_first else None

    def admit(self, pid: int) -> None:
        """Put a process into every group. Raises `OSError`."""
        for directory in self.directories:
            (directory / "cgroup.procs").write_text(f"{pid}\n")

    def freeze(self, *, frozen: bool) -> None:
        """Ask the kernel to stop or to go on. Raises `OSError`; `is_frozen` says when it is done."""
        if self.freezer is not None:
            words = ("0", "1") if self.freezer.name == _FREEZERS[2] else ("THAWED", "FROZEN")
            self.freezer.write_text(words[frozen])

    def is_frozen(self) -> bool:
        if self.freezer is None:
            return False
        if self.freezer.name == _FREEZERS[2]:
            return "frozen 1" in (self.freezer.parent / "cgroup.events").read_text()
        return self.freezer.read_text().strip() == "FROZEN"

    def remove(self) -> bool:
        """Remove the groups; False while a process is still in one."""
        return all(remove(directory) for directory in self.directories)


async def until(is_done: Callable[[], bool], within_seconds: float) -> bool:
    """Look until it is done; True if it came in time. Version 1 groups give no event to wait for."""
    with anyio.move_on_after(within_seconds):
        while not is_done():  # noqa: ASYNC110
            await anyio.sleep(_POLL_SECONDS)
        return True
    return False


def remove(directory: Path) -> bool:
    """Remove one group; True if it is gone."""
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def make(name: str, limits: Limits, proc: Path = Path("/proc/self")) -> Group:
    """Groups called `name` for one sandbox, as good as machine and user allow. `proc` tells which hierarchies exist."""
    made: list[Path] = []
    limited_by: dict[str, str] = {}
    freezer: Path | None = None
    for word in _wanted(limits):
        for place in local_hierarchy.places(_CONTROLLERS[word], proc):
            directory = place.directory / name
            if _use(directory, word, place.version, limits, made):
                limited_by[word] = f"cgroup v{place.version}"
                if word == "freezer":
                    freezer = directory / _FREEZERS[place.version]
                break
    rlimits, processors = _make_up_for(limited_by, limits)
    return Group(directories=made, limited_by=limited_by, freezer=freezer, rlimits=rlimits, processors=processors)


def _wanted(limits: Limits) -> list[str]:
    memory = [] if limits.memory_bytes is None else ["memory"]
    cpus = [] if limits.cpus is None else ["cpus"]
    return ["pids", *memory, *cpus, "freezer"]


def _use(directory: Path, word: str, version: int, limits: Limits, made: list[Path]) -> bool:
    """Make `directory` and set what `word` stands for; leaves nothing new behind where that is impossible."""
    is_new = directory not in made
    try:
        if is_new:
            directory.mkdir()
            made.append(directory)
        if version == 2 and word != "freezer":
            local_hierarchy.enable(directory.parent, _CONTROLLERS[word])
        for file, value in _settings(word, version, limits):
            (directory / file).write_text(value)
    except OSError:
        if is_new and directory in made and remove(directory):
            made.remove(directory)
        return False
    return True


def _settings(word: str, version: int, limits: Limits) -> Sequence[tuple[str, str]]:
    """File -> text."""
    period = _QUOTA_PERIOD_MICROSECONDS
    quota = max(1000, int((limits.cpus or 0) * period))
    settings: dict[tuple[str, int], Sequence[tuple[str, str]]] = {
        ("pids", 1): [("pids.max", str(limits.pids))],
        ("pids", 2): [("pids.max", str(limits.pids))],
        ("memory", 1): [("memory.limit_in_bytes", str(limits.memory_bytes))],
        ("memory", 2): [("memory.max", str(limits.memory_bytes))],
        ("cpus", 1): [("cpu.cfs_period_us", str(period)), ("cpu.cfs_quota_us", str(quota))],
        ("cpus", 2): [("cpu.max", f"{quota} {period}")],
        ("freezer", 1): [(_FREEZERS[1], "THAWED")],
        ("freezer", 2): [(_FREEZERS[2], "0")],
    }
    return settings[word, version]


def _make_up_for(limited_by: dict[str, str], limits: Limits) -> tuple[list[tuple[str, int]], list[int]]:
    """Resource limits and processors for what no group bounds; adds the words for it to `limited_by`."""
    rlimits = [("CORE", 0), ("FSIZE", limits.disk_bytes)]
    processors: list[int] = []
    if "pids" not in limited_by:
        limited_by["pids"] = "rlimit"
        rlimits.append(("NPROC", limits.pids))
    if "memory" not in limited_by and limits.memory_bytes is not None:
        limited_by["memory"] = "rlimit"
        rlimits.append(("DATA", limits.memory_bytes))
    if "cpus" not in limited_by and limits.cpus is not None:
        limited_by["cpus"] = "affinity"
        processors = sorted(os.sched_getaffinity(0))[: max(1, math.ceil(limits.cpus))]
    limited_by.setdefault("freezer", "signal")
    return rlimits, processors
