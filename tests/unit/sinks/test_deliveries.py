"""Webhook, command and syslog against real receivers on loopback."""

import hashlib
import hmac
import json
import re
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.events import Record
from sinks.alert import Alert, make_alert
from sinks.command import CommandRunner, CommandSettings
from sinks.delivery_error import DeliveryError
from sinks.syslog import Syslog, SyslogSettings
from sinks.webhook import Webhook, WebhookSettings

pytestmark = pytest.mark.anyio
KEY = b"k" * 32


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def alert(number: int = 1) -> Alert:
    record = Record(kind="request", flow="f", at=1700000000.0, verdict="deny", reason="not-listed", host="é\nevil.test")
    return make_alert(record, None, id_=f"id{number}", session="s1", name="host denied", severity="high")


@asynccontextmanager
async def endpoint(answer: Callable[[web.Request, bytes], web.Response]) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return answer(request, await request.read())

    app = web.Application()
    app.router.add_post("/hook", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/hook?token=canary"
    finally:
        await runner.cleanup()


def webhook(url: str, tmp_path: Path, key: bytes | None = KEY, timeout_seconds: float = 5) -> Webhook:
    settings = WebhookSettings(url=url, timeout_seconds=timeout_seconds)
    return Webhook(settings, key=key, dead_letters=tmp_path / "dead.jsonl")


async def test_webhook_posts_signed_json_that_the_receiver_can_check(tmp_path: Path) -> None:
    seen: list[tuple[dict[str, str], bytes]] = []

    def answer(request: web.Request, body: bytes) -> web.Response:
        seen.append((dict(request.headers), body))
        return web.Response(status=204)

    async with endpoint(answer) as url:
        hook = webhook(url, tmp_path)
        await hook.deliver([alert(1), alert(2)])
        await hook.aclose()
    ((headers, body),) = seen
    assert [each["id"] for each in json.loads(body)["alerts"]] == ["id1", "id2"]
    stamped = headers["X-Vibedom-Timestamp"].encode() + b"." + body
    assert headers["X-Vibedom-Signature"] == "sha256=" + hmac.new(KEY, stamped, hashlib.sha256).hexdigest()


async def test_webhook_without_a_key_is_not_signed(tmp_path: Path) -> None:
    def answer(request: web.Request, body: bytes) -> web.Response:
        return web.Response(status=400 if "X-Vibedom-Signature" in request.headers else 200)

    async with endpoint(answer) as url:
        hook = webhook(url, tmp_path, key=None)
        await hook.deliver([alert()])
        await hook.aclose()
    assert not (tmp_path / "dead.jsonl").exists()


@pytest.mark.parametrize("status", [500, 503, 429, 408])
async def test_webhook_raises_for_what_may_pass_so_that_it_is_tried_again(tmp_path: Path, status: int) -> None:
    async with endpoint(lambda request, body: web.Response(status=status)) as url:
        hook = webhook(url, tmp_path)
        with pytest.raises(DeliveryError, match=str(status)) as caught:
            await hook.deliver([alert()])
        await hook.aclose()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 404, 301])
async def test_webhook_buries_what_is_refused_for_ever(tmp_path: Path, status: int) -> None:
    async with endpoint(lambda request, body: web.Response(status=status)) as url:
        hook = webhook(url, tmp_path)
        await hook.deliver([alert(1)])
        await hook.deliver([alert(2)])
        await hook.aclose()
    buried = [json.loads(line)["id"] for line in (tmp_path / "dead.jsonl").read_bytes().splitlines()]
    assert buried == ["id1", "id2"]


async def test_webhook_that_nobody_answers_or_that_hangs_raises(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        gone = webhook(f"http://127.0.0.1:{port}/?token=canary", tmp_path)
        with pytest.raises(DeliveryError, match="no answer") as caught:
            await gone.deliver([alert()])
        await gone.aclose()
        silent.listen()
        hanging = webhook(f"http://127.0.0.1:{port}/", tmp_path, timeout_seconds=0.2)
        with pytest.raises(DeliveryError, match="no answer"):
            await hanging.deliver([alert()])
        await hanging.aclose()
    assert "canary" not in str(caught.value)


async def test_command_gets_one_json_line_for_each_alert(tmp_path: Path) -> None:
    script = f"import sys; open({str(tmp_path / 'got')!r}, 'wb').write(sys.stdin.buffer.read())"
    await CommandRunner(CommandSettings(argv=(sys.executable, "-c", script))).deliver([alert(1), alert(2)])
    assert [json.loads(line)["id"] for line in (tmp_path / "got").read_bytes().splitlines()] == ["id1", "id2"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((sys.executable, "-c", "raise SystemExit(3)"), "ended with 3"),
        (("/no/such/program",), "cannot be started"),
        ((sys.executable, "-c", "import time; time.sleep(60)"), "took too long"),
    ],
)
async def test_command_that_fails_is_tried_again(argv: tuple[str, ...], message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        await CommandRunner(CommandSettings(argv=argv, timeout_seconds=1)).deliver([alert()])


MESSAGE = re.compile(rb"<(\d+)>1 2023-11-14T22:13:20\.000Z \S{1,255} vibedom \d+ host-denied - (\{.*\})", re.DOTALL)


def check(message: bytes) -> None:
    found = MESSAGE.fullmatch(message)
    assert found is not None
    assert int(found[1]) == 4 * 8 + 3  # auth, error
    assert json.loads(found[2])["id"] == "id1"
    assert all(32 <= byte < 127 for byte in message)


async def test_syslog_over_a_unix_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "log"))
        await Syslog(SyslogSettings(address=f"unix://{tmp_path}/log")).deliver([alert()])
        check(receiver.recv(65536))


async def test_syslog_over_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        await Syslog(SyslogSettings(address=f"udp://127.0.0.1:{receiver.getsockname()[1]}")).deliver([alert()])
        check(receiver.recv(65536))


def self_signed(tmp_path: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return context


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
async def test_syslog_over_a_stream_counts_octets(tmp_path: Path, scheme: str) -> None:
    context = self_signed(tmp_path) if scheme == "tls" else None
    with socket.create_server(("localhost", 0)) as server:
        address = f"{scheme}://localhost:{server.getsockname()[1]}"
        syslog = Syslog(SyslogSettings(address=address, ca=str(tmp_path / "cert.pem")))
        received: list[bytes] = []

        def receive() -> None:
            connection, _ = server.accept()
            with context.wrap_socket(connection, server_side=True) if context else connection as stream:
                while data := stream.recv(65536):
                    received.append(data)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, receive)
            await syslog.deliver([alert(1)])
            await syslog.deliver([alert(1)])
            await syslog.aclose()
    data = b"".join(received)
    for _ in range(2):
        length, _, rest = data.partition(b" ")
        check(rest[: int(length)])
        data = rest[int(length) :]
    assert data == b""


async def test_syslog_that_is_not_there_raises(tmp_path: Path) -> None:
    for address in (f"unix://{tmp_path}/none", "tcp://127.0.0.1:1"):
        with pytest.raises(DeliveryError, match="cannot be reached"):
            await Syslog(SyslogSettings(address=address)).deliver([alert()])


async def test_settings_that_cannot_work_are_refused() -> None:
    for make in (
        lambda: WebhookSettings(url="ftp://x"),
        lambda: WebhookSettings(url="https://"),
        lambda: WebhookSettings(url="https://x", timeout_seconds=0),
        lambda: CommandSettings(argv=()),
        lambda: SyslogSettings(address="x"),
        lambda: SyslogSettings(address="tcp://"),
    ):
        with pytest.raises(ValueError, match="must"):
            make()
