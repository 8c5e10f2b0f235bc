"""Random trees and random edit scripts, for hypothesis."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple, Protocol

from hypothesis import strategies as st

NAMES = ("a", "b", "c-d", "B", "odd\n", os.fsdecode(b"\xff\xfe"), "ü", ".hidden")
"""Few, so that scripts meet the same path often: a name before and after a change of its type."""
KINDS = ("write", "write", "write", "mkdir", "mkdir", "link", "hard", "remove", "chmod")
CONTENTS = (b"", b"one\n", b"two\r\nlines", b"\0\1\2binary", b"\xff" * 10, b"x" * 5000)
TARGETS = ("a", "../x", "/etc/passwd", "nowhere")
FILE_MODES, DIRECTORY_MODES = (0o644, 0o755, 0o600), (0o755, 0o700, 0o750)


class Edit(NamedTuple):
    """One step of a script. `place` chooses among the directories (or paths) that are there when it is carried out."""

    what: str
    place: int
    name: str
    content: bytes = b""
    target: str = ""
    mode: int = 0


def _script(seed: int, length: int) -> list[Edit]:
    """Scripts come from a seed: hypothesis' own lists stay so small that trees never get deep."""
    random = Random(seed)
    return [
        Edit(
            what=(what := random.choice(KINDS)),
            place=random.randrange(1000),
            name=random.choice(NAMES),
            content=random.choice(CONTENTS),
            target=random.choice(TARGETS),
            mode=random.choice(FILE_MODES if what == "write" else DIRECTORY_MODES),
        )
        for _ in range(length)
    ]


EDITS = st.builds(_script, st.integers(0, 2**32), st.integers(0, 25))


class Editor(Protocol):
    """Where a script is carried out."""

    merged: Path

    def write(self, path: str, data: bytes, mode: int = ...) -> None: ...
    def link(self, path: str, target: str) -> None: ...
    def hard_link(self, path: str, source: str) -> None: ...
    def mkdir(self, path: str, mode: int = ...) -> None: ...
    def chmod(self, path: str, mode: int) -> None: ...
    def remove(self, path: str) -> None: ...


class DirectEditor:
    """Edits a directory, which may be a mounted overlay."""

    def __init__(self, merged: Path) -> None:
        self.merged = merged

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        _clear(self.merged / path)
        (self.merged / path).write_bytes(data)
        (self.merged / path).chmod(mode)

    def link(self, path: str, target: str) -> None:
        _clear(self.merged / path)
        os.symlink(target, self.merged / path)

    def hard_link(self, path: str, source: str) -> None:
        _clear(self.merged / path)
        os.link(self.merged / source, self.merged / path)

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        _clear(self.merged / path)
        (self.merged / path).mkdir()
        (self.merged / path).chmod(mode)

    def chmod(self, path: str, mode: int) -> None:
        (self.merged / path).chmod(mode)

    def remove(self, path: str) -> None:
        _clear(self.merged / path)


def perform(script: Sequence[Edit], editor: Editor) -> None:
    """Carry out a script on what is there at each step."""
    for edit in script:
        directories, paths = _tree(editor.merged)
        path = "/".join(filter(None, (directories[edit.place % len(directories)], edit.name)))
        if edit.what == "write":
            editor.write(path, edit.content, edit.mode)
        elif edit.what == "link":
            editor.link(path, edit.target)
        elif edit.what == "hard":
            files = [each for each in paths if _is_plain(editor.merged / each)]
            sources = [each for each in files if not f"{each}/".startswith(f"{path}/")]
            if sources:
                editor.hard_link(path, sources[edit.place % len(sources)])
        elif edit.what == "mkdir":
            editor.mkdir(path, edit.mode)
        elif paths and edit.what == "remove":
            editor.remove(paths[edit.place % len(paths)])
        elif paths and not (editor.merged / paths[edit.place % len(paths)]).is_symlink():
            editor.chmod(paths[edit.place % len(paths)], edit.mode)


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _tree(root: Path) -> tuple[list[str], list[str]]:
    """The directories (the root is `""`) and all the paths below `root`."""
    directories, paths = [], []
    for directory, inner, files in os.walk(root):
        above = os.path.relpath(directory, root)
        directories.append("" if above == "." else above)
        paths += [name if above == "." else f"{above}/{name}" for name in inner + files]
    return sorted(directories), sorted(paths)


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
