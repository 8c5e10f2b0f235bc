"""What is said to an engine and what it answers, as bytes: for `docker_caller.py` that blocks, and `docker_client.py`.

Every exchange has a connection of its own. HTTP/1.0: an answer ends with its connection, and is never in chunks.
"""

import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from vibedom.errors import SandboxError
from vibedom.sandbox.docker_endpoint import one_line

MAX_HEAD_BYTES = 64 << 10
MAX_ANSWER_BYTES = 64 << 20
FRAME_HEAD_BYTES = 8
"""Before each piece of output without a terminal: the stream's number, three zeros, the length."""


class RefusalError(SandboxError):
    """The engine said no; `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class MissingError(RefusalError):
    """The engine has no such object, or is removing it already."""


def request(method: str, path: str, body: object, query: Mapping[str, str]) -> bytes:
    """One request for an answer."""
    return _request("HTTP/1.0", method, path, body, query, "")


def takeover(path: str, body: object, query: Mapping[str, str]) -> bytes:
    """One request after which the connection is a process's streams."""
    return _request("HTTP/1.1", "POST", path, body, query, "Connection: Upgrade\r\nUpgrade: tcp\r\n")


def _request(version: str, method: str, path: str, body: object, query: Mapping[str, str], more: str) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    target = path + ("?" + urllib.parse.urlencode(query) if query else "")
    head = f"{method} {target} {version}\r\nHost: docker\r\n{more}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def status_of(head: bytes) -> int:
    """The status in an answer's head. Raises `ValueError`."""
    return int(head.split(b" ", 2)[1] if b" " in head else b"")


def decoded(what: str, status: int, content: bytes) -> Any:
    """An answer's content, None for none. Raises `RefusalError`: the engine could not `what`; `ValueError`."""
    answer = json.loads(content) if content.strip() else None
    if status < 400:
        return answer
    message = str(answer.get("message", "")) if isinstance(answer, dict) else ""
    is_missing = status == 404 or (status == 409 and "already in progress" in message)
    kind = MissingError if is_missing else RefusalError
    raise kind(f"the engine could not {what}: {one_line(message) or status}", status)


def silent(what: str, seconds: float) -> SandboxError:
    """The error for an engine that did not answer in time."""
    return SandboxError(f"the engine did not {what} within {seconds:.0f} s; see `docker info`")


def broken(what: str) -> SandboxError:
    """The error for an engine that is not there (any more)."""
    return SandboxError(f"the connection to the engine broke while it was to {what}; is Docker running?")
