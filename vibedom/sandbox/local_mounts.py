"""Builds the agent's view of the files: detached trees first, then a new root in which nothing of the host is left.

A step is a list: its verb, its target in the sandbox, and what the verb needs; `local_view.py` writes them.
Sources are opened while the host is still in sight; targets are looked up only after it is gone, so that no symbolic
link of a foreign root file system or of the workspace can lead to a host file.
"""

from __future__ import annotations

import errno
import os
import stat

from vibedom.sandbox import local_kernel as kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Step = Sequence[Any]
    Trees = dict[int, tuple[int, ...]]
    """Number of the step -> the descriptors it needs."""

_PLAIN = kernel.MOUNT_NO_SUID | kernel.MOUNT_NO_DEVICES
_PROC = _PLAIN | kernel.MOUNT_NO_EXEC
_TMPFS = kernel.MS_NOSUID | kernel.MS_NODEV
_LAYERS = "/.layers"
_NOT_OURS = ("/work/", "/mnt/workspace/")
"""Where a missing mount point would be made in the agent's work, or cannot be made."""


def open_trees(steps: Sequence[Step]) -> Trees:
    """Open what the steps bind. Call it where the host's paths can be read."""
    trees: Trees = {}
    for number, (verb, _target, *rest) in enumerate(steps):
        if verb in ("bind", "shield"):
            trees[number] = (kernel.clone_tree(rest[0], rest[1]),)
        elif verb == "root":
            trees[number] = (kernel.clone_tree(rest[0], _PLAIN | kernel.MOUNT_READ_ONLY),)
        elif verb == "overlay":
            trees[number] = _open_layers(*rest)
    return trees


def _open_layers(lower: str, upper: str, work: str) -> tuple[int, ...]:
    """Lower, the tree that holds upper and work (the kernel wants them on one mount), upper, work."""
    parent = os.path.commonpath((upper, work))
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    lower_tree = kernel.clone_tree(lower, _PLAIN | kernel.MOUNT_READ_ONLY)
    tree = kernel.clone_tree(parent, _PLAIN)
    layers = [os.open(os.path.relpath(path, parent), flags, dir_fd=tree) for path in (upper, work)]
    return (lower_tree, tree, *layers)


def enter_new_root(steps: Sequence[Step], trees: Trees) -> None:
    """Replace the root by one built from `steps`. The caller is process 1 of its PID namespace, privileged in it."""
    proc = kernel.new_filesystem("proc", _PROC)
    kernel.mount("tmpfs", "/tmp", _TMPFS, "mode=755,size=64m")  # noqa: S108 - a directory every Linux has
    _pivot_to("/tmp")  # noqa: S108
    _place_proc(proc)
    is_foreign = steps[0][0] == "root"
    if is_foreign:
        _stand_on(trees[0], *steps[0][1:])
    _open_workshop()
    for number, step in enumerate(steps[is_foreign:], start=is_foreign):
        _VERBS[step[0]](trees.get(number, ()), *step[1:])
    kernel.detach(_LAYERS)
    os.rmdir(_LAYERS)
    if not is_foreign:
        _set_read_only("/")


def _pivot_to(directory: str) -> None:
    """Make `directory` the root, and let go of the old one (`man 2 pivot_root`, the `.`, `.` idiom)."""
    os.chdir(directory)
    kernel.pivot_root(".", ".")
    kernel.detach(".")
    os.chdir("/")


def _place_proc(proc: int) -> None:
    os.makedirs("/proc", exist_ok=True)
    kernel.attach(proc, "/proc")
    os.close(proc)


def _open_workshop() -> None:
    """Places for the layers of overlays while they are mounted; afterwards nobody can reach them by a path."""
    os.makedirs(_LAYERS)
    kernel.mount("tmpfs", _LAYERS, _TMPFS, "mode=700,size=64k")
    for name in ("lower", "session", "nothing"):
        os.mkdir(f"{_LAYERS}/{name}")


def _stand_on(trees: Sequence[int], target: str, _source: str, wanted: Sequence[str]) -> None:
    """Make a foreign root file system, with a scratch layer in memory above it, the root.

    `wanted` are the directories in which something will be made: they are made in the scratch layer beforehand, because
    those of the foreign root may belong to a user who does not exist in this namespace.
    """
    lower, upper, work, merged = (f"{_LAYERS}/{name}" for name in ("lower", "upper", "work", "merged"))
    for directory in (lower, upper, work, merged):
        os.makedirs(directory)
    kernel.attach(trees[0], lower)
    for directory in ("/", *wanted):
        _make_skeleton(lower, upper, directory)
    kernel.mount("overlay", merged, _TMPFS, f"lowerdir={lower},upperdir={upper},workdir={work},userxattr")
    os.close(trees[0])
    proc = kernel.clone_tree("/proc", _PROC)
    _pivot_to(merged + target.rstrip("/"))
    _place_proc(proc)


def _make_skeleton(lower: str, upper: str, directory: str) -> None:
    """Make `directory` in `upper`, down to the first part that is something else than a directory in `lower`."""
    path = ""
    for part in directory.strip("/").split("/"):
        path = f"{path}/{part}"
        try:
            mode = os.lstat(lower + path).st_mode
        except OSError:
            mode = stat.S_IFDIR | 0o755
        if not stat.S_ISDIR(mode):
            return
        if not os.path.isdir(upper + path):
            os.mkdir(upper + path, 0o755)
    os.chmod(upper, 0o755)  # noqa: S103 - the root directory, as everywhere


def _make_directory(_trees: Sequence[int], target: str, mode: int = 0o755) -> None:
    if not os.path.isdir(target):
        os.makedirs(target)
        os.chmod(target, mode)


def _make_link(_trees: Sequence[int], target: str, points_to: str) -> None:
    _clear(target)
    os.symlink(points_to, target)


def _make_links(_trees: Sequence[int], directory: str, links: dict[str, str]) -> None:
    """Many at once, into a directory that is new: one by one they would be a third of the start."""
    os.makedirs(directory)
    place = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for name, points_to in links.items():
        os.symlink(points_to, name, dir_fd=place)
    os.close(place)


def _write_file(_trees: Sequence[int], target: str, text: str) -> None:
    _clear(target)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _clear(target: str) -> None:
    """Make room for a file: its directory is there, and nothing (no link either) has its name."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.lexists(target):
        os.unlink(target)


def _bind(trees: Sequence[int], target: str, *_source: Any) -> None:
    """Attach a tree, at a mount point that is made where it is missing, but never in the agent's work.

    A mask over a link that leads nowhere is left out: what it should hide is not visible.
    """
    tree = trees[0]
    if not os.path.exists(target) and target.startswith(_NOT_OURS):
        if not os.path.islink(target):
            raise FileNotFoundError(errno.ENOENT, f"{target} is not there to be covered by a mount")
    elif stat.S_ISDIR(os.fstat(tree).st_mode):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        _write_file((), target, "")
    if os.path.exists(target):
        kernel.attach(tree, target)
    os.close(tree)


def _mount_overlay(trees: Sequence[int], target: str, *_source: str) -> None:
    lower, session, upper, work = trees
    places = [(lower, f"{_LAYERS}/lower"), (session, f"{_LAYERS}/session")]
    for tree, place in places:
        kernel.attach(tree, place)
    os.makedirs(target, exist_ok=True)
    layers = ",".join(
        f"{name}=/proc/self/fd/{fd}" for name, fd in (("lowerdir", lower), ("upperdir", upper), ("workdir", work))
    )
    kernel.mount("overlay", target, _TMPFS, f"{layers},userxattr")
    for _, place in places:
        kernel.detach(place)
    for descriptor in trees:
        os.close(descriptor)


def _shield(trees: Sequence[int], target: str, *_source: Any) -> None:
    """Show a directory of the host read-only through an overlay of its own, and a file as it is.

    A socket that a service of the host has in there can be reached through a read-only bind mount, but not through an
    overlay: the overlay's inode is not the one that the service listens at.
    """
    tree = trees[0]
    if not stat.S_ISDIR(os.fstat(tree).st_mode):
        _bind(trees, target)
        return
    os.makedirs(target, exist_ok=True)
    kernel.attach(tree, f"{_LAYERS}/lower")
    kernel.mount("overlay", target, _TMPFS, f"lowerdir={_LAYERS}/lower:{_LAYERS}/nothing,userxattr")
    kernel.detach(f"{_LAYERS}/lower")
    os.close(tree)


def _mount_tmpfs(_trees: Sequence[int], target: str, options: str) -> None:
    os.makedirs(target, exist_ok=True)
    kernel.mount("tmpfs", target, _TMPFS, options)


def _mount_devpts(_trees: Sequence[int], target: str) -> None:
    os.makedirs(target, exist_ok=True)
    flags = kernel.MS_NOSUID | kernel.MS_NOEXEC
    kernel.mount("devpts", target, flags, "newinstance,ptmxmode=0666,mode=620")


def _freeze(_trees: Sequence[int], target: str) -> None:
    """Make what is mounted at or around `target` read-only from `target` down."""
    if os.path.exists(target):
        tree = kernel.clone_tree(target, _PROC | kernel.MOUNT_READ_ONLY)
        kernel.attach(tree, target)
        os.close(tree)


def _hide(_trees: Sequence[int], target: str) -> None:
    """Cover a directory by an empty one and a file by `/dev/null`."""
    if os.path.isdir(target):
        kernel.mount("tmpfs", target, _TMPFS | kernel.MS_NOEXEC, "mode=555,size=4k")
        _set_read_only(target)
    elif os.path.exists(target):
        tree = kernel.clone_tree("/dev/null", kernel.MOUNT_NO_SUID | kernel.MOUNT_NO_EXEC)
        kernel.attach(tree, target)
        os.close(tree)


def _set_read_only(target: str) -> None:
    mounted = os.open(target, os.O_PATH | os.O_CLOEXEC)
    kernel.set_attributes(mounted, kernel.MOUNT_READ_ONLY, recursive=False)
    os.close(mounted)


def _seal(_trees: Sequence[int], target: str) -> None:
    _set_read_only(target)


_VERBS: dict[str, Callable[..., None]] = {
    "dir": _make_directory,
    "link": _make_link,
    "links": _make_links,
    "file": _write_file,
    "bind": _bind,
    "overlay": _mount_overlay,
    "shield": _shield,
    "tmpfs": _mount_tmpfs,
    "devpts": _mount_devpts,
    "freeze": _freeze,
    "hide": _hide,
    "seal": _seal,
}
