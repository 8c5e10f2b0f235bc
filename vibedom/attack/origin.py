"""The hosts of a siege that are listed: an origin on loopback, plain and with TLS, "
"which keeps every byte it was sent."""

import base64
import contextlib
import os
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from vibedom.proxy.authority import Authority

PLAIN, SECURE, AWAY = "plain.listed.test", "secure.listed.test", "away.listed.test"
"""Over HTTP; over HTTPS; over HTTP with nothing but redirects to what is not listed."""
WILD = "wild.listed.test"
"""Every name below it is listed, over HTTP."""
MARK = b"smuggled"
"""Attempts carry it where nothing of them may arrive."""
_ENCODED = (
    *(MARK.hex().encode(), MARK.hex().upper().encode()),
    *(base64.b64encode(bytes(shift) + MARK)[(shift * 8 + 5) // 6 : (shift + len(MARK)) * 8 // 6] for shift in range(3)),
)
"""The mark in hexadecimal, and what is the same of it in base64 whatever stands beside it."""

SWITCH = b"101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
"""To whoever asks for `/switch`, whatever protocol was meant: an origin that is in league with the agent."""
_WORDS = b"200 ghp_" + MARK + os.urandom(14).hex().encode() + b"\r\n"
"""To whoever asks for `/words`: a key where HTTP/1 has the words of a status."""
CUT = b"200 OK\r\nX: a\rSet-Cookie: b=c\r\nContent-Length: 7\r\n\r\nreached"
"""To whoever asks for `/cut`: a line of the head ends for some readers where it goes on for others."""


@dataclass
class Origin:
    """What has arrived, and where the proxy finds the origin."""

    heard: bytearray = field(default_factory=bytearray)
    policy: str = ""
    """Entries for `policy.toml` that list the origin's names."""

    def is_unmarked(self) -> bool:
        """Whether nothing has arrived that carries the mark, in the clear or in an encoding."""
        return MARK not in self.heard.lower() and not any(mark in self.heard for mark in _ENCODED)


@contextlib.contextmanager
def listed_origin(directory: Path, away: str) -> Iterator[Origin]:
    """Serve until the block ends. `directory` gets the certificates; `away` is the authority that `AWAY` leads to."""
    origin = Origin()
    context, ca = _tls(directory)
    with (
        _serving(origin, b"200 OK\r\nContent-Length: 7\r\n\r\nreached") as plain,
        _serving(origin, b"200 OK\r\nContent-Length: 7\r\n\r\nreached", context) as secure,
        _serving(origin, f"302 Found\r\nLocation: http://{away}/\r\nContent-Length: 0\r\n\r\n".encode()) as leading,
    ):
        origin.policy = (
            f'[[hosts]]\npattern = "{PLAIN}"\ndial = "127.0.0.1:{plain}"\n'
            f'[[hosts]]\npattern = "{SECURE}"\ndial = "127.0.0.1:{secure}"\nca = "{ca}"\n'
            f'[[hosts]]\npattern = "*.{WILD}"\ndial = "127.0.0.1:{plain}"\n'
            f'[[hosts]]\npattern = "{AWAY}"\ndial = "127.0.0.1:{leading}"\n'
        )
        yield origin


@contextlib.contextmanager
def _serving(origin: Origin, answer: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that gives one answer to every head."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), self._opened() as conn:
                while data := conn.recv(65536):
                    origin.heard += data
                    if b"\r\n\r\n" in data:
                        conn.sendall(b"HTTP/1.1 " + _answer(data, answer))

        def _opened(self) -> socket.socket:
            """Raises `OSError` where the other side does not like the certificate."""
            plain: socket.socket = self.request
            if context:
                origin.heard += plain.recv(65536, socket.MSG_PEEK)  # the handshake's first words
            return context.wrap_socket(plain, server_side=True) if context else plain

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def _answer(request: bytes, usual: bytes) -> bytes:
    for path, answer in ((b" /switch", SWITCH), (b" /cut", CUT), (b" /words", _WORDS + usual.partition(b"\r\n")[2])):
        if path in request:
            return answer
    return usual


def _tls(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """A context with a certificate for `SECURE`, and the file of the CA that vouches for it."""
    authority = Authority("far-side")
    key = authority.leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    leaf = authority.leaf([x509.DNSName(SECURE)]).public_bytes(serialization.Encoding.PEM)
    ca, chain = directory / "origin-ca.pem", directory / "origin.pem"
    ca.write_bytes(authority.pem)
    chain.touch(mode=0o600)
    chain.write_bytes(key + leaf)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context, ca
