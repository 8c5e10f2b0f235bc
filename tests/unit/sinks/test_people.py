"""Alerts to people and collectors: e-mail over SMTP, Apprise's services, OTLP, desktops."""

import email
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sinks.alert import Alert, make_alert
from sinks.delivery_error import DeliveryError
from sinks.desktop import Desktop, DesktopSettings
from sinks.notify import Notify
from sinks.otlp import Otlp, OtlpSettings, export_request
from tests.unit.sinks.places import http_server
from vibedom.testing import NASTY, nasty_record, record

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[3]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def alerts(count: int = 1) -> list[Alert]:
    severities: Any = ["low", "high", "critical", "medium"]
    return [
        make_alert(
            record(n), None, id_=f"id{n}", session="s1", name="host denied", severity=severities[n % len(severities)]
        )
        for n in range(count)
    ]


def nasty_alert() -> Alert:
    made = nasty_record()
    return make_alert(made, made.findings[0], id_="n", session="s1", name="key kept from leaving", severity="high")


class SmtpServer:
    """Takes one message after another, as RFC 5321 says."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection, connection.makefile("rwb") as stream:
                if not self._converse(stream):
                    return

    def _converse(self, stream: Any) -> bool:
        def say(text: bytes) -> None:
            stream.write(text + b"\r\n")
            stream.flush()

        say(b"220 test ESMTP")
        for line in stream:
            word = line.strip().upper()[:4]
            if word == b"DATA":
                say(b"354 go on")
                body = []
                for part in stream:
                    if part == b".\r\n":
                        break
                    body.append(part)
                self.messages.append(b"".join(body))
                say(b"250 taken")
            elif word == b"STOP":
                return False
            else:
                say(b"221 bye" if word == b"QUIT" else b"250 test")
        return True

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"STOP\r\n")
            self._thread.join()
        self._socket.close()


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    server = SmtpServer()
    yield server
    server.close()


async def test_e_mail_says_what_happened_the_gravest_first(smtp: SmtpServer) -> None:
    url = f"mailto://127.0.0.1:{smtp.port}?from=vibedom@corp.test&to=me@corp.test&mode=insecure&format=text"
    await Notify(url).deliver(alerts(3))
    (message,) = smtp.messages
    parsed = email.message_from_bytes(message)
    assert "3 alerts in s1" in str(email.header.make_header(email.header.decode_header(parsed["Subject"])))
    part = next(part for part in parsed.walk() if part.get_content_type() == "text/plain")
    text = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert [line.split("]")[0].split(")")[0].strip("([") for line in text.splitlines()[:3]] == [
        "critical",
        "high",
        "low",
    ]
    assert "h002.test" in text


@pytest.mark.parametrize(
    "url",
    [
        "slack://TokenA/TokenB/TokenC/general",
        "discord://123456789/abcdefgh",
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        "workflows://teams.corp.test/" + "a" * 32 + "/" + "s" * 43,
        "mailtos://me:word@corp.test",
    ],
)  # fmt: skip
async def test_services_people_use_are_known(url: str) -> None:
    await Notify(url).aclose()


@pytest.mark.parametrize("url", ["nonsense://canary", "", "slack://", "json://a json://b"])
async def test_url_of_no_service_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="Apprise") as caught:
        Notify(url)
    assert "canary" not in str(caught.value)


async def test_service_that_refuses_or_is_not_there_is_tried_again_and_nothing_is_printed(tmp_path: Path) -> None:
    (tmp_path / "failing").touch()
    with http_server(tmp_path / "failing") as (where, _), pytest.raises(DeliveryError, match="did not take"):
        await Notify(f"json://me:canary@{where}/canary").deliver(alerts())
    script = (
        "import anyio; from sinks.notify import Notify; from sinks.delivery_error import DeliveryError\n"
        "from tests.unit.sinks.test_people import alerts\n"
        "try: anyio.run(Notify('json://me:canary@127.0.0.1:1/canary').deliver, alerts())\n"
        "except DeliveryError: pass"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)  # noqa: ASYNC221
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("json://{}/", "message"),
        ("mmost://{}/abcdefghijklmnopqrstuvwxyz", "text"),
        ("gotify://{}/abcdefghijklmno", "message"),
        ("ntfy://{}/topic", "message"),
    ],
)
async def test_no_mention_link_or_markup_comes_of_what_an_agent_wrote(tmp_path: Path, url: str, field: str) -> None:
    with http_server(tmp_path / "failing") as (where, bodies), suppress(DeliveryError):
        await Notify(url.format(where)).deliver([nasty_alert()])  # some of them want another status than 204
    text = json.loads(bodies[0])[field]
    assert "a-key" in text
    assert "high" in text
    assert not set("<>@`[]*\x1b\u202e") & set(text)


async def test_otlp_request_is_what_a_collector_takes(tmp_path: Path) -> None:
    with http_server(tmp_path / "failing") as (where, bodies):
        otlp = Otlp(OtlpSettings(url=f"http://{where}"), headers={}, dead_letters=tmp_path / "dead")
        await otlp.deliver([*alerts(2), nasty_alert()])
        await otlp.aclose()
    (resource,) = json.loads(bodies[0])["resourceLogs"]
    assert {"key": "service.name", "value": {"stringValue": "vibedom"}} in resource["resource"]["attributes"]
    first, second, third = resource["scopeLogs"][0]["logRecords"]
    assert (first["severityNumber"], first["severityText"]) == (9, "INFO")
    assert (second["severityNumber"], second["timeUnixNano"]) == (17, "1000000001000000000")
    names = {each["key"]: each["value"] for each in third["attributes"]}
    assert names["vibedom.finding.rule"] == {"stringValue": "a-key"}
    assert {each["key"]: each["value"] for each in first["attributes"]}["server.address"] == {
        "stringValue": "h000.test"
    }


def test_otlp_url_without_a_path_gets_the_one_of_logs() -> None:
    assert OtlpSettings(url="http://c.test:4318").endpoint == "http://c.test:4318/v1/logs"
    assert OtlpSettings(url="https://c.test/otlp/v1/logs").endpoint == "https://c.test/otlp/v1/logs"
    assert export_request([], "x")["resourceLogs"]


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_desktop_texts_are_arguments_and_hold_no_markup_or_script(platform: str) -> None:
    arguments = Desktop(DesktopSettings(), platform=platform).arguments([nasty_alert()])
    title, body = arguments[-2:]
    assert title == "vibedom: 1 alert in s1"
    assert "\x1b" not in body
    if platform == "linux":
        assert arguments[-3] == "--"
        assert "<" not in body
        assert "--urgency=critical" in arguments
    else:
        assert not any(NASTY[:3] in argument for argument in arguments[:-2])


async def test_desktop_without_a_notifier_raises_so_that_the_alert_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(DeliveryError, match="no program"):
        await Desktop(DesktopSettings()).deliver(alerts())
