"""Programs as an agent runs them, on either way through a border: with proxy variables, or caught on port 443."""

import os
import subprocess
from pathlib import Path

import anyio

from tests.support.border import Running

_PYTHON = """import socket
_connect = socket.socket.connect
socket.socket.connect = lambda self, address: _connect(self, ("127.0.0.1", {port}))
socket.getaddrinfo = lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", {port}))]
"""
_NODE = """const net = require('net');
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {{
    const options = Array.isArray(given[0]) ? given[0][0] : given[0];
    Object.assign(options, {{host: '127.0.0.1', port: {port}}});
    return connect.apply(this, given);
}};
"""
"""What the lockdown does to every connection to port 443, done inside of one program."""


class Clients:
    """Runs programs that must succeed. `is_transparent`: they know of no proxy."""

    def __init__(self, border: Running, home: Path, *, is_transparent: bool) -> None:
        self._border = border
        self._home = home
        self._is_transparent = is_transparent

    def environment(self) -> dict[str, str]:
        ca, proxy = str(self._border.ca_file), self._border.proxy_url
        trust = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "npm_config_cafile")
        proxies = () if self._is_transparent else ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            **dict.fromkeys(trust, ca),
            **dict.fromkeys(proxies, proxy),
        }

    async def run(self, *command: str) -> str:
        """What the program printed."""
        with anyio.fail_after(90):
            done = await anyio.run_process(
                command, env=self.environment(), cwd=self._home, check=False, stderr=subprocess.STDOUT
            )
        assert done.returncode == 0, done.stdout.decode()
        return done.stdout.decode()

    def _prelude(self, text: str) -> str:
        return text.format(port=self._border.https_port) if self._is_transparent else ""

    async def python(self, interpreter: str, code: str) -> str:
        return await self.run(interpreter, "-c", self._prelude(_PYTHON) + code)

    async def node(self, code: str, *flags: str) -> str:
        return await self.run("node", *flags, "-e", self._prelude(_NODE) + code)
