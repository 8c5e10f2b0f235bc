"""Random trees and random edit scripts, for hypothesis."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from hypothesis import strategies as st

NAMES = ("a", "b", "c-d", "B", "odd\n", os.fsdecode(b"\xff\xfe"), "ü", ".hidden")
"""Few, so that scripts meet the same path often: a name before and after a change of its type."""
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
CONTENTS = st.sampled_from([b"", b"one\n", b"two\r\nlines", b"\0\1\2binary", b"\xff" * 10, b"x" * 5000])
FILE_MODES = st.sampled_from([0o644, 0o755, 0o600])
DIRECTORY_MODES = st.sampled_from([0o755, 0o700, 0o750])

Edit = tuple[str, str, object, int]
"""What, path, content or target, mode."""

EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), PATHS, CONTENTS, FILE_MODES),
        st.tuples(st.just("mkdir"), PATHS, st.none(), DIRECTORY_MODES),
        st.tuples(st.just("link"), PATHS, st.sampled_from(["a", "../x", "/etc/passwd", "nowhere"]), st.just(0)),
        st.tuples(st.just("remove"), PATHS, st.none(), st.just(0)),
        st.tuples(st.just("chmod"), PATHS, st.none(), st.sampled_from([0o755, 0o700])),
    ),
    max_size=12,
)


class Editor(Protocol):
    """Where a script is carried out."""

    merged: Path

    def write(self, path: str, data: bytes, mode: int = ...) -> None: ...
    def link(self, path: str, target: str) -> None: ...
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

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        _clear(self.merged / path)
        (self.merged / path).mkdir()
        (self.merged / path).chmod(mode)

    def chmod(self, path: str, mode: int) -> None:
        (self.merged / path).chmod(mode)

    def remove(self, path: str) -> None:
        _clear(self.merged / path)


def perform(script: Sequence[Edit], editor: Editor) -> None:
    """Carry out what is possible of a script; a step whose place is not there, or is no directory, is passed over."""
    for what, path, extra, mode in script:
        place = editor.merged / path
        if not _is_real_directory(place.parent, editor.merged):
            continue
        is_real = os.path.lexists(place) and not place.is_symlink()
        if what == "write" and isinstance(extra, bytes):
            editor.write(path, extra, mode)
        elif what == "link" and isinstance(extra, str):
            editor.link(path, extra)
        elif what == "mkdir" and not (is_real and place.is_dir()):
            editor.mkdir(path, mode)
        elif what == "remove" and os.path.lexists(place):
            editor.remove(path)
        elif what == "chmod" and is_real:
            editor.chmod(path, mode)


def _is_real_directory(path: Path, root: Path) -> bool:
    while path != root:
        if path.is_symlink() or not path.is_dir():
            return False
        path = path.parent
    return True


def _clear(path: Path) -> None:
    import shutil

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
