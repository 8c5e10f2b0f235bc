"""Ctrl-C in the middle of an apply takes back what was done; in the middle of an undo, the next one goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project, snapshot
from vibedom.workspace.apply import apply
from vibedom.workspace.base import Base
from vibedom.workspace.journal import Journal
from vibedom.workspace.plan import plan_apply
from vibedom.workspace.undo import undo

SCRIPT = """
import os, signal, sys
from functools import partial
from pathlib import Path
import anyio
from tests.support.overlays import Project
from vibedom.cli.interruption import heed_interruption, in_thread
from vibedom.workspace.apply import apply
from vibedom.workspace.apply_progress import ApplyProgress
from vibedom.workspace.base import Base
from vibedom.workspace.plan import plan_apply
from vibedom.workspace.undo import undo

project = Project(Path(sys.argv[1]))
progress = ApplyProgress(lambda text: None, check=partial(heed_interruption, "Ctrl-C was heard"))
seen = []

def notify(event):
    seen.append(event)
    if event == sys.argv[3] and seen.count(event) == 1:
        os.kill(os.getpid(), signal.SIGINT)
        while True:  # until the event loop has heard it, and says so
            progress(event)
    progress(event)

if sys.argv[2] == "undo":
    work = partial(undo, project.journal, notify=notify)
else:
    with Base(project.base_file) as base:
        plan = plan_apply(project.changes(), workspace=project.workspace, upper=project.upper, base=base)
    work = partial(apply, plan, project.journal, notify=notify)
try:
    anyio.run(in_thread, work)
except BaseExceptionGroup as group:
    print(*group.exceptions)
"""


@pytest.fixture
def edited(project: Project) -> Project:
    for name in ("edit", "gone"):
        (project.workspace / name).write_text("host\n")
    project.start()
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    agent.write("edit", b"agent\n")
    agent.remove("gone")
    agent.mkdir("new")
    agent.write("new/file", b"agent\n")
    return project


def _interrupted(project: Project, what: str, event: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(project.root), what, event],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("event", "states"), [("backed up", []), ("removed", ["undone"]), ("put", ["undone"])])
def test_an_interrupted_apply_leaves_nothing(edited: Project, event: str, states: list[str]) -> None:
    before = snapshot(edited.workspace, times=True)
    assert _interrupted(edited, "apply", event) == "Ctrl-C was heard"
    assert snapshot(edited.workspace, times=True) == before
    assert [Journal(each).state for each in edited.journal.iterdir() if each.is_dir()] == states


def test_an_interrupted_undo_is_gone_on_with(edited: Project) -> None:
    before = snapshot(edited.workspace, times=True)
    with Base(edited.base_file) as base:
        plan = plan_apply(edited.changes(), workspace=edited.workspace, upper=edited.upper, base=base)
    apply(plan, edited.journal)
    assert _interrupted(edited, "undo", "removed") == "Ctrl-C was heard"
    assert Journal(edited.journal / "0001").state == "undoing"
    undo(edited.journal)
    assert snapshot(edited.workspace, times=True) == before
