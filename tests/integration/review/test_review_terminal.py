"""`vibedom review` on a real terminal: drawn, resized, applied, and the terminal as it was afterwards."""

import os

from tests.integration.review.conftest import Tmux
from tests.support.ended_session import Session


def test_review_in_tmux_selects_a_hunk_applies_it_and_gives_the_terminal_back(
    session: Session, tmux: Tmux, review_command: str
) -> None:
    environment = {
        "VIBEDOM_HOME": str(session.home.root),
        "HOME": str(session.project.root),
        "PATH": os.environ["PATH"],
    }
    tmux.start(review_command, session.workspace, environment, columns=160, rows=40)
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


def test_review_without_a_terminal_says_what_to_use_instead(session: Session) -> None:
    assert "vibedom diff" in session.run("review", code=2).stderr
