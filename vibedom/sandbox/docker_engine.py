"""The connection to the Docker Engine: where it is, and every call to it with a deadline and a readable error."""

import hashlib
import json
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiodocker
import aiohttp
import anyio
import msgspec

from vibedom.errors import RuntimeUnavailableError, SandboxError

CALL_SECONDS = 30.0
"""How long one call to the engine may take."""

VERSION_SECONDS = 5.0

_WHERE = "start Docker, or name the engine with DOCKER_HOST or `docker context use`"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One place where an engine may be."""

    url: str
    """`unix:///path` or `tcp://host:port`."""
    source: str
    """Who named it: `--engine`, `DOCKER_HOST`, `context NAME`, `default socket`."""
    certificates: Path | None = None
    """Directory with ca.pem, cert.pem and key.pem for TLS."""
    verify: bool = True


def resolve(
    explicit: str | None, environment: Mapping[str, str], home: Path, sockets: Sequence[Path] | None = None
) -> Endpoint:
    """The engine the docker CLI of this user would talk to.

    Order: `explicit`, DOCKER_HOST, DOCKER_CONTEXT, the current context, then `sockets` (`known_sockets` where None).
    Raises `RuntimeUnavailableError` with what was tried.
    """
    if explicit:
        return _supported(Endpoint(url=explicit, source="--engine"))
    if host := environment.get("DOCKER_HOST"):
        tls = environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_TLS")
        certificates = Path(environment.get("DOCKER_CERT_PATH") or home / ".docker") if tls else None
        return _supported(Endpoint(url=host, source="DOCKER_HOST", certificates=certificates))
    config = Path(environment.get("DOCKER_CONFIG") or home / ".docker")
    context = environment.get("DOCKER_CONTEXT") or _current_context(config)
    if context and context != "default":
        return _supported(_context_endpoint(config, context))
    return _first_socket(known_sockets(environment, home) if sockets is None else sockets)


def _current_context(config: Path) -> str | None:
    path = config / "config.json"
    if not path.is_file():
        return None
    try:
        name = json.loads(path.read_bytes()).get("currentContext")
    except (OSError, ValueError, AttributeError) as exc:
        raise RuntimeUnavailableError(f"{path} is not a Docker configuration; repair it or set DOCKER_HOST") from exc
    return name if isinstance(name, str) else None


def _context_endpoint(config: Path, name: str) -> Endpoint:
    """The endpoint of a context of the docker CLI, which keeps each one below the SHA-256 of its name."""
    directory = hashlib.sha256(name.encode()).hexdigest()
    path = config / "contexts" / "meta" / directory / "meta.json"
    try:
        endpoint = json.loads(path.read_bytes())["Endpoints"]["docker"]
        url, skip = endpoint["Host"], bool(endpoint.get("SkipTLSVerify", False))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise RuntimeUnavailableError(
            f"the Docker context {name!r} cannot be read from {path}; choose another with `docker context use`"
        ) from exc
    certificates = config / "contexts" / "tls" / directory / "docker"
    return Endpoint(
        url=url,
        source=f"context {name!r}",
        certificates=certificates if certificates.is_dir() else None,
        verify=not skip,
    )


def known_sockets(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Where engines listen: the system's, a rootless one, Docker Desktop, Colima, OrbStack, Podman."""
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return [
        Path("/var/run/docker.sock"),
        Path("/run/docker.sock"),
        Path(runtime) / "docker.sock",
        home / ".docker" / "run" / "docker.sock",
        home / ".docker" / "desktop" / "docker.sock",
        home / ".colima" / "default" / "docker.sock",
        home / ".orbstack" / "run" / "docker.sock",
        Path(runtime) / "podman" / "podman.sock",
        Path("/run/podman/podman.sock"),
    ]


def _first_socket(candidates: Sequence[Path]) -> Endpoint:
    for path in candidates:
        if path.is_socket():
            return Endpoint(url=f"unix://{path}", source="default socket")
    tried = ", ".join(["DOCKER_HOST", "DOCKER_CONTEXT", "the current context", *map(str, candidates)])
    raise RuntimeUnavailableError(f"no Docker Engine was found; tried {tried}; {_WHERE}")


def _supported(endpoint: Endpoint) -> Endpoint:
    scheme = endpoint.url.partition("://")[0]
    if scheme == "ssh":
        raise RuntimeUnavailableError(
            f"the engine of {endpoint.source} is reached over ssh, on another machine: a sandbox there could not reach "
            "the proxy here; run vibedom on that machine, or choose a local engine"
        )
    if scheme not in ("unix", "tcp", "http", "https"):
        raise RuntimeUnavailableError(
            f"the engine of {endpoint.source} is not at a unix:// or tcp:// address; choose one that is"
        )
    return endpoint


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
        raise RuntimeUnavailableError(f"{exc}; {_WHERE}") from exc


def connect(endpoint: Endpoint) -> aiodocker.Docker:
    """A client of that engine, closed with `disconnect`; opens no connection yet. Needs a running event loop."""
    # One dial that hangs must not hang the start; how long an answer may take is `asking`'s business.
    timeout = aiohttp.ClientTimeout(sock_connect=CALL_SECONDS)
    # Without a limit: every attached process holds a connection, and at aiohttp's hundredth the engine would seem dead.
    if endpoint.url.startswith("unix://"):
        unix = aiohttp.UnixConnector(endpoint.url.removeprefix("unix://"), limit=0)
        # A name for the URLs only; the connector knows the path.
        return aiodocker.Docker(url="unix://localhost", connector=unix, timeout=timeout)
    scheme, _, address = endpoint.url.partition("://")
    is_tls = endpoint.certificates is not None or scheme == "https"
    tls = _tls(endpoint, endpoint.certificates) if endpoint.certificates is not None else is_tls
    url = ("https://" if is_tls else "http://") + address
    return aiodocker.Docker(url=url, connector=aiohttp.TCPConnector(ssl=tls, limit=0), timeout=timeout)


async def disconnect(docker: aiodocker.Docker) -> None:
    """Close a client and the connections it was given."""
    await docker.close()
    if docker.connector is not None:
        await docker.connector.close()


def _tls(endpoint: Endpoint, directory: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if (directory / "ca.pem").is_file():
            context.load_verify_locations(cafile=directory / "ca.pem")
        if (directory / "cert.pem").is_file():
            context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    except (OSError, ssl.SSLError) as exc:
        raise RuntimeUnavailableError(
            f"the TLS files of {endpoint.source} in {directory} cannot be used; check ca.pem, cert.pem and key.pem"
        ) from exc
    return context


@contextmanager
def asking(
    what: str, seconds: float = CALL_SECONDS, *, missing_ok: bool = False, shield: bool = False
) -> Iterator[None]:
    """Around calls to the engine: `what` is a verb phrase ("create the network").

    Raises `SandboxError` where the engine refuses, is gone, or does not answer within `seconds`. `missing_ok`: what
    is not there (404), or is being removed already (409 "in progress"), is what was wanted. `shield`: around what
    makes something, so that a cancelled start knows everything it has to remove.
    """
    try:
        with anyio.fail_after(seconds, shield=shield):
            yield
    except aiodocker.DockerError as exc:
        if missing_ok and (exc.status == 404 or (exc.status == 409 and "already in progress" in exc.message)):
            return
        raise SandboxError(f"the engine could not {what}: {one_line(exc.message)}") from exc
    except TimeoutError as exc:
        raise SandboxError(f"the engine did not {what} within {seconds:.0f} s; see `docker info`") from exc
    except (OSError, aiohttp.ClientError) as exc:
        raise SandboxError(f"the connection to the engine broke while it was to {what}; is Docker running?") from exc


def one_line(text: str, limit: int = 300) -> str:
    """`text` of the engine as one printable line of at most `limit` characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
