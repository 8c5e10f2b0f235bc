"""Alerts to syslog: RFC 5424 messages over a Unix socket, UDP (RFC 5426), TCP or TLS (RFC 6587, RFC 5425)."""

import os
import re
import socket
import ssl
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

import anyio
import anyio.abc
import anyio.to_thread
import msgspec

from pipeline.events import Severity
from sinks.address import has_user, is_address, is_socket
from sinks.alert import Alert
from sinks.delivery_error import DeliveryError, cause
from sinks.line import printable_json

_SEVERITY: dict[Severity, int] = {"low": 5, "medium": 4, "high": 3, "critical": 2}
_FACILITY = {"user": 1, "daemon": 3, "auth": 4, "authpriv": 10, **{f"local{n}": 16 + n for n in range(8)}}
_TIMEOUT_SECONDS = 10.0
_PORTS = {"udp": 514, "tcp": 514, "tls": 6514}
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")

Facility = Literal[
    "user", "daemon", "auth", "authpriv",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]  # fmt: skip


class SyslogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="syslog"):
    """`[[sinks]] type = "syslog"`."""

    address: str = "unix:///dev/log"
    """`unix:///PATH` (datagrams), `udp://HOST:PORT`, `tcp://HOST:PORT` or `tls://HOST:PORT`."""
    min_severity: Severity = "medium"
    facility: Facility = "auth"
    ca: str | None = None
    """PEM file for `tls`; without it this machine's own roots."""

    def __post_init__(self) -> None:
        if not is_socket(self.address) and (not is_address(self.address, _PORTS) or has_user(self.address)):
            raise ValueError("address must be unix:///PATH, udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT")


class Syslog:
    """One message for each alert; a stream is opened at the first and again after a failure."""

    def __init__(self, settings: SyslogSettings) -> None:
        self._settings = settings
        self._host = _printable(socket.gethostname(), 255)
        self._stream: anyio.abc.ByteStream | None = None

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        """Raises `DeliveryError`; alerts in front of the failure may have arrived already."""
        messages = [self.message(alert) for alert in alerts]
        scheme = urlsplit(self._settings.address).scheme
        try:
            with anyio.fail_after(_TIMEOUT_SECONDS):
                if scheme in ("unix", "udp"):
                    await anyio.to_thread.run_sync(self._send_datagrams, messages)
                else:
                    await self._send_stream(messages)
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError) as error:
            await self.aclose()
            raise DeliveryError(f"syslog: cannot be reached ({cause(error)})") from None

    async def aclose(self) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await anyio.aclose_forcefully(stream)

    def message(self, alert: Alert) -> bytes:
        """PRI, version, time, host, program, process, message id, no structured data, and the alert as JSON."""
        priority = _FACILITY[self._settings.facility] * 8 + _SEVERITY[alert.severity]
        kind = _printable(alert.name.replace(" ", "-"), 32)
        head = f"<{priority}>1 {alert.time or '-'} {self._host} vibedom {os.getpid()} {kind} - "
        return head.encode("ascii") + printable_json(alert)

    def _send_datagrams(self, messages: list[bytes]) -> None:
        parts = urlsplit(self._settings.address)
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(_TIMEOUT_SECONDS)
                sender.connect(parts.path)
                for message in messages:
                    sender.send(message)
            return
        host, port = parts.hostname or "", parts.port or _PORTS["udp"]
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as sender:
            for message in messages:
                sender.sendto(message, where)

    async def _send_stream(self, messages: list[bytes]) -> None:
        if self._stream is None:
            self._stream = await self._connect()
        await self._stream.send(b"".join(b"%d %b" % (len(message), message) for message in messages))

    async def _connect(self) -> anyio.abc.ByteStream:
        parts = urlsplit(self._settings.address)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        if parts.scheme == "tls":
            context = ssl.create_default_context(cafile=self._settings.ca)
            return await anyio.connect_tcp(host, port, tls=True, ssl_context=context)
        return await anyio.connect_tcp(host, port)


def _printable(text: str, length: int) -> str:
    return _NOT_PRINTABLE.sub("-", text)[:length] or "-"
