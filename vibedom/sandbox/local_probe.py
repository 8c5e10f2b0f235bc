"""The self-test's attempts, made by process 1's own child under the agent's rights, and what came of them.

One line on standard output for each: NAME, outcome, milliseconds. Outcomes: what the proxy or the resolver answered,
`no:ERRNO` for a refusal, `open` or `sent` where something went out, `lo` for the interfaces.
"""

from __future__ import annotations

import os
import socket
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_TIMEOUT_SECONDS = 2.0
_QUESTION = bytes.fromhex("564401000001000000000000") + b"\x08selftest\x07vibedom\x07invalid\x00\x00\x01\x00\x01"
_DISCARD = 9
_PUBLIC, _PUBLIC_6 = "1.1.1.1", "2606:4700:4700::1111"


def run(request: dict[str, Any]) -> int:
    """Make every attempt and print what happened. Returns the exit code 0; judging is the supervisor's."""
    attempts: dict[str, Callable[[], str]] = {
        "proxy": lambda: _ask_proxy(request["host"], request["port"]),
        "resolver": _ask_resolver,
        "interfaces": _interfaces,
        "public-tcp": lambda: _connect(socket.AF_INET, _PUBLIC),
        "public-udp": lambda: _send(socket.AF_INET, _PUBLIC),
        "public-ipv6": lambda: _connect(socket.AF_INET6, _PUBLIC_6),
        "loopback-tcp": lambda: _connect(socket.AF_INET, "127.0.0.1"),
    }
    for name, attempt in attempts.items():
        started = time.monotonic()
        outcome = attempt()
        line = f"{name} {outcome} {int((time.monotonic() - started) * 1000)}\n"
        os.write(1, line.encode("ascii", "replace"))
    return 0


def _ask_proxy(host: str, port: int) -> str:
    """The body of the answer to the self-test's URL, one word of at most 63 characters."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as proxy:  # create_connection would import a codec
            proxy.settimeout(_TIMEOUT_SECONDS)
            proxy.connect((host, port))
            proxy.sendall(
                b"GET http://vibedom.invalid/selftest HTTP/1.1\r\nHost: vibedom.invalid\r\nConnection: close\r\n\r\n"
            )
            answer = b""
            while chunk := proxy.recv(4096):
                answer += chunk
    except OSError as exc:
        return _refusal(exc)
    body = answer.partition(b"\r\n\r\n")[2].split()
    return body[0][:63].decode("ascii", "replace") if len(body) == 1 else "nothing"


def _ask_resolver() -> str:
    """The header of the answer to a question for a name that nobody listed, as hexadecimal digits."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
            resolver.settimeout(_TIMEOUT_SECONDS)
            resolver.connect(("127.0.0.1", 53))
            resolver.send(_QUESTION)
            return resolver.recv(512)[:12].hex()
    except OSError as exc:
        return _refusal(exc)


def _interfaces() -> str:
    return ",".join(name for _, name in socket.if_nameindex())


def _connect(family: socket.AddressFamily, address: str) -> str:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as attempt:
            attempt.settimeout(_TIMEOUT_SECONDS)
            attempt.connect((address, _DISCARD))
    except OSError as exc:
        return _refusal(exc)
    return "open"


def _send(family: socket.AddressFamily, address: str) -> str:
    """UDP answers a refusal on the next call: a packet that got out is followed by silence."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as attempt:
            attempt.settimeout(_TIMEOUT_SECONDS)
            attempt.connect((address, _DISCARD))
            attempt.send(b"selftest")
            attempt.recv(1)
    except TimeoutError:
        return "sent"
    except OSError as exc:
        return _refusal(exc)
    return "sent"


def _refusal(exc: OSError) -> str:
    return f"no:{exc.errno or 0}"
