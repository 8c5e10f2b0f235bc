"""The dashboard over a session that runs: its buttons do what they say, on the far side of the border."""

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator

import anyio
import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.integration.run.conftest import Vibedom, ended, killed_at_the_end, until
from tests.support.origin import Origin, origin

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("runtime", ["local"], indirect=True)]
HOST = "api.good.test"
SECONDS = 40_000


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        assert "CI" not in os.environ, "CI has to have a browser: apt-get install chromium"
        pytest.skip("needs Chromium; on Debian: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        made = await browser.new_page()
        made.set_default_timeout(SECONDS)
        yield made
        await browser.close()


def listed_for_get(secure: Origin) -> str:
    return f'[[hosts]]\npattern = "GET {HOST}"\ndial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'


def dashboard(vibedom: Vibedom) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        vibedom.argv("dashboard", "--json"),
        env=vibedom.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


async def test_allow_pause_resume_and_stop_work_from_the_page(vibedom: Vibedom, page: Page) -> None:
    expect.set_options(timeout=SECONDS)
    script = f"while :; do curl -s -o /dev/null -X POST https://{HOST}/wanted; sleep 0.2; done"
    async with origin(names=(HOST,)) as secure:
        vibedom.policy(policy=listed_for_get(secure))
        serving = dashboard(vibedom)
        with killed_at_the_end(serving), killed_at_the_end(vibedom.started("sh", "-c", script)) as agent:
            assert serving.stdout is not None
            said = b"".join([await anyio.to_thread.run_sync(serving.stdout.readline) for _ in range(3)])
            await page.goto(json.loads(said)["url"])
            blocked = page.locator("#blocked li", has_text=HOST)
            await expect(blocked).to_contain_text("method-or-path-not-listed")
            assert secure.arrived == []

            await blocked.get_by_role("button", name="once").click()
            await until(lambda: bool(secure.arrived), "a request to get through")
            await expect(blocked).to_contain_text("method-or-path-not-listed")  # it is refused again
            assert [each.method for each in secure.arrived] == ["POST"]

            await page.locator(".segments label", has_text="Blocked").click()
            await page.locator(".flow", has_text=HOST).first.click()
            await page.keyboard.press("a")
            await until(lambda: len(secure.arrived) > 2, "requests for the rest of the session")

            await page.get_by_role("button", name="pause").click()
            await expect(page.locator(".session")).to_have_attribute("data-state", "paused")
            count = len(secure.arrived)
            await page.get_by_role("button", name="resume").click()
            await expect(page.locator(".session")).to_have_attribute("data-state", "running")
            await until(lambda: len(secure.arrived) > count, "requests after the pause")

            await page.get_by_role("button", name="stop").click()
            await page.get_by_role("button", name="really stop?").click()
            await ended(agent)
            await expect(page.locator(".session")).to_have_attribute("data-state", "ended")
