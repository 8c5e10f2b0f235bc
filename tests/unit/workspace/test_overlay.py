"""Reading the upper directory: what is a change, what only looks like one, and what an agent cannot make it say."""

import os
import stat
from pathlib import Path

import pytest

from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project
from tests.unit.test_tree_removal import make_levels
from vibedom.errors import WorkspaceError
from vibedom.tree_removal import remove_tree


def _kinds(project: Project, **options: object) -> dict[str, str]:
    return {change.path: change.kind for change in project.changes(**options)}


def test_new_directory_marked_opaque_is_an_addition_and_no_deletion(project: Project) -> None:
    (project.workspace / "other").write_text("x")
    project.start()
    (project.upper / "new/a").mkdir(parents=True)
    os.setxattr(project.upper / "new", "user.overlay.opaque", b"y")
    (project.upper / "new/a/f").write_text("f")
    assert _kinds(project) == {"new": "added", "new/a": "added", "new/a/f": "added"}


def test_replaced_directory_deletes_what_it_hides_and_keeps_what_is_the_same(project: Project) -> None:
    (project.workspace / "d/sub").mkdir(parents=True)
    for name in ("d/same", "d/changed", "d/gone", "d/sub/gone"):
        (project.workspace / name).write_text(name)
    project.start()
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    agent.remove("d")
    agent.mkdir("d")
    agent.write("d/same", b"d/same")
    agent.write("d/changed", b"else")
    assert _kinds(project) == {
        "d/changed": "modified",
        "d/gone": "deleted",
        "d/sub": "deleted",
        "d/sub/gone": "deleted",
    }


def test_copied_up_and_touched_file_is_no_change(project: Project) -> None:
    (project.workspace / "f").write_text("same")
    project.start()
    (project.upper / "f").write_text("same")
    assert _kinds(project) == {}


def test_deleted_directory_and_emptied_directory_differ(project: Project) -> None:
    for name in ("gone", "emptied"):
        (project.workspace / name).mkdir()
        (project.workspace / name / "f").write_text("f")
    project.start()
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    agent.remove("gone")
    agent.remove("emptied/f")
    assert _kinds(project) == {"emptied/f": "deleted", "gone": "deleted", "gone/f": "deleted"}


def test_only_the_namespace_of_the_mount_speaks(project: Project) -> None:
    """In a `trusted.` overlay the agent may set `user.overlay.*` on its own files, and must not hide them so."""
    (project.workspace / "d").mkdir()
    (project.workspace / "d/f").write_text("f")
    (project.workspace / "empty").touch()
    project.start()
    (project.upper / "d").mkdir()
    os.setxattr(project.upper / "d", "user.overlay.opaque", b"y")
    (project.upper / "added").touch()
    os.setxattr(project.upper / "added", "user.overlay.whiteout", b"y")
    assert _kinds(project, namespace="trusted") == {"added": "added"}
    assert _kinds(project, namespace="user") == {"d/f": "deleted"}


@pytest.mark.skipif(os.geteuid() != 0, reason="setting trusted attributes needs root")
def test_namespace_is_found_by_what_only_root_can_set(project: Project) -> None:
    (project.workspace / "d").mkdir()
    (project.workspace / "d/f").write_text("f")
    project.start()
    os.setxattr(project.upper, "trusted.overlay.impure", b"y")
    (project.upper / "d").mkdir()
    os.setxattr(project.upper / "d", "user.overlay.opaque", b"y")
    assert _kinds(project) == {}


@pytest.mark.parametrize("mark", ["redirect", "metacopy"])
def test_references_to_other_layers_are_refused_with_what_to_do(project: Project, mark: str) -> None:
    project.start()
    (project.upper / "d").mkdir()
    os.setxattr(project.upper / "d", f"user.overlay.{mark}", b"/elsewhere")
    with pytest.raises(WorkspaceError, match=r"mount the overlay with redirect_dir=off,metacopy=off"):
        project.changes()


def test_special_files_are_listed_and_never_appliable(project: Project) -> None:
    project.start()
    os.mkfifo(project.upper / "fifo")
    (change,) = project.changes()
    assert change.new is not None
    assert (change.kind, change.new.type, change.is_appliable) == ("added", "fifo", False)


def test_masked_paths_are_never_part_of_the_changes(project: Project) -> None:
    (project.workspace / ".env").write_text("SECRET=1")
    project.start()
    (project.upper / ".env").write_text("")
    assert _kinds(project, masked=(".env",)) == {}


def test_links_in_the_upper_directory_are_not_followed(project: Project, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("s")
    project.start()
    (project.upper / "link").symlink_to(tmp_path / "outside")
    (change,) = project.changes()
    assert change.new is not None
    assert (change.path, change.new.type) == ("link", "symlink")


def test_odd_names_hard_links_holes_and_binary_files_are_read_as_they_are(project: Project) -> None:
    project.start()
    odd = os.fsdecode(b"new\nline \xff\x1b")
    (project.upper / odd).write_text("x")
    os.link(project.upper / odd, project.upper / "second")
    with (project.upper / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    (project.upper / "bin").write_bytes(b"a\0b")
    changes = {change.path: change for change in project.changes()}
    assert set(changes) == {odd, "second", "sparse", "bin"}
    assert [changes[name].is_binary for name in (odd, "sparse", "bin")] == [False, True, True]
    sparse = changes["sparse"].new
    assert sparse is not None
    assert sparse.size == 1 << 30


def test_real_device_is_no_whiteout(project: Project) -> None:
    if os.geteuid() != 0:
        pytest.skip("making a device needs root")
    (project.workspace / "null").write_text("x")
    project.start()
    os.mknod(project.upper / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (change,) = project.changes()
    assert (change.kind, change.is_appliable) == ("type", False)


def test_directories_deeper_than_anybody_goes_are_named_and_left_out(project: Project) -> None:
    project.start()
    make_levels(project.upper, 400)
    changes = project.changes()
    deepest = max(changes, key=lambda change: change.path.count("/d"))
    assert deepest.new is not None
    assert (deepest.path.count("/"), deepest.new.type, deepest.is_appliable) == (256, "too deep directory", False)
    assert len(changes) == 2 * 257  # a directory and a file at each level
    remove_tree(project.upper / "d")
