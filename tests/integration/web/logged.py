"""Sessions whose audit logs the real sink writes, for the dashboard to show."""

import time
from typing import Any

from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, expect

from pipeline.events import Finding, Record
from sinks.jsonl import JsonlSink
from tests.integration.web.live_session import live_session
from tests.integration.web.serving import reach
from vibedom.paths import Home

NOW = time.time()


def record(number: int, **fields: Any) -> Record:
    about = {
        "kind": "request",
        "flow": f"f{number}",
        "at": NOW + number / 1000,
        "verdict": "allow",
        "reason": "listed",
        "scheme": "https",
        "host": f"host{number % 7}.test",
        "port": 443,
        "method": "GET",
        "path": f"/item/{number}",
    }
    return Record(**(about | fields))


def denied(number: int, host: str) -> Record:
    return record(number, host=host, verdict="deny", reason="not-listed", method="POST", path="/upload")


def found(number: int, rule: str) -> Record:
    finding = Finding(
        rule=rule,
        secret_class="secret",
        action="scrub",
        direction="request",
        location="body $.a",
        length=40,
        fingerprint="ab" * 8,
        severity="high",
    )
    return record(number, findings=(finding,))


class Log:
    """A session with an audit log that is written to."""

    def __init__(self, home: Home, name: str, *, rotate_bytes: int | None = None) -> None:
        directory = live_session(home, name)
        self._sink = JsonlSink(directory.network_log, session=name, fsync="never", rotate_bytes=rotate_bytes)

    def write(self, *records: Record) -> None:
        with start_blocking_portal("asyncio") as portal:
            portal.call(self._sink.write, records)


def opened(page: Page, url: str) -> Page:
    reach(page, url)
    expect(page.locator(".flow").first).to_be_visible()
    return page
