"""A real Chromium, started once for the tests of a page.

Once a module and not once a run: while it is there, the thread counts as one with a running event loop, and no
asynchronous test can run.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from vibedom.paths import Home

SECONDS = 60
"""How long anything on a page may take: a loaded machine is slow, not wrong."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        assert "CI" not in os.environ, "CI has to have a browser: apt-get install chromium"
        pytest.skip("needs Chromium; on Debian: apt-get install chromium")
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh page; a script error or a refusal of the content policy on it fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    made = context.new_page()
    made.set_default_timeout(SECONDS * 1000)
    troubles: list[str] = []
    made.on("pageerror", lambda error: troubles.append(str(error)))
    made.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    yield made
    context.close()
    assert [each for each in troubles if "Failed to load resource" not in each] == []
