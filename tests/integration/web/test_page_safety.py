"""What no log and no stranger can make of the dashboard, in a real Chromium."""

from playwright.sync_api import Page, expect

from tests.integration.web.logged import Log, denied, opened, record
from tests.integration.web.serving import reach, served
from vibedom.paths import Home
from vibedom.web.dashboard import dashboard

DIRECTIVES = ["connect-src", "form-action", "frame-src", "img-src", "require-trusted-types-for", "style-src-elem"]
"""Of the content policy: those that what is put into the page runs against."""


def test_what_an_agent_writes_is_text_and_nothing_else(page: Page, home: Home) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    log = Log(home, "calm-otter")
    nasty = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\u202e\x1b[31m\u200b"
    log.write(
        record(1, path=nasty, content_type=nasty, method=nasty),
        denied(2, "xn--evil\u202egnp.test"),
        record(3, kind="session", note=nasty),
    )
    home.session("calm-otter").alerts_log.write_text(
        '{"session":"calm-otter","time":"2026-01-01T00:00:00Z","severity":"high",'
        '"message":"<b onclick=alert(3)>\\u202e</b>"}\n'
    )
    with served(dashboard(home)) as url:
        opened(page, url)
        page.locator(".flow", has_text="onerror").first.click()
        expect(page.locator("#detail")).to_contain_text("<img src=x onerror=alert(1)>")
        expect(page.locator("#alerts")).to_contain_text("<b onclick=alert(3)>\\u{202e}</b>")
        expect(page.locator("#blocked")).to_contain_text("\\u{202e}gnp.test")
        assert page.locator("body img, body script, #alerts b").count() == 0
        assert not {"\u202e", "\x1b", "\u200b"} & set(page.locator("body").inner_text())
        assert page.evaluate("document.title") == "vibedom"
    assert dialogs == []


def test_browser_keeps_whatever_gets_into_the_page_from_running_or_telling_anybody(page: Page, home: Home) -> None:
    Log(home, "calm-otter").write(record(1))
    other = page.context.new_page()  # `page` itself must see no refusal
    with served(dashboard(home)) as url:
        opened(other, url)
        found = other.evaluate(
            """async (expected) => {
              const refused = new Set();
              document.addEventListener("securitypolicyviolation", (event) => refused.add(event.effectiveDirective));
              const add = (tag, about) => document.body.append(Object.assign(document.createElement(tag), about));
              const isRefused = async (act) => { try { await act(); return false; } catch { return true; } };
              const thrown = [
                await isRefused(() => fetch("http://127.0.0.1:9/")),
                await isRefused(() => { document.body.innerHTML = "<b>x</b>"; }),
                await isRefused(() => { add("script", { text: "window.ran = 1" }); }),
              ];
              add("img", { src: "http://127.0.0.1:9/pixel" });
              add("iframe", { src: "http://127.0.0.1:9/" });
              add("link", { rel: "stylesheet", href: "http://127.0.0.1:9/x.css" });
              add("form", { action: "http://127.0.0.1:9/" });
              document.forms[document.forms.length - 1].submit();
              for (let turn = 0; turn < 1000 && expected.some((each) => !refused.has(each)); turn += 1)
                await new Promise((resolve) => setTimeout(resolve, 10));
              return { missing: expected.filter((each) => !refused.has(each)), thrown, ran: window.ran ?? null };
            }""",
            DIRECTIVES,
        )
    assert found == {"missing": [], "thrown": [True, True, True], "ran": None}
    other.close()


def test_a_link_works_once_and_the_page_says_so(page: Page, home: Home) -> None:
    Log(home, "calm-otter").write(record(1))
    with served(dashboard(home)) as url:
        opened(page, url)
        assert "#" not in page.url or page.url.endswith("#")
        page.reload()
        expect(page.locator(".flow").first).to_be_visible()
        other = page.context.browser.new_context().new_page()  # type: ignore[union-attr]
        reach(other, url)
        expect(other.locator("h1")).to_have_text("This page is closed")
        other.context.close()
