"""The engine through its library, for images: every call has a deadline and a readable error."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiodocker
import aiohttp
import anyio

from vibedom.errors import RuntimeUnavailableError, SandboxError
from vibedom.sandbox.docker_endpoint import WHERE, Endpoint, one_line, resolve, tls_context

CALL_SECONDS = 30.0
"""How long one call to the engine may take."""

VERSION_SECONDS = 5.0


@asynccontextmanager
async def client(environment: Mapping[str, str], home: Path) -> AsyncIterator[aiodocker.Docker]:
    """A client of this user's engine for a while. Raises `RuntimeUnavailableError` where no engine answers."""
    docker = connect(resolve(None, environment, home))
    try:
        await greet(docker)
        yield docker
    finally:
        await disconnect(docker)


async def greet(docker: aiodocker.Docker) -> Mapping[str, Any]:
    """The engine's version: the first call to it. Raises `RuntimeUnavailableError` where none answers."""
    try:
        with asking("say its version", VERSION_SECONDS):
            return await docker.version()
    except SandboxError as exc:
        raise RuntimeUnavailableError(f"{exc}; {WHERE}") from exc


def connect(endpoint: Endpoint) -> aiodocker.Docker:
    """A client of that engine, closed with `disconnect`; opens no connection yet. Needs a running event loop."""
    # One dial that hangs must not hang the start; how long an answer may take is `asking`'s business.
    timeout = aiohttp.ClientTimeout(sock_connect=CALL_SECONDS)
    # Without a limit: every attached process holds a connection, and at aiohttp's hundredth the engine would seem dead.
    if endpoint.url.startswith("unix://"):
        unix = aiohttp.UnixConnector(endpoint.url.removeprefix("unix://"), limit=0)
        # A name for the URLs only; the connector knows the path.
        return aiodocker.Docker(url="unix://localhost", connector=unix, timeout=timeout)
    tls = tls_context(endpoint) if endpoint.is_tls else False
    url = ("https://" if endpoint.is_tls else "http://") + endpoint.url.partition("://")[2]
    return aiodocker.Docker(url=url, connector=aiohttp.TCPConnector(ssl=tls, limit=0), timeout=timeout)


async def disconnect(docker: aiodocker.Docker) -> None:
    """Close a client and the connections it was given."""
    await docker.close()
    if docker.connector is not None:
        await docker.connector.close()


@contextmanager
def asking(what: str, seconds: float = CALL_SECONDS, *, missing_ok: bool = False) -> Iterator[None]:
    """Around calls to the engine: `what` is a verb phrase ("build the image"). `missing_ok`: what is not there (404) is
    none of the caller's trouble.

    Raises `SandboxError` where the engine refuses, is gone, or does not answer within `seconds`.
    """
    try:
        with anyio.fail_after(seconds):
            yield
    except aiodocker.DockerError as exc:
        if missing_ok and exc.status == 404:
            return
        raise SandboxError(f"the engine could not {what}: {one_line(exc.message)}") from exc
    except TimeoutError as exc:
        raise SandboxError(f"the engine did not {what} within {seconds:.0f} s; see `docker info`") from exc
    except (OSError, aiohttp.ClientError) as exc:
        raise SandboxError(f"the connection to the engine broke while it was to {what}; is Docker running?") from exc
