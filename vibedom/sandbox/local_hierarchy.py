"""Where control groups can be made: the mounted hierarchies, and this process's own place in them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec


class Place(msgspec.Struct, frozen=True):
    """A directory in which a group for one controller can perhaps be made."""

    version: int
    directory: Path


def places(controller: str, proc: Path = Path("/proc/self")) -> Iterator[Place]:
    """Candidates for a controller's group, best first: below this process's own group, then, for root, at the top.

    Version 2 goes first, since its frozen processes can be killed. Its groups have a freezer without a controller.
    """
    own = _own_groups((proc / "cgroup").read_text("utf-8"))
    mounts = list(_mounts((proc / "mountinfo").read_text("utf-8")))
    mounts.sort(key=lambda mount: mount[0], reverse=True)
    tops = []
    for version, controllers, root, point in mounts:
        if version == 1 and controller not in controllers:
            continue
        path = own.get("" if version == 2 else controller)
        if path is not None:
            yield Place(version, point / _below(path, root))
        tops.append(Place(version, point))
    if os.geteuid() == 0:
        yield from tops


def enable(directory: Path, controller: str) -> None:
    """Let the groups below `directory` have a controller, where that is possible: setting a limit tells if it was."""
    with contextlib.suppress(OSError):
        (directory / "cgroup.subtree_control").write_text(f"+{controller}")


def _own_groups(text: str) -> dict[str, str]:
    """Controller (empty for version 2) -> path, from `/proc/self/cgroup`."""
    groups = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def _mounts(text: str) -> Iterator[tuple[int, list[str], str, Path]]:
    """Version, controllers, root within the hierarchy and mount point, from `/proc/self/mountinfo`."""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            root, point = before.split(" ")[3:5]
            yield (2 if kind == "cgroup2" else 1), options.split(","), root, Path(point)


def _below(path: str, root: str) -> str:
    """`path` of a group as seen from a mount that shows the hierarchy from `root` on."""
    relative = os.path.relpath(path, root)
    return "." if relative.startswith("..") else relative
