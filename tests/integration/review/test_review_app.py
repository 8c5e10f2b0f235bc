"""The full-screen review as its user drives it: keys in, selection and plan out, nothing raw on the screen."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project
from vibedom.paths import SessionDir
from vibedom.review.app import Decision, ReviewApp
from vibedom.review.change_tree import ChangeTree
from vibedom.review.dialogs import Question
from vibedom.review.diff_pane import DiffPane
from vibedom.workspace.apply import apply
from vibedom.workspace.review import reviewing

pytestmark = pytest.mark.anyio
LINES = [f"line {number}\n".encode() for number in range(60)]
SECRET = b"very secret"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    (project.workspace / "src").mkdir()
    (project.workspace / "src/long.txt").write_bytes(b"".join(LINES))
    (project.workspace / "gone.txt").write_text("bye\n")
    project.start()
    agent = OverlayWriter(project.workspace, project.upper, project.merged)
    agent.write("src/long.txt", b"".join([b"first \x1b[2J\n", *LINES[1:30], b"middle\n", *LINES[31:59], b"last\n"]))
    agent.write("src/evil\x1b]0;x\x07.txt", b"needle " + SECRET + b"\n")
    agent.write(".envrc", b"export X=1\n")
    agent.remove("gone.txt")
    return project


@pytest.fixture
def app(project: Project) -> Iterator[ReviewApp]:
    with ExitStack() as stack:
        review = stack.enter_context(
            reviewing(
                SessionDir(root=project.root),
                project.workspace,
                conceal=lambda data: data.replace(SECRET, b"[REDACTED]"),
            )
        )
        yield ReviewApp(review, title="calm-otter-1", editor=lambda content, name: b"merged by hand\n")


async def _press(pilot: Pilot[Decision], *keys: str) -> None:
    """Keys, and the reading and searching that they start in the background."""
    with anyio.fail_after(20):
        while isinstance(pilot.app, ReviewApp) and not pilot.app.is_drawn:  # keys before that are ignored
            await pilot.pause(0.01)
    for key in keys:
        await pilot.press(key)
        with anyio.fail_after(20):
            while any(each.name in ("_read", "_seek") and not each.is_finished for each in pilot.app.workers):
                await pilot.pause(0.01)
        await pilot.pause()


async def _stand_on(pilot: Pilot[Decision], path: str) -> None:
    """Wait until the view is there, go to the path, and wait until it is shown."""
    tree, pane = pilot.app.query_one(ChangeTree), pilot.app.query_one(DiffPane)
    with anyio.fail_after(20):
        while pane.diff is None:
            await pilot.pause(0.01)
        tree.reveal(path)
        while pane.diff is None or pane.diff.path != path:
            await pilot.pause(0.01)
    await pilot.pause()


def _screen(app: ReviewApp) -> str:
    """All that is drawn, as text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def test_danger_comes_first_with_its_reason_and_nothing_raw_is_drawn(app: ReviewApp) -> None:
    async with app.run_test(size=(160, 40)) as pilot:
        await _stand_on(pilot, ".envrc")
        shown = _screen(app)
        assert "\x1b" not in shown
        assert "\x07" not in shown
        lines = [line for line in shown.splitlines() if "[ ]" in line]
        assert ".envrc" in lines[0]
        assert "direnv runs it" in lines[0]
        await _press(pilot, "slash", *"needle", "enter")
        await _stand_on(pilot, "src/evil\x1b]0;x\x07.txt")
        shown = _screen(app)
        assert "\\x1b]0;x\\x07" in shown
        assert "[REDACTED]" in shown
        assert SECRET.decode() not in shown


async def test_space_selects_a_directory_and_all_leaves_out_what_is_held_back(app: ReviewApp) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await _press(pilot, "a")
        assert app.selection.paths == ["gone.txt", "src/evil\x1b]0;x\x07.txt", "src/long.txt"]
        await _press(pilot, "n")
        assert app.selection.paths == []
        tree = app.query_one(ChangeTree)
        node = next(node for node in tree.root.children if node.data is not None and node.data.path == "src")
        tree.move_cursor(node)
        await _press(pilot, "space")
        assert app.selection.paths == ["src/evil\x1b]0;x\x07.txt", "src/long.txt"]
        assert "[x] src/" in str(node.label)


async def test_one_hunk_is_selected_and_applied(app: ReviewApp, project: Project) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await _stand_on(pilot, "src/long.txt")
        await _press(pilot, "tab", "down", "space")
        assert [app.selection.has_hunk("src/long.txt", number) for number in range(3)] == [False, True, False]
        await _press(pilot, "A", "y")
    decision = app.return_value
    assert decision is not None
    apply(decision.plan, project.journal)
    assert (project.workspace / "src/long.txt").read_bytes() == b"".join([*LINES[:30], b"middle\n", *LINES[31:]])


async def test_what_is_held_back_needs_a_yes_of_its_own(app: ReviewApp) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await _stand_on(pilot, ".envrc")
        await _press(pilot, "space", "A")
        assert isinstance(app.screen, Question)
        assert "direnv runs it" in _screen(app)
        await _press(pilot, "escape")
        assert app.return_value is None
        await _press(pilot, "A", "n")
        assert "nothing is selected" in str(app.query_one("#status", Static).render())
        await _press(pilot, "A", "y", "y")
    assert app.return_value is not None
    assert [step.path for step in app.return_value.plan.steps] == [".envrc"]


@pytest.mark.parametrize(("key", "content"), [("t", None), ("m", b"host\n"), ("s", b"host\n")])
async def test_conflict_has_its_ways_out(app: ReviewApp, project: Project, key: str, content: bytes | None) -> None:
    (project.workspace / "src/long.txt").write_bytes(b"host\n")
    async with app.run_test(size=(120, 30)) as pilot:
        await _press(pilot, "a", "A")
        assert "was changed on the host" in _screen(app)
        await _press(pilot, key, "y")
    assert app.return_value is not None
    assert app.return_value.settled == (("src/long.txt",) if key == "m" else ())
    apply(app.return_value.plan, project.journal)
    wanted = (project.upper / "src/long.txt").read_bytes() if content is None else content
    assert (project.workspace / "src/long.txt").read_bytes() == wanted
    assert not (project.workspace / "gone.txt").exists()


async def test_narrow_terminals_get_a_unified_diff_and_resizing_changes_it(app: ReviewApp) -> None:
    async with app.run_test(size=(200, 30)) as pilot:
        await _stand_on(pilot, "src/long.txt")
        assert any("line 0" in line and "first" in line for line in _screen(app).splitlines())
        await pilot.resize_terminal(80, 24)
        with anyio.fail_after(20):
            while not any("-   line 0" in line or "- line 0" in line for line in _screen(app).splitlines()):
                await pilot.pause(0.01)
        assert not any("line 0" in line and "first" in line for line in _screen(app).splitlines())
        assert "+ first \\x1b[2J" in _screen(app)


async def test_leaving_applies_nothing(app: ReviewApp) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await _press(pilot, "a", "slash")
        assert app.screen.query_one(Input).has_focus
        await _press(pilot, "escape", "q")
    assert app.return_value is None
