"""What an agent left goes with its session, however it is nested."""

import os
from pathlib import Path

from vibedom.tree_removal import remove_tree


def make_levels(directory: Path, count: int) -> None:
    """`count` directories called `d`, one in the other, with a file in each; deeper than any path can say."""
    at = os.open(directory, os.O_RDONLY)
    for _ in range(count):
        os.mkdir("d", dir_fd=at)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


def test_directories_in_one_another_go_however_many_they_are(tmp_path: Path) -> None:
    root = tmp_path / "session"
    root.mkdir()
    make_levels(root, 1500)
    (root / ".removed-0").mkdir()
    (root / ".removed-0/file").touch()
    remove_tree(root)
    assert os.listdir(tmp_path) == []
