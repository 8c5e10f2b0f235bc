"""`vibedom review --web` as a user runs it: a link that works once, what was ticked on disk, an end of its own."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.integration.web.serving import reach
from tests.support.ended_session import Session
from tests.support.overlays import Project


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def session(tmp_path: Path, cache: Path) -> Session:
    if os.geteuid() != 0:
        pytest.skip("mounting an overlay needs root")
    made = Session(Project(tmp_path).root, cache)
    for name in ("one", "two"):
        (made.workspace / name).write_text("base\n")
    made.start()
    with made.project.mounted() as merged:
        for name in ("one", "two"):
            (merged / name).write_text("agent\n")
    return made


@pytest.fixture
def serving(session: Session) -> Iterator["subprocess.Popen[str]"]:
    argv = [sys.executable, "-m", "vibedom", "review", "--web"]
    with subprocess.Popen(
        argv,
        cwd=session.workspace,
        env=session.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_what_is_ticked_is_applied_and_the_command_ends_when_nothing_is_left(
    session: Session, serving: "subprocess.Popen[str]", page: Page
) -> None:
    assert serving.stdout is not None
    url = serving.stdout.readline().strip()
    reach(page, url)
    for name, left in (("one", 1), ("two", 0)):
        page.locator(f'.entry[data-path="{name}"] input').click()
        page.locator("#apply").click()
        page.locator("#plan button.primary", has_text="Apply 1 changes").click()
        expect(page.locator(".toast", has_text="1 changes applied").last).to_be_visible()
        expect(page.locator(".entry")).to_have_count(left)
        assert (session.workspace / name).read_text() == "agent\n"
        if left:
            assert (session.workspace / "two").read_text() == "base\n"
            assert serving.poll() is None
            _refuse_the_token_again(url)
    _, err = serving.communicate(timeout=60)
    assert serving.returncode == 0, err
    assert err.splitlines()[-1] == "nothing is left to review; `vibedom undo` takes the last apply back"
    assert session.status == "applied"
    session.run("undo")
    assert (session.workspace / "two").read_text() == "base\n"


def _refuse_the_token_again(url: str) -> None:
    origin, _, token = url.partition("/#")
    again = urllib.request.Request(f"{origin}/enter", data=f"{'w' * 32} {token}".encode(), headers={"Origin": origin})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(again, timeout=60)
    assert refused.value.code == 403
    assert b"used already" in refused.value.read()


def test_ctrl_c_ends_it_with_nothing_applied(session: Session, serving: "subprocess.Popen[str]") -> None:
    assert serving.stdout is not None
    assert serving.stdout.readline().startswith("http://127.0.0.1:")
    serving.send_signal(signal.SIGINT)
    _, err = serving.communicate(timeout=60)
    assert serving.returncode == 128 + signal.SIGINT, err
    assert (session.workspace / "one").read_text() == "base\n"
