"""Calls to the engine in an event loop: everything that sandboxes need while they live.

`docker_engine.py` has a library for the rest, images. This one is there because a start has no time to import that.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

import anyio

from vibedom.errors import RuntimeUnavailableError, SandboxError
from vibedom.sandbox import docker_http
from vibedom.sandbox.docker_caller import CALL_SECONDS, VERSION_SECONDS
from vibedom.sandbox.docker_endpoint import WHERE, Endpoint, one_line, tls_context
from vibedom.sandbox.docker_http import MissingError, RefusalError
from vibedom.sandbox.docker_stream import Attached, Streams


class EngineClient:
    """Calls to one engine, each on a connection of its own: there is nothing to close."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._prefix = ""

    async def greet(self) -> Mapping[str, Any]:
        """The engine's version. Later calls speak its own version of the API. Raises `RuntimeUnavailableError` where no
        engine answers."""
        try:
            version: Mapping[str, Any] = await self._call("say its version", "GET", "/version", None, VERSION_SECONDS)
        except SandboxError as exc:
            raise RuntimeUnavailableError(f"{exc}; {WHERE}") from exc
        self._prefix = f"/v{version.get('ApiVersion')}"
        return version

    async def call(
        self,
        what: str,
        method: str,
        path: str,
        body: object = None,
        *,
        seconds: float = CALL_SECONDS,
        shield: bool = False,
        **query: str,
    ) -> Any:
        """The engine's answer, decoded; None where it has no body. `what` is a verb phrase ("create the network").

        Raises `SandboxError` where the engine refuses (`RefusalError`), is gone, or does not answer within `seconds`.
        `shield`: for what makes something, so that a cancelled start knows everything it has to remove.
        """
        if not self._prefix:
            await self.greet()
        return await self._call(what, method, self._prefix + path, body, seconds, shield=shield, query=query)

    async def image(self, name: str) -> Mapping[str, Any] | None:
        """What the engine knows of an image, or None where it has none of that name."""
        with suppress(MissingError):
            found: Mapping[str, Any] = await self.call(
                f"inspect the image {one_line(name, 80)}", "GET", f"/images/{quote(name)}/json"
            )
            return found
        return None

    async def attach(self, what: str, path: str, body: object = None, *, tty: bool, **query: str) -> Attached:
        """A process's streams: of a container's (`/attach`) from here on, of an exec (`/start`) that starts."""
        with _asking(what, CALL_SECONDS, shield=False):
            reader, writer = await self._open()
            try:
                writer.write(docker_http.takeover(self._prefix + path, body, query))
                status = docker_http.status_of(await reader.readuntil(b"\r\n\r\n"))
                if status not in (101, 200):
                    raise RefusalError(f"the engine could not {what}: its answer is {status}", status)
            except BaseException:
                writer.close()
                raise
        return Attached(Streams(reader, writer, is_framed=not tty))

    async def _call(
        self,
        what: str,
        method: str,
        path: str,
        body: object,
        seconds: float,
        *,
        shield: bool = False,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        with _asking(what, seconds, shield=shield):
            reader, writer = await self._open()
            try:
                writer.write(docker_http.request(method, path, body, query or {}))
                status = docker_http.status_of(await reader.readuntil(b"\r\n\r\n"))
                content = await reader.read(docker_http.MAX_ANSWER_BYTES)
                while more := await reader.read(docker_http.MAX_ANSWER_BYTES):
                    content += more
            finally:
                writer.close()
            return docker_http.decoded(what, status, content)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        endpoint = self.endpoint
        if endpoint.path is not None:
            return await asyncio.open_unix_connection(endpoint.path)
        return await asyncio.open_connection(*endpoint.address, ssl=tls_context(endpoint) if endpoint.is_tls else None)


@contextmanager
def _asking(what: str, seconds: float, *, shield: bool) -> Iterator[None]:
    try:
        with anyio.fail_after(seconds, shield=shield):
            yield
    except TimeoutError as exc:
        raise docker_http.silent(what, seconds) from exc
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as exc:
        raise docker_http.broken(what) from exc
