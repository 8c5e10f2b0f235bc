"""An origin as fast as Python can make one: it answers any request by its path, and keeps the connection.

python -m benchmarks.proxy.origin [DIRECTORY]    prints its port

With a directory it speaks TLS, and `ca.pem` in there is what it can be verified against.
"""

import asyncio
import json
import random
import ssl
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from vibedom.proxy.authority import Authority

SEED = 7
TLS_HOST = "tls.bench.test"


def document(size: int) -> bytes:
    """JSON of about `size` bytes as an agent's traffic has it: messages of words and code."""
    rng = random.Random(SEED)
    words = ["the", "file", "def", "return", "value", "test", "error", "path/to/module.py", "None", "42", "{", "}"]
    messages: list[dict[str, str]] = []
    room = size - len(json.dumps({"messages": []}))
    while room > 0:
        text = " ".join(rng.choice(words) for _ in range(min(400, size // 16)))
        message = {"role": "user", "content": text + "\n"}
        room -= len(json.dumps(message)) + 2
        messages.append(message)
    return json.dumps({"messages": messages[:-1] or messages}).encode()


_bodies: dict[bytes, bytes] = {}


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            think_ms, _, path = head.split(b" ", 2)[1].rpartition(b"/")
            length = next((int(x[15:]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
            if length:
                await reader.readexactly(length)
            if path == b"sse":
                await _events(writer)
                continue
            if think := int(think_ms.rpartition(b"/")[2]):
                await asyncio.sleep(think / 1000)
            if path not in _bodies:  # made once: making it takes longer than any proxy
                _bodies[path] = document(int(path))
            body = _bodies[path]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
            writer.write(body)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        writer.close()


async def _events(writer: asyncio.StreamWriter) -> None:
    """Ten events, each with the moment it left: the clock is the machine's, so the client can tell the way's length."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(10):
        event = b'data: {"sent": %d, "delta": {"text": "hello"}}\n\n' % time.monotonic_ns()
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await writer.drain()
        await asyncio.sleep(0.002)
    writer.write(b"0\r\n\r\n")


def _context(directory: Path) -> ssl.SSLContext:
    authority = Authority("bench origin")
    (directory / "ca.pem").write_bytes(authority.pem)
    leaf = authority.leaf([x509.DNSName(TLS_HOST), x509.DNSName("localhost")])
    key = authority.leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = directory / "leaf.pem"
    chain.write_bytes(key + leaf.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    return context


async def main() -> None:
    context = _context(Path(sys.argv[1])) if sys.argv[1:] else None
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, limit=1 << 20, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
