"""The proxies that are compared, one a process.

python -m benchmarks.proxy.kinds KIND ORIGIN_PORT TLS_ORIGIN_PORT CA_FILE DIRECTORY    prints its port

KIND: `bare` is mitmproxy with the addons that forward, and no other. `mitmproxy` is mitmproxy as it comes: its master
with its default addons. `layers` is vibedom's server with a capture that judges nothing. `vibedom` is the whole border
with the shipped rules and the audit log.
"""

import asyncio
import socket
import sys
from pathlib import Path
from typing import NoReturn

import anyio
from mitmproxy import addons, http, options
from mitmproxy.addons import core as core_addon
from mitmproxy.addons import next_layer, proxyserver, tlsconfig
from mitmproxy.master import Master
from mitmproxy.proxy import commands

from benchmarks.proxy.origin import TLS_HOST
from pipeline.capture.hooks import Capture
from vibedom.detection import load_detection
from vibedom.paths import Home, SessionDir
from vibedom.preflight.known_values import KnownValues
from vibedom.proxy.authority import Authority
from vibedom.sandbox.runtime import Listeners
from vibedom.settings import compose
from vibedom.wiring import Border, make_border, make_feeds

HOST = "api.bench.test"


class Streaming:
    """What a user of mitmproxy has to add so that events do not wait for the last of them."""

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None and flow.response.headers.get("content-type") == "text/event-stream":
            flow.response.stream = True


class NoCapture(Capture):
    """Judges nothing and records nothing."""

    def __init__(self) -> None:
        super().__init__(_never, _never, session="bench")

    async def handle(self, hook: commands.StartHook) -> None:
        (data,) = hook.args()
        if hook.name == "http_connect":
            self.peers[data.client_conn.id].tunnel = (data.request.host, data.request.port)
        elif hook.name == "responseheaders":
            Streaming().responseheaders(data)


def _never(*_: object) -> NoReturn:
    raise AssertionError("nothing is judged here")


def core() -> list[object]:
    """The addons without which mitmproxy forwards nothing."""
    return [core_addon.Core(), proxyserver.Proxyserver(), next_layer.NextLayer(), tlsconfig.TlsConfig()]


async def serve_mitmproxy(own: list[object], roots: Path, directory: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    opts = options.Options(listen_host="127.0.0.1", listen_port=port, confdir=str(directory))
    master = Master(opts, event_loop=asyncio.get_running_loop())
    master.addons.add(*own, Streaming())
    opts.update(ssl_verify_upstream_trusted_ca=str(roots))
    running = asyncio.ensure_future(master.run())
    while not master.addons.get("proxyserver").listen_addrs():  # noqa: ASYNC110  # it has no event for this
        await asyncio.sleep(0.01)
    print(port, flush=True)
    await running


async def serve_border(origin: int, tls_origin: int, roots: Path, directory: Path, *, is_judged: bool) -> None:
    home = Home(root=directory)
    session = SessionDir(root=directory / "session")
    session.root.mkdir(parents=True, exist_ok=True)
    dialled = {HOST: origin, TLS_HOST: tls_origin}
    text = "".join(f'[[hosts]]\npattern = "{host}"\ndial = "127.0.0.1:{port}"\n' for host, port in dialled.items())
    policy = compose("", text, config=directory, clients=lambda: ())
    border = make_border(
        policy,
        load_detection(home, policy, KnownValues(())),
        make_feeds(policy, session, session="bench"),
        session="bench",
        authority=Authority("bench"),
        roots=roots,
    )
    if not is_judged:
        border.proxy.capture = NoCapture()
    await _run(border, _listeners())


async def _run(border: Border, listeners: Listeners) -> None:
    async with anyio.create_task_group() as group:
        await group.start(border.topology.run)
        await group.start(border.proxy.serve, listeners)
        print(listeners.proxy.getsockname()[1], flush=True)


def _listeners() -> Listeners:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(5)]
    return Listeners(
        proxy=sockets[0],
        http=[sockets[1]],
        https=[sockets[2]],
        dns_udp=[sockets[3]],
        dns_tcp=[sockets[4]],
        proxy_url="",
    )


def main() -> None:
    kind, origin, tls_origin, roots, directory = sys.argv[1:]
    if kind in ("bare", "mitmproxy"):
        own = core() if kind == "bare" else addons.default_addons()
        asyncio.run(serve_mitmproxy(own, Path(roots), Path(directory)))
    else:
        is_judged = kind == "vibedom"
        asyncio.run(serve_border(int(origin), int(tls_origin), Path(roots), Path(directory), is_judged=is_judged))


if __name__ == "__main__":
    main()
