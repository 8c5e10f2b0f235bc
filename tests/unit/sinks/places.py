"""A place on the far side for every kind of sink: real files, processes and servers, and what arrived there."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pipeline.ports import Sink
from sinks.alert_engine import AlertEngine
from sinks.alerts import AlertFile, AlertSink, Delivery
from sinks.command import CommandRunner, CommandSettings
from sinks.desktop import Desktop, DesktopSettings
from sinks.jsonl import JsonlSink
from sinks.notify import Notify
from sinks.otlp import Otlp, OtlpSettings
from sinks.outbox import Outbox
from sinks.spool import Spool
from sinks.stream import StreamSink
from sinks.syslog import Syslog, SyslogSettings
from sinks.webhook import Webhook, WebhookSettings


class Place:
    """Where a sink writes to, everything that arrived there, and a switch that lets the far side fail."""

    def __init__(self, open_sink: Callable[[], Sink], read: Callable[[], bytes], failing: Path | None = None) -> None:
        self.open_sink = open_sink
        self.read = read
        self.failing = failing
        """While this file is there the far side refuses everything; None: it cannot fail."""


def alerting(delivery: Delivery, directory: Path) -> AlertSink:
    """As `open_alert_sinks` makes it: with a spool in front."""
    engine = AlertEngine(session="s1", max_per_minute=10**6)
    return AlertSink("x", engine, Outbox(delivery, Spool(directory / "x.spool"), session="s1"))


def jsonl_place(directory: Path) -> Iterator[Place]:
    path = directory / "network.jsonl"
    yield Place(lambda: JsonlSink(path, session="s1"), path.read_bytes)


def file_place(directory: Path) -> Iterator[Place]:
    path = directory / "alerts.jsonl"
    yield Place(lambda: AlertSink("alerts", AlertEngine(session="s1", max_per_minute=10**6), AlertFile(path)), path.read_bytes)  # fmt: skip  # noqa: E501


def command_place(directory: Path) -> Iterator[Place]:
    path, failing = directory / "got", directory / "failing"
    script = (
        f"import sys, os; data = sys.stdin.buffer.read(); os.path.exists({str(failing)!r}) and sys.exit(1)\n"
        f"open({str(path)!r}, 'ab').write(data)"
    )
    settings = CommandSettings(argv=(sys.executable, "-I", "-S", "-c", script))
    yield Place(lambda: alerting(CommandRunner(settings), directory), path.read_bytes, failing)


def desktop_place(directory: Path) -> Iterator[Place]:
    """With a notifier of the test's own, which writes its arguments down."""
    path, failing, notifier = directory / "got", directory / "failing", directory / "notify-send"
    notifier.write_text(f'#!/bin/sh\n[ -e {failing} ] && exit 1\nprintf "%s\\n" "$@" >> {path}\n')
    notifier.chmod(0o755)

    def open_sink() -> Sink:
        return alerting(Desktop(DesktopSettings(), program=str(notifier), shown=100), directory)

    yield Place(open_sink, path.read_bytes, failing)


def syslog_place(directory: Path) -> Iterator[Place]:
    """A socket that is always read, as a syslog daemon does: the kernel queues ten datagrams only."""
    messages: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(directory / "log"))

        def receive() -> None:
            while (message := receiver.recv(65536)) != b"end":
                messages.append(message)

        reader = threading.Thread(target=receive)
        reader.start()

        def read() -> bytes:
            """What was sent before this: the mark comes last."""
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"end", str(directory / "log"))
            reader.join()
            return b"\n".join(messages)

        settings = SyslogSettings(address=f"unix://{directory}/log")
        yield Place(lambda: alerting(Syslog(settings), directory), read)
        if reader.is_alive():
            read()


@contextmanager
def http_server(failing: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Host and port, and the bodies that came."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not failing.exists():
                bodies.append(body)
            self.send_response(503 if failing.exists() else 204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", bodies
        server.shutdown()


def webhook_place(directory: Path) -> Iterator[Place]:
    failing = directory / "failing"
    with http_server(failing) as (where, bodies):
        settings = WebhookSettings(url=f"http://{where}/")

        def open_sink() -> Sink:
            return alerting(Webhook(settings, key=None, dead_letters=directory / "dead.jsonl"), directory)

        yield Place(open_sink, lambda: b"\n".join(bodies), failing)


def otlp_place(directory: Path) -> Iterator[Place]:
    failing = directory / "failing"
    with http_server(failing) as (where, bodies):
        settings = OtlpSettings(url=f"http://{where}")

        def open_sink() -> Sink:
            return alerting(Otlp(settings, headers={}, dead_letters=directory / "dead.jsonl"), directory)

        def read() -> bytes:
            """The bodies are UTF-8 by definition; here as ASCII, so that one test fits all."""
            return b"\n".join(json.dumps(json.loads(body)).encode() for body in bodies)

        yield Place(open_sink, read, failing)


def notify_place(directory: Path) -> Iterator[Place]:
    failing = directory / "failing"
    with http_server(failing) as (where, bodies):

        def open_sink() -> Sink:
            return alerting(Notify(f"json://{where}/", shown=100), directory)

        yield Place(open_sink, lambda: b"\n".join(bodies), failing)


def stream_place(directory: Path) -> Iterator[Place]:
    """A stream sink whose far side is a file; those with real servers are in tests/integration/sinks."""
    path, failing = directory / "stream", directory / "failing"

    class FileCarrier:
        async def carry(self, entries: "list[bytes]", /) -> None:
            if failing.exists():
                raise ConnectionError
            with path.open("ab") as file:
                file.writelines(entry + b"\n" for entry in entries)

        async def report_lost(self, count: int, /) -> None:
            await self.carry([b'{"lost":%d}' % count])

        async def aclose(self) -> None:
            """Nothing is open."""

    def open_sink() -> Sink:
        engine = AlertEngine(session="s1", max_per_minute=10**6)
        return StreamSink("stream", FileCarrier(), Spool(directory / "s.spool"), session="s1", engine=engine)  # type: ignore[arg-type]

    yield Place(open_sink, path.read_bytes, failing)


PLACES: tuple[Callable[[Path], Iterator[Place]], ...] = (
    jsonl_place, file_place, command_place, desktop_place, syslog_place, webhook_place, otlp_place, notify_place,
    stream_place,
)  # fmt: skip

BREAKABLE: tuple[Callable[[Path], Iterator[Place]], ...] = (
    command_place, desktop_place, webhook_place, otlp_place, notify_place, stream_place,
)  # fmt: skip
"""Those whose far side can be told to fail."""
