"""Directories without permissions, the agent's own and the kernel's, are deleted by an ordinary user, too."""

import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vibedom.tree_removal import remove_tree

USER = 1000


@pytest.fixture
def place() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    with tempfile.TemporaryDirectory() as directory:
        os.chown(directory, USER, USER)
        yield Path(directory)


def as_user(action: Callable[[], object]) -> None:
    """Run `action` in a child process that has become an ordinary user for good."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(USER)
            os.setuid(USER)
            action()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_an_agent_has_closed_is_deleted(place: Path) -> None:
    def work() -> None:
        inner = place / "tree/closed/inner"
        inner.mkdir(parents=True)
        (inner / "file").write_text("x")
        (inner.parent / "link").symlink_to("/etc")
        inner.chmod(0o500)
        inner.parent.chmod(0)
        remove_tree(place / "tree")

    as_user(work)
    assert os.listdir(place) == []


def test_the_directory_that_overlayfs_leaves_to_root_is_deleted_by_its_user(place: Path) -> None:
    as_user(lambda: (place / "session/work").mkdir(parents=True))
    (place / "session/work/work").mkdir(mode=0)
    as_user(lambda: remove_tree(place / "session"))
    assert os.listdir(place) == []


def test_what_belongs_to_somebody_else_is_an_error_and_stays(place: Path) -> None:
    as_user(lambda: (place / "session").mkdir())
    (place / "session/theirs").mkdir(mode=0o700)
    (place / "session/theirs/file").write_text("x")

    def attempt() -> None:
        with pytest.raises(PermissionError):
            remove_tree(place / "session")

    as_user(attempt)
    assert (place / "session/theirs/file").read_text() == "x"


def test_nothing_behind_a_link_is_opened_up_or_deleted(place: Path) -> None:
    outside = place / "outside"

    def work() -> None:
        outside.mkdir(mode=0o500)
        (place / "tree").mkdir()
        (place / "tree/link").symlink_to(outside)
        (place / "tree").chmod(0)
        remove_tree(place / "tree")

    as_user(work)
    assert outside.stat().st_mode & 0o777 == 0o500
