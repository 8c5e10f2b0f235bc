"""Alerts to a real rsyslogd over UDP, TCP and TLS: parsed as RFC 5424, each field where it belongs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from sinks.alert import make_alert
from sinks.delivery_error import DeliveryError
from sinks.syslog import Syslog, SyslogSettings
from tests.integration.sinks.servers import Server, free_ports, program, wait_until
from tests.unit.sinks.test_deliveries import self_signed
from vibedom.testing import nasty_record, record

TEMPLATE = '"%pri%|%protocol-version%|%timereported:::date-rfc3339%|%app-name%|%msgid%|%msg%\\n"'


class Rsyslog:
    """The daemon, its ports and the lines it wrote."""

    def __init__(self, directory: Path) -> None:
        """With a certificate of localhost's in `cert.pem`."""
        self.udp, self.tcp, self.tls = free_ports(3)
        self.ca = directory / "cert.pem"
        self_signed(directory)
        self.out = directory / "out"
        config = directory / "rsyslog.conf"
        config.write_text(
            f'global(workDirectory="{directory}" maxMessageSize="64k" defaultNetstreamDriverCAFile="{self.ca}"\n'
            f'defaultNetstreamDriverCertFile="{self.ca}" defaultNetstreamDriverKeyFile="{directory}/key.pem")\n'
            'module(load="imudp")\nmodule(load="imtcp")\n'
            f'input(type="imudp" address="127.0.0.1" port="{self.udp}")\n'
            f'input(type="imtcp" address="127.0.0.1" port="{self.tcp}")\n'
            f'input(type="imtcp" address="127.0.0.1" port="{self.tls}" streamDriver.name="gtls"\n'
            'streamDriver.mode="1" streamDriver.authMode="anon")\n'
            f'template(name="t" type="string" string={TEMPLATE})\n'
            f'*.* action(type="omfile" file="{self.out}" template="t" flushOnTXEnd="on")\n'
        )
        argv = [program("rsyslogd"), "-n", "-f", str(config), "-i", str(directory / "pid")]
        self.server = Server(argv, self.tcp)

    def lines(self, count: int) -> list[str]:
        """Once there are `count` of vibedom's."""

        def own() -> list[str]:
            text = self.out.read_text() if self.out.exists() else ""
            return [line for line in text.splitlines() if "|vibedom|" in line]

        wait_until(lambda: len(own()) >= count, f"{count} lines in rsyslog's file")
        return own()


@pytest.fixture(scope="module")
def rsyslog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rsyslog]:
    daemon = Rsyslog(tmp_path_factory.mktemp("rsyslog"))
    try:
        daemon.server.start()
        yield daemon
    finally:
        daemon.server.kill()


def send(settings: SyslogSettings, name: str) -> None:
    async def run() -> None:
        syslog = Syslog(settings)
        plain, nasty = record(1), nasty_record()
        await syslog.deliver(
            [
                make_alert(plain, None, id_="1", session="s1", name=name, severity="critical"),
                make_alert(nasty, nasty.findings[0], id_="2", session="s1", name=name, severity="low"),
            ]
        )
        await syslog.aclose()

    anyio.run(run)


@pytest.mark.parametrize("scheme", ["udp", "tcp", "tls"])
def test_rsyslog_understands_every_alert(rsyslog: Rsyslog, scheme: str) -> None:
    before = len(rsyslog.lines(0))
    host, ca = ("localhost", str(rsyslog.ca)) if scheme == "tls" else ("127.0.0.1", None)
    address = f"{scheme}://{host}:{getattr(rsyslog, scheme)}"
    send(SyslogSettings(address=address, ca=ca, facility="local3"), scheme)
    first, second = (line.split("|", 5) for line in rsyslog.lines(before + 2)[before:])
    assert first[:2] == [str(19 * 8 + 2), "1"]
    assert datetime.fromisoformat(first[2]) == datetime.fromtimestamp(1e9 + 1, UTC)
    assert first[3:5] == ["vibedom", scheme]
    assert second[0] == str(19 * 8 + 5)
    assert json.loads(first[5])["host"] == "h001.test"
    assert json.loads(second[5])["rule"] == "a-key"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_server_without_the_right_certificate_gets_no_alert(rsyslog: Rsyslog, host: str) -> None:
    """This machine's own roots do not know the certificate, which is localhost's."""
    before = len(rsyslog.lines(0))
    ca = str(rsyslog.ca) if host == "127.0.0.1" else None
    with pytest.raises(DeliveryError, match="SSLCertVerificationError"):
        send(SyslogSettings(address=f"tls://{host}:{rsyslog.tls}", ca=ca), "wrong")
    send(SyslogSettings(address=f"udp://127.0.0.1:{rsyslog.udp}"), "after")
    assert all("|wrong|" not in line for line in rsyslog.lines(before + 2))
