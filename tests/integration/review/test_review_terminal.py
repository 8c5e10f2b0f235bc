"""`vibedom review` on a real terminal: drawn, resized, applied, and the terminal as it was afterwards."""

import os
from pathlib import Path

import pytest

from tests.integration.review.conftest import Tmux
from tests.support.ended_session import Session
from tests.support.overlays import Project


def _environment(session: Session, **more: str) -> dict[str, str]:
    state = {"VIBEDOM_HOME": str(session.home.root), "HOME": str(session.project.root), "PATH": os.environ["PATH"]}
    return {**state, **more}


def test_review_in_tmux_selects_a_hunk_applies_it_and_gives_the_terminal_back(
    session: Session, tmux: Tmux, review_command: str
) -> None:
    tmux.start(review_command, session.workspace, _environment(session), columns=160, rows=40)
    shown = tmux.until("0 of 3 selected")
    assert "1 deserve a look first" in shown
    assert "direnv runs it" in shown
    assert "evil\\x1b[2J" in shown
    tmux.keys("Down", "Down", "Down")
    shown = tmux.until("│    1 first")
    assert any("1 line 0" in line and "1 first" in line for line in shown.splitlines())
    tmux.call("resize-window", "-x", "80", "-y", "24")
    tmux.until("+ first")
    tmux.keys("Tab", "Down", "Space")
    tmux.until("1 of 3 selected")
    tmux.keys("A")
    tmux.until("Apply 1 changes?")
    tmux.keys("y")
    tmux.until("1 changes applied")
    assert "deserve a look" not in tmux.screen()
    text = (session.workspace / "long.txt").read_text()
    assert text.startswith("line 0\n")
    assert text.endswith("\nlast")
    assert not (session.workspace / ".envrc").exists()


EDITOR = """\
#!/bin/sh
test -t 0 && test -t 1 || exit 9
printf 'the editor has the terminal: '
read -r word
cp "$1" "$(dirname "$0")/offered"
printf 'merged %s\\n' "$word" > "$1"
"""


@pytest.fixture
def in_conflict(tmp_path: Path) -> Session:
    """An ended session with four files that the host has changed, too."""
    if os.geteuid() != 0:
        pytest.skip("mounting an overlay needs root")
    for name in ("cache", "session"):
        (tmp_path / name).mkdir()
    made = Session(Project(tmp_path / "session").root, tmp_path / "cache")
    names = ("a-editor.txt", "b-mine.txt", "c-skip.txt", "d-theirs.txt")
    for name in names:
        (made.workspace / name).write_text("base\n")
    made.start()
    with made.project.mounted() as merged:
        for name in names:
            (merged / name).write_text("agent\n")
    for name in names:
        (made.workspace / name).write_text("host\n")
    return made


def test_conflicts_are_merged_in_the_editor_taken_from_either_side_or_skipped(
    in_conflict: Session, tmux: Tmux, tmp_path: Path, review_command: str
) -> None:
    editor = tmp_path / "editor"
    editor.write_text(EDITOR)
    editor.chmod(0o755)
    environment = _environment(in_conflict, EDITOR=str(editor))
    # A key of before there is anything to see must not count for what is there then.
    held = f"printf ready; read -r go; {review_command}"
    tmux.start(held, in_conflict.workspace, environment, columns=120, rows=30)
    tmux.until("ready")
    tmux.call("send-keys", "g", "Enter", "a", "A", "y")
    tmux.until("were ignored")
    tmux.keys("a")
    tmux.until("4 of 4 selected")
    tmux.call("send-keys", "A")
    tmux.until("Conflict: a-editor.txt")
    tmux.call("send-keys", "e")
    tmux.until("the editor has the terminal:")
    tmux.call("send-keys", "well", "Enter")
    for name, answer in (("b-mine.txt", "m"), ("c-skip.txt", "s"), ("d-theirs.txt", "t")):
        tmux.until(f"Conflict: {name}")
        tmux.call("send-keys", answer)
    tmux.until("Apply 2 changes?")
    tmux.call("send-keys", "y")
    tmux.until("2 changes applied")
    offered = (tmp_path / "offered").read_text()
    assert offered.index("host") < offered.index("agent")
    assert _contents(in_conflict) == ["merged well\n", "host\n", "host\n", "agent\n"]
    # What was skipped is offered again; what was decided is not.
    assert in_conflict.run("diff", "--name-only").stdout == "c-skip.txt\n"
    in_conflict.run("undo")
    assert _contents(in_conflict) == ["host\n"] * 4


def _contents(session: Session) -> list[str]:
    return [path.read_text() for path in sorted(session.workspace.iterdir())]


def test_review_without_a_terminal_says_what_to_use_instead(session: Session) -> None:
    assert "vibedom diff" in session.run("review", code=2).stderr
    assert session.run("review", "clam-otter", code=2).stderr == (
        "vibedom: no session clam-otter; `vibedom list` shows them\n"
    )
    assert "clam-otter is no session, no file of" in session.run("diff", "clam-otter", code=2).stderr
