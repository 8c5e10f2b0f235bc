"""`git apply` takes the patch, and what it makes of the workspace is what the agent left."""

import io
import os
import shutil
import subprocess
from pathlib import Path

from tests.support.overlays import Project, snapshot
from vibedom.workspace.patch import write_patch


def _fill(workspace: Path) -> None:
    (workspace / "dir").mkdir()
    (workspace / "dir/text").write_text("".join(f"line {n}\n" for n in range(40)))
    (workspace / "dir/with space.txt").write_text("a\nb\n")
    (workspace / "binary").write_bytes(bytes(range(256)) * 9)
    (workspace / "gone.bin").write_bytes(b"\0" * 5000)
    (workspace / "gone.txt").write_text("no newline at the end")
    (workspace / "empty-later").write_text("something\n")
    (workspace / "script").write_text("#!/bin/sh\n")
    (workspace / "link").symlink_to("binary")
    (workspace / "becomes-link").write_text("file\n")
    (workspace / 'quo"te\\ü\t').write_text("odd\n")
    (workspace / "crlf").write_bytes(b"one\r\ntwo\r\nthree")


def _edit(merged: Path) -> None:
    lines = (merged / "dir/text").read_text().splitlines(keepends=True)
    lines[3:5] = ["changed\n"]
    lines[30:30] = ["inserted\n", "twice\n"]
    (merged / "dir/text").write_text("".join(lines))
    (merged / "dir/with space.txt").write_text("a\nc")
    (merged / "binary").write_bytes(bytes(range(256)) * 8 + b"tail")
    (merged / "gone.bin").unlink()
    (merged / "gone.txt").unlink()
    (merged / "empty-later").write_text("")
    (merged / "script").chmod(0o755)
    (merged / "link").unlink()
    (merged / "link").symlink_to("dir/text")
    (merged / "becomes-link").unlink()
    (merged / "becomes-link").symlink_to("/nowhere")
    (merged / 'quo"te\\ü\t').write_text("odd\nodder\n")
    (merged / "crlf").write_bytes(b"one\r\n2\x0c\x1c\xe2\x80\xa8\r\nthree")
    (merged / "new/deep").mkdir(parents=True)
    (merged / "new/deep/file").write_bytes(b"\x80\x81 not UTF-8\n")
    (merged / "new/empty").touch()
    (merged / "new/program").write_bytes(b"\x7fELF\0\0")
    (merged / "new/program").chmod(0o755)
    (merged / os.fsdecode(b"new/\xff\n")).write_text("odd name\n")


def test_git_apply_turns_the_workspace_into_the_merged_view(project: Project) -> None:
    _fill(project.workspace)
    project.start()
    with project.mounted() as merged:
        _edit(merged)
        wanted = snapshot(merged)
    patch = io.BytesIO()
    left_out = write_patch(project.changes(), workspace=project.workspace, upper=project.upper, out=patch)
    target = project.root / "target"
    shutil.copytree(project.workspace, target, symlinks=True)
    done = subprocess.run(["git", "apply", "-v", "-"], cwd=target, input=patch.getvalue(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert snapshot(target) == wanted
    assert {each.path for each in left_out} == {"new", "new/deep"}
