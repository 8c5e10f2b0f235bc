"""An exported HAR file in the hands of a program that reads them: Chromium answers out of it."""

from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Error, Page

from sinks.jsonl import JsonlSink
from tests.unit.audit.logs import request
from vibedom.audit.entries import entries
from vibedom.audit.export import export


def exported(directory: Path) -> Path:
    """The HAR of a page, of one on another port, and of one that was denied."""
    sink = JsonlSink(directory / "network.jsonl", session="s1")
    page = request("f1", method="GET", path="/page?q=a%20b&empty=")
    other = request("f2", method="GET", path="/other", host="xn--bcher-kva.test", port=8443)
    denied = request("f3", method="GET", path="/denied", host="evil.test", verdict="deny", reason="not-listed")
    about = {"kind": "response", "method": "", "content_type": "text/html", "duration_ms": 12.5}
    answers = [request("f1", path=page.path, status=201, **about), request("f2", path="/other", status=203, **about)]

    async def write() -> None:
        await sink.write([page, other, denied, *answers])
        await sink.aclose()

    with start_blocking_portal("asyncio") as portal:
        portal.call(write)
    har = directory / "log.har"
    har.write_bytes(b"".join(export(entries([directory / "network.jsonl"]), "har")))
    return har


def test_chromium_answers_out_of_an_exported_log(page: Page, tmp_path: Path) -> None:
    page.route_from_har(exported(tmp_path), not_found="abort")
    answer = page.goto("https://api.test/page?q=a%20b&empty=")
    assert answer is not None
    assert answer.status == 201
    other = page.goto("https://xn--bcher-kva.test:8443/other")
    assert other is not None
    assert other.status == 203
    with pytest.raises(Error, match="ERR_"):
        page.goto("https://api.test/page?q=another")
