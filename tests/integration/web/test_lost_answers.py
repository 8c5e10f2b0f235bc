"""A browser drops what is under way when a network interface comes or goes: pages go on, nothing is done twice."""

from playwright.sync_api import Page, Route, expect

from tests.integration.web.logged import Log, record
from tests.integration.web.serving import reach, served
from tests.integration.web.test_review_page import Work, apply, tick, work
from vibedom.paths import Home
from vibedom.web.dashboard import dashboard
from vibedom.web.review import review_page

__all__ = ["work"]


class Losses:
    """Of every address but the page's own, the first requests are lost: one on its way there, one on its way back."""

    def __init__(self, page: Page) -> None:
        self.asked: dict[str, int] = {}
        page.route("**/*", self._lose)

    def _lose(self, route: Route) -> None:
        path = route.request.url.partition("?")[0]
        turn = self.asked[path] = self.asked.get(path, 0) + 1
        if route.request.is_navigation_request() or path.endswith(("/api/live", ".svg")) or turn > 2:
            route.continue_()
            return
        if turn == 2:
            route.fetch()
        route.abort("internetdisconnected")


def test_a_dashboard_that_loses_files_and_answers_opens(page: Page, home: Home) -> None:
    Log(home, "calm-otter").write(record(1))
    losses = Losses(page)
    with served(dashboard(home)) as url:
        reach(page, url)
        expect(page.locator(".flow").first).to_be_visible()
    assert {path.rpartition("/")[2] for path, turns in losses.asked.items() if turns > 2} >= {"dashboard.js", "enter"}


def test_a_review_that_loses_answers_is_applied_once(page: Page, work: Work) -> None:
    losses = Losses(page)
    with served(review_page(work.desk(), "calm-otter")) as url:
        reach(page, url)
        tick(page, "old.txt")
        apply(page, 1)
    assert not (work.workspace / "old.txt").exists()
    assert work.applied == [True]
    assert {path.rpartition("/")[2] for path, turns in losses.asked.items() if turns > 2} >= {"choose", "plan", "apply"}
