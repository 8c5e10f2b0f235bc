"""What chat services get whose hosts Apprise has built in: a stand-in for them behind a proxy, over real TLS."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest

from sinks.delivery_error import DeliveryError
from sinks.notify import Notify
from tests.support.origin import server_tls
from tests.unit.sinks.test_people import alerts, nasty_alert

SERVICES = {
    "hooks.slack.com": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/general",
    "discord.com": "discord://123456789012345678/abcdefghijklmnop-abcdefghijklmnop",
    "api.telegram.org": "tgram://123456789:abcdefg_hijklmnopabcdefg_hijklmnop/12315544/",
    "prod.logic.azure.com": "workflows://prod.logic.azure.com/" + "a" * 32 + "/" + "s" * 43,
}


class Services:
    """A proxy that answers as every one of the services itself."""

    def __init__(self, directory: Path) -> None:
        self.context, self.ca = server_tls(tuple(SERVICES), directory)
        self.requests: list[tuple[str, str, bytes]] = []
        """Host, path and body."""
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                self.send_response(200)
                self.end_headers()
                services.converse(self)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def converse(self, handler: BaseHTTPRequestHandler) -> None:
        with self.context.wrap_socket(handler.connection, server_side=True) as inner, inner.makefile("rwb") as stream:
            path = stream.readline().decode().split()[1]
            headers = dict(line.decode().rstrip().split(": ", 1) for line in iter(stream.readline, b"\r\n"))
            length = {name.lower(): value for name, value in headers.items()}["content-length"]
            self.requests.append((handler.path.partition(":")[0], path, stream.read(int(length))))
            answer = b"ok" if "slack" in handler.path else b'{"ok":true,"result":{}}'
            head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n"
            stream.write(head + b"content-length: %d\r\n\r\n" % len(answer) + answer)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    services = Services(tmp_path_factory.mktemp("services"))
    yield services
    services.server.shutdown()
    services.server.server_close()


@pytest.mark.parametrize("host", list(SERVICES))
def test_message_leaves_for_the_service_with_what_happened_and_nothing_of_it_is_markup(
    services: Services, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{services.server.server_port}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(services.ca))
    services.requests.clear()
    anyio.run(Notify(SERVICES[host]).deliver, [*alerts(2), nasty_alert()])
    ((reached, _, body),) = services.requests
    assert reached == host
    said = " ".join(texts(json.loads(body)))
    for part in ("3 alerts in s1", "h000.test", "a-key", "high", "low"):
        assert part in said.replace("\\", "")  # Teams gets signs escaped
    assert "apprise" not in said  # no picture that the service would fetch from somebody else
    assert not set("\x1b\x00\u202e\u2028`") & set(said)
    for markup in ("<!channel>", "&lt;!channel"):  # as in NASTY
        assert markup not in said


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def test_service_with_another_certificate_gets_nothing(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{services.server.server_port}")
    services.requests.clear()
    with pytest.raises(DeliveryError):
        anyio.run(Notify(SERVICES["discord.com"]).deliver, alerts(1))
    assert services.requests == []
