"""An origin on loopback that keeps what really arrived: the far side of every scrubbing test."""

import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from vibedom.proxy.authority import Authority

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Arrived:
    """One request as the origin got it."""

    def __init__(self, request: web.Request, body: bytes) -> None:
        self.method = request.method
        self.target = request.raw_path
        self.headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.raw_headers]
        self.body = body

    @property
    def everything(self) -> bytes:
        """Head and body in one: where a secret must not be."""
        head = "\n".join([f"{self.method} {self.target}", *(f"{n}: {v}" for n, v in self.headers)])
        return head.encode("latin-1") + b"\n\n" + self.body


class Origin:
    """A running origin: its port, its CA file and what arrived."""

    def __init__(self, port: int, ca_file: Path | None) -> None:
        self.port = port
        self.ca_file = ca_file
        self.arrived: list[Arrived] = []


async def echo(request: web.Request) -> web.StreamResponse:
    """The body back, as it came, with its content type."""
    body = await request.read()
    return web.Response(body=body, headers={"Content-Type": request.headers.get("Content-Type", "text/plain")})


@asynccontextmanager
async def origin(
    handler: Handler = echo, *, names: tuple[str, ...] = (), host: str = "127.0.0.1"
) -> AsyncIterator[Origin]:
    """Serve `handler` on a free port; with TLS for `names`, signed by a CA of its own, where there are any."""
    with tempfile.TemporaryDirectory() as directory:
        context, ca_file = server_tls(names, Path(directory)) if names else (None, None)
        running = Origin(0, ca_file)

        async def keep(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            running.arrived.append(Arrived(request, body))
            return await handler(request)

        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{tail:.*}", keep)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, host, 0, ssl_context=context)
        await site.start()
        running.port = runner.addresses[0][1]
        try:
            yield running
        finally:
            await runner.cleanup()


def server_tls(names: tuple[str, ...], directory: Path) -> tuple[ssl.SSLContext, Path]:
    """A TLS context for `names`, signed by a CA made here: `ca.pem` and `leaf.pem` (key and certificate)."""
    authority = Authority("test-origin")
    leaf = authority.leaf([x509.DNSName(name) for name in names])
    key = authority.leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    ca_file, chain = directory / "ca.pem", directory / "leaf.pem"
    ca_file.write_bytes(authority.pem)
    chain.write_bytes(key + leaf.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    return context, ca_file
