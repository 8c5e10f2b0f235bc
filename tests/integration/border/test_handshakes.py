"""What a client says in a TLS handshake stays on its side of the border."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from tests.support.border import running_border
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio

HOST = "api.good.test"


@contextmanager
def first_flight() -> Iterator[tuple[int, bytearray]]:
    """The port of an origin that keeps what a connection begins with, and hangs up."""
    heard = bytearray()

    def keep(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            while len(heard) < 5 or len(heard) < 5 + int.from_bytes(heard[3:5], "big"):
                heard.extend(connection.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        thread = threading.Thread(target=keep, args=(listener,))
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join()


async def test_the_protocols_a_client_offers_are_passed_on_only_as_far_as_they_are_known(tmp_path: Path) -> None:
    with first_flight() as (port, heard):
        policy = f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{port}"\n'
        async with running_border(tmp_path, policy=policy) as border:
            client = ssl.create_default_context(cafile=str(border.ca_file))
            client.set_alpn_protocols([GITHUB_TOKEN, "http/1.1", "words of its own"])
            with anyio.fail_after(20):
                stream = await anyio.connect_tcp(
                    "127.0.0.1", border.https_port, ssl_context=client, tls_hostname=HOST, tls_standard_compatible=False
                )
                async with stream:
                    await stream.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
                    await stream.receive()
    assert heard[0] == 0x16  # a handshake
    assert b"\x08http/1.1" in heard
    assert GITHUB_TOKEN.encode() not in heard
    assert b"words of its own" not in heard
