"""Calls to the engine that block, for the thread that lays a sandbox's foundation before there is anything else."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from vibedom.errors import SandboxError
from vibedom.sandbox import docker_http
from vibedom.sandbox.docker_endpoint import Endpoint
from vibedom.sandbox.docker_http import RefusalError

CALL_SECONDS = 30.0
"""How long one call may take."""
VERSION_SECONDS = 5.0
_CHUNK_BYTES = 64 << 10


class Caller:
    """Calls to one engine, each on a connection of its own. One thread at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._prefix = ""
        self._listening: socket.socket | None = None
        self._is_aborted = False

    def greet(self) -> Mapping[str, Any]:
        """The engine's version: the first call. Later ones speak its own version of the API."""
        version: Mapping[str, Any] = self.call("say its version", "GET", "/version", seconds=VERSION_SECONDS)
        self._prefix = f"/v{version['ApiVersion']}"
        return version

    def call(
        self, what: str, method: str, path: str, body: object = None, *, seconds: float = CALL_SECONDS, **query: str
    ) -> Any:
        """The engine's answer, decoded; None where it has no body. `what` is a verb phrase ("create the network").

        Raises `SandboxError` where the engine refuses, is gone, or does not answer within `seconds`.
        """
        with self._wire(what, seconds) as wire:
            wire.socket.sendall(docker_http.request(method, self._prefix + path, body, query))
            return docker_http.decoded(what, wire.head(), wire.rest())

    @contextmanager
    def output(self, what: str, container: str, *, seconds: float) -> Iterator["Wire"]:
        """What a container without a terminal prints from here on (`Wire.frames`), until `abort`.

        Raises what `call` raises, also while it is read.
        """
        with self._wire(what, seconds) as wire:
            query = {"stream": "1", "stdout": "1", "stderr": "1"}
            wire.socket.sendall(docker_http.takeover(f"{self._prefix}/containers/{container}/attach", None, query))
            if (status := wire.head()) not in (101, 200):
                raise RefusalError(f"the engine could not {what}: its answer is {status}", status)
            self._listening = wire.socket
            try:
                yield wire
            finally:
                self._listening = None

    def abort(self) -> None:
        """From any thread: listening ends at once and nothing is called any more. A call that is under way is answered,
        so that whoever cleans up knows what it made."""
        self._is_aborted = True
        listening = self._listening
        if listening is not None:
            with suppress(OSError):  # it has ended by itself
                listening.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _wire(self, what: str, seconds: float) -> Iterator["Wire"]:
        if self._is_aborted:
            raise SandboxError(f"the start was ended before the engine was to {what}")
        try:
            with self._endpoint.dial(seconds) as connection:
                yield Wire(connection, seconds)
        except TimeoutError as exc:
            raise docker_http.silent(what, seconds) from exc
        except (OSError, ValueError) as exc:
            raise docker_http.broken(what) from exc


class Wire:
    """One exchange."""

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        self.socket = connected
        self._until = time.monotonic() + seconds
        self._unread = b""

    def extend(self, seconds: float) -> None:
        """It has so many seconds from now on."""
        self._until = time.monotonic() + seconds

    def head(self) -> int:
        """Read the answer's head and return its status."""
        while b"\r\n\r\n" not in self._unread:
            if not self._read() or len(self._unread) > docker_http.MAX_HEAD_BYTES:
                raise ConnectionResetError("the engine hung up in the middle of an answer")
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        return docker_http.status_of(head)

    def rest(self) -> bytes:
        while self._read():
            if len(self._unread) > docker_http.MAX_ANSWER_BYTES:
                raise ValueError("an answer of the engine is too long")
        return self._unread

    def frames(self) -> Iterator[bytes]:
        """The pieces of what a process without a terminal prints."""
        while head := self._exactly(docker_http.FRAME_HEAD_BYTES):
            yield self._exactly(int.from_bytes(head[4:], "big"))

    def _exactly(self, length: int) -> bytes:
        """So many bytes, or none where the output has ended."""
        while len(self._unread) < length:
            if not self._read():
                return b""
        found, self._unread = self._unread[:length], self._unread[length:]
        return found

    def _read(self) -> bool:
        """False at the end. Raises `TimeoutError` once the exchange has had its time."""
        self.socket.settimeout(max(self._until - time.monotonic(), 0.001))
        data = self.socket.recv(_CHUNK_BYTES)
        self._unread += data
        return bool(data)
