"""The dashboard in a real Chromium, over logs that the real sink wrote."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Page, expect

from pipeline.events import Record
from tests.integration.web.logged import Log, denied, found, opened, record
from tests.integration.web.serving import command, served
from vibedom.paths import Home
from vibedom.web.dashboard import dashboard

FLOWS = 10_000


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A session with ten thousand flows."""
    home = Home(root=tmp_path_factory.mktemp("busy"))
    log = Log(home, "calm-otter")
    plain: Sequence[Record] = [record(number) for number in range(FLOWS - 30)]
    log.write(*plain)
    log.write(*(denied(FLOWS - 30 + number, "evil.test") for number in range(20)))
    log.write(*(found(FLOWS - 10 + number, "github-pat") for number in range(10)))
    return home


def rows(page: Page) -> int:
    return page.locator(".flow:visible").count()


def test_ten_thousand_flows_are_few_elements_and_every_one_is_reached(page: Page, busy: Home) -> None:
    with served(dashboard(busy)) as url:
        opened(page, url)
        expect(page.locator("#count")).to_have_text("10,000 flows")
        assert rows(page) < 80
        page.keyboard.press("j")
        page.keyboard.press("G")
        expect(page.locator(".flow.is-selected")).to_contain_text("/item/0")
        assert rows(page) < 80
        page.keyboard.press("g")
        expect(page.locator(".flow.is-selected")).to_contain_text(f"/item/{FLOWS - 1}")
        expect(page.locator("#detail")).to_contain_text("github-pat")
        shown = page.evaluate(
            """async () => {
              const box = document.getElementById("flows");
              const frame = () => new Promise(requestAnimationFrame);
              const shown = [];
              for (let at = 0; at < 60; at += 1) {
                box.scrollTop = at * 4000;
                box.dispatchEvent(new Event("scroll"));
                await frame(); await frame();
                const top = box.getBoundingClientRect().top;
                const isSeen = (each) => each.getBoundingClientRect().bottom > top;
                const first = [...box.querySelectorAll(".flow")].find(isSeen);
                shown.push([box.querySelectorAll(".flow").length, first.querySelector(".path").textContent]);
              }
              return shown;
            }"""
        )
        for at, (elements, path) in enumerate(shown):
            assert elements < 80
            assert path == f"/item/{FLOWS - 1 - at * 4000 // 28}"


def test_filters_narrow_by_verdict_rule_host_session_and_text(page: Page, busy: Home) -> None:
    with served(dashboard(busy)) as url:
        opened(page, url)
        count = page.locator("#count")
        page.locator(".segments label", has_text="Blocked").click()
        expect(count).to_have_text("20 of 10,000")
        page.keyboard.press("Escape")
        page.keyboard.press("x")
        page.locator("#rule").select_option("github-pat")
        expect(count).to_have_text("10 of 10,000")
        page.locator("#rule").select_option("")
        page.keyboard.press("/")
        for typed, shown in (("host:evil", "20"), ("host:host3 /item/3 -/item/31", ""), ("session:nobody", "0")):
            page.locator("#search").fill(typed)
            expect(count).to_contain_text(f"{shown} of" if shown else " of")
        expect(page.locator("#empty")).to_have_text("No flow is like that.")
        page.locator("#search").fill("-host:host github")
        expect(count).to_have_text("0 of 10,000")
        page.locator("#search").fill("")
        page.locator("#search").blur()
        page.locator("#hosts button").first.click()
        expect(count).to_contain_text("of 10,000")


def test_every_key_does_what_the_list_of_keys_says(page: Page, busy: Home) -> None:
    with served(dashboard(busy)) as url:
        opened(page, url)
        count, detail, keys = page.locator("#count"), page.locator("#detail"), page.keyboard
        keys.press("2")
        expect(count).to_have_text("20 of 10,000")
        keys.press("3")
        expect(count).to_have_text("10 of 10,000")
        keys.press("1")
        expect(count).to_have_text("10,000 flows")
        for key, path in (
            ("j", FLOWS - 1),
            ("ArrowDown", FLOWS - 2),
            ("j", FLOWS - 3),
            ("k", FLOWS - 2),
            ("ArrowUp", FLOWS - 1),
        ):
            keys.press(key)
            expect(page.locator(".flow.is-selected")).to_contain_text(f"/item/{path}")
        expect(detail).to_be_visible()
        keys.press("Enter")
        expect(detail).to_be_hidden()
        keys.press("Enter")
        expect(detail).to_be_visible()
        keys.press("h")
        expect(page.locator("#search")).to_have_value(f"host:host{(FLOWS - 1) % 7}.test")
        keys.press("Escape")
        expect(detail).to_be_hidden()
        keys.press("x")
        expect(count).to_have_text("10,000 flows")
        keys.press("?")
        expect(page.locator("#help")).to_be_visible()
        listed = set(page.locator("#help dt").all_inner_texts())
        assert listed == {"j k ↓ ↑", "g G", "Enter", "/", "1 2 3", "h", "a", "x Esc", "t"}
        keys.press("2")
        keys.press("Escape")
        expect(page.locator("#help")).to_be_hidden()
        expect(count).to_have_text("10,000 flows")


def test_alerts_of_all_sessions_stand_in_the_order_of_time(page: Page, home: Home) -> None:
    for session, seconds in (("calm-otter", (1, 4)), ("brisk-heron", (2, 3))):
        Log(home, session).write(record(1))
        lines = [
            f'{{"session":"{session}","time":"2026-01-01T00:00:0{each}Z","severity":"low","message":"alert {each}"}}\n'
            for each in seconds
        ]
        home.session(session).alerts_log.write_text("".join(lines))
    with served(dashboard(home)) as url:
        opened(page, url)
        expect(page.locator("#alerts .message")).to_have_text([f"alert {each}" for each in (4, 3, 2, 1)])


def test_narrow_window_shows_the_table_without_scrolling_sideways(page: Page, busy: Home) -> None:
    with served(dashboard(busy)) as url:
        opened(page, url)
        for width in (800, 420):
            page.set_viewport_size({"width": width, "height": 800})
            expect(page.locator(".flow .status").first).to_be_in_viewport(ratio=1)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_written_while_the_page_is_open_appears_across_a_rotation(page: Page, home: Home) -> None:
    log = Log(home, "calm-otter", rotate_bytes=64 * 1024)
    log.write(record(0))
    with served(dashboard(home)) as url:
        opened(page, url)
        for start in range(1, 1201, 300):
            log.write(*(record(number, path="/" + "x" * 300) for number in range(start, start + 300)))
        log.write(denied(5000, "late.test"))
        expect(page.locator("#count")).to_have_text("1,202 flows")
        assert len(list((home.session("calm-otter").root).glob("network.0*.jsonl*"))) >= 2
        expect(page.locator("#blocked")).to_contain_text("late.test")
        expect(page.locator(".flow").first).to_contain_text("late.test")
        with home.session("calm-otter").network_log.open("ab") as file:
            file.write(b'{"schema_version":1,"seq":9999,"session":"calm-otter","time":"2030-01-01T')
            file.flush()
            log.write()
            expect(page.locator("#count")).to_have_text("1,202 flows")
            file.write(
                b'00:00:00.000Z","kind":"dns","flow":"z","at":1,"verdict":"deny","reason":"not-listed","host":"half.test"}\n'
            )
            file.flush()
            expect(page.locator("#count")).to_have_text("1,203 flows")


def test_dark_and_light_follow_the_system_until_the_user_says_otherwise(page: Page, home: Home) -> None:
    Log(home, "calm-otter").write(record(1))

    def background() -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))

    with served(dashboard(home)) as url:
        page.emulate_media(color_scheme="dark")
        opened(page, url)
        assert background() < 120
        page.emulate_media(color_scheme="light")
        assert background() > 640
        page.keyboard.press("t")
        assert background() < 120
        page.reload()
        expect(page.locator(".flow").first).to_be_visible()
        assert background() < 120


def test_a_host_is_put_on_the_whitelist_after_its_session_ended(page: Page, home: Home) -> None:
    log = Log(home, "calm-otter")
    log.write(denied(1, "api.useful.test"))
    with command("dashboard", home=home.root) as url:
        opened(page, url)
        page.locator("#blocked button", has_text="always").click()
        expect(page.locator(".toast")).to_contain_text("api.useful.test")
        expect(page.locator("#blocked")).to_contain_text("No host was refused.")
    assert "api.useful.test" in (home.config / "trusted_domains.txt").read_text().splitlines()
