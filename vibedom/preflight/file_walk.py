"""Walks a tree for the built-in scanner: plain files only, no link followed, dependencies left out by their names."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vibedom.preflight.ignore_files import GitIgnore

EXCLUDED_DIRECTORIES = frozenset(
    (
        ".git",
        ".hg",
        ".svn",
        "node_modules",
        "bower_components",
        "jspm_packages",
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        ".nox",
        "site-packages",
    )
)
"""Directories that other people's programs fill: left out before anything in them is read, and stated."""
_VIRTUAL_ENVIRONMENT = b"pyvenv.cfg"


class WalkedFile(NamedTuple):
    """A plain file (or what looked like one) that is to be read."""

    path: bytes
    name: str
    """Relative to the root, with `/`."""


class FileWalk:
    """One walk. `excluded` and `unreadable` are complete when it is over."""

    def __init__(self, root: Path, *, ignore: GitIgnore | None) -> None:
        """`ignore`: what it ignores is left out; None leaves nothing out for git's sake."""
        self.excluded: list[str] = []
        self.unreadable: list[str] = []
        self._root = os.fsencode(root)
        self._ignore = ignore

    def __iter__(self) -> Iterator[WalkedFile]:
        if not os.path.isdir(self._root):
            yield WalkedFile(self._root, os.fsdecode(os.path.basename(self._root)))
            return
        waiting = [(self._root, "")]
        while waiting:
            directory, prefix = waiting.pop()
            try:
                entries = list(os.scandir(directory))
            except OSError:
                self.unreadable.append(prefix.rstrip("/") or ".")
                continue
            if prefix and any(entry.name == _VIRTUAL_ENVIRONMENT for entry in entries):
                self.excluded.append(prefix.rstrip("/"))
                continue
            for entry in entries:
                name = prefix + os.fsdecode(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if self._enters(name):
                        waiting.append((entry.path, name + "/"))
                elif entry.is_file(follow_symlinks=False) and not self._is_ignored(name):
                    yield WalkedFile(entry.path, name)

    def _enters(self, name: str) -> bool:
        if name.rpartition("/")[2] in EXCLUDED_DIRECTORIES:
            self.excluded.append(name)
            return False
        return not (self._ignore is not None and self._ignore.ignores(name, is_directory=True))

    def _is_ignored(self, name: str) -> bool:
        return self._ignore is not None and self._ignore.ignores(name)
