"""Deletes a tree of files that somebody hostile has made: of any depth, with directories that forbid it."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(root: Path) -> None:
    """Delete the directory `root` and all that is in it. Follows no link. Raises `OSError`.

    `shutil.rmtree` calls itself and keeps a descriptor open for each level, so a thousand directories one in the other
    stop it. Here each directory is first moved up to `root`, whatever its depth was. An empty directory goes whoever's
    it is: overlayfs leaves one without permissions, which is root's where the engine has mounted it.
    """
    with suppress(OSError):
        os.rmdir(root)
        return
    _open_up(None, str(root))
    names = (f".removed-{number}" for number in count())
    top = os.open(root, _DIRECTORY)
    try:
        while waiting := os.listdir(top):
            for name in waiting:
                _remove(top, name, names)
    finally:
        os.close(top)
    os.rmdir(root)


def _remove(top: int, name: str, names: Iterator[str]) -> None:
    """Delete `name`, which is directly in `top`; the directories in it move to `top`."""
    if not _is_directory(top, name):
        os.unlink(name, dir_fd=top)
        return
    with suppress(OSError):
        os.rmdir(name, dir_fd=top)
        return
    _open_up(top, name)
    inside = os.open(name, _DIRECTORY, dir_fd=top)
    try:
        for inner in os.listdir(inside):
            if not _is_directory(inside, inner):
                os.unlink(inner, dir_fd=inside)
                continue
            _move_up(inside, inner, top, names)
    finally:
        os.close(inside)
    os.rmdir(name, dir_fd=top)


def _move_up(inside: int, inner: str, top: int, names: Iterator[str]) -> None:
    with suppress(OSError):  # most are empty, or are so by now
        os.rmdir(inner, dir_fd=inside)
        return
    _open_up(inside, inner)
    for name in names:
        if not _exists(top, name):
            os.rename(inner, name, src_dir_fd=inside, dst_dir_fd=top)
            return


def _is_directory(directory: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)


def _exists(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _open_up(directory: int | None, name: str) -> None:
    """Let the owner of a directory list and empty it: its mode may be 0. Root needs none of that."""
    mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    if os.geteuid() != 0 and mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(name, 0o700, dir_fd=directory)
