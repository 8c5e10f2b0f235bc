"""Every sink behaves the same: in order, whole, again after a cancellation or a restart, and closed twice."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.events import Finding, Record
from pipeline.ports import Sink
from sinks.alert_engine import AlertEngine
from sinks.alerts import AlertFile, AlertSink, Delivery
from sinks.command import CommandRunner, CommandSettings
from sinks.jsonl import JsonlSink
from sinks.syslog import Syslog, SyslogSettings
from sinks.webhook import Webhook, WebhookSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Place:
    """Where a sink writes to, and everything that arrived there."""

    def __init__(self, open_sink: Callable[[], Sink], read: Callable[[], bytes]) -> None:
        self.open_sink = open_sink
        self.read = read


def alerting(delivery: Delivery) -> AlertSink:
    return AlertSink("x", AlertEngine(session="s1", max_per_minute=10**6), delivery)


def jsonl_place(directory: Path) -> Iterator[Place]:
    path = directory / "network.jsonl"
    yield Place(lambda: JsonlSink(path, session="s1"), path.read_bytes)


def file_place(directory: Path) -> Iterator[Place]:
    path = directory / "alerts.jsonl"
    yield Place(lambda: alerting(AlertFile(path)), path.read_bytes)


def command_place(directory: Path) -> Iterator[Place]:
    path = directory / "got"
    script = f"import sys; open({str(path)!r}, 'ab').write(sys.stdin.buffer.read())"
    settings_ = CommandSettings(argv=(sys.executable, "-I", "-S", "-c", script))
    yield Place(lambda: alerting(CommandRunner(settings_)), path.read_bytes)


def syslog_place(directory: Path) -> Iterator[Place]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(directory / "log"))
        receiver.setblocking(False)
        messages: list[bytes] = []

        def read() -> bytes:
            try:
                while True:
                    messages.append(receiver.recv(65536))
            except BlockingIOError:
                return b"\n".join(messages)

        yield Place(lambda: alerting(Syslog(SyslogSettings(address=f"unix://{directory}/log"))), read)


def webhook_place(directory: Path) -> Iterator[Place]:
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings_ = WebhookSettings(url=f"http://127.0.0.1:{server.server_port}/")
        dead = directory / "dead.jsonl"
        yield Place(lambda: alerting(Webhook(settings_, key=None, dead_letters=dead)), lambda: b"\n".join(bodies))
        server.shutdown()


PLACES = (jsonl_place, file_place, command_place, syslog_place, webhook_place)


@pytest.fixture(params=PLACES, ids=lambda place: place.__name__.removesuffix("_place"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield from request.param(tmp_path)


def record(number: int) -> Record:
    host = f"h{number:03d}.test"
    return Record(kind="request", flow=f"f{number}", at=1e9 + number, verdict="deny", reason="not-listed", host=host)


def arrived(place: Place, numbers: range) -> list[int]:
    """The numbers of the records that can be seen, in the order they are seen in."""
    data = place.read()
    seen = [(data.find(f'"h{number:03d}.test"'.encode()), number) for number in numbers]
    return [number for position, number in sorted(seen) if position >= 0]


async def test_records_arrive_in_order(place: Place) -> None:
    sink = place.open_sink()
    for start in range(0, 9, 3):
        await sink.write([record(n) for n in range(start, start + 3)])
    await sink.aclose()
    assert arrived(place, range(9)) == list(range(9))


async def test_empty_batch_is_no_trouble(place: Place) -> None:
    sink = place.open_sink()
    await sink.write([])
    await sink.write([record(0)])
    await sink.aclose()
    assert arrived(place, range(1)) == [0]


async def test_sink_can_be_closed_twice_and_opened_again(place: Place) -> None:
    for number in range(2):
        sink = place.open_sink()
        await sink.write([record(number)])
        await sink.aclose()
        await sink.aclose()
    assert arrived(place, range(2)) == [0, 1]


async def test_cancelled_write_can_be_repeated(place: Place) -> None:
    """The records arrive at least once whenever the cancellation comes."""
    sink = place.open_sink()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await sink.write([record(0), record(1)])
    await sink.write([record(0), record(1)])
    await sink.aclose()
    assert arrived(place, range(2)) == [0, 1]


async def test_sink_has_a_name_for_messages(place: Place) -> None:
    sink = place.open_sink()
    assert sink.name
    await sink.aclose()


@pytest.mark.parametrize("make", [jsonl_place, file_place, syslog_place, webhook_place], ids=lambda m: m.__name__)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=()), max_size=40))
def test_whatever_an_agent_gets_into_a_record_arrives_as_printable_ascii(
    tmp_path_factory: pytest.TempPathFactory, make: Callable[[Path], Iterator[Place]], text: str
) -> None:
    finding = Finding(
        rule="a-key",
        secret_class="credential",
        action="scrub",
        direction="request",
        location=f"body {text}",
        length=20,
        fingerprint="0" * 16,
    )
    nasty = Record(
        kind="request",
        flow="f1",
        at=1e9,
        verdict="allow",
        reason="listed",
        host=text,
        path=text,
        method=text,
        findings=(finding,),
    )
    places = make(tmp_path_factory.mktemp("place"))
    place = next(places)

    async def write() -> None:
        sink = place.open_sink()
        await sink.write([nasty])
        await sink.aclose()

    anyio.run(write)
    output = place.read()
    places.close()  # type: ignore[attr-defined]
    assert b"a-key" in output
    assert all(32 <= byte < 127 or byte == 10 for byte in output)
