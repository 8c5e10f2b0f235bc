"""Where the Docker Engine of this user is, and whether it can hold a sandbox. Needs no client of it."""

import hashlib
import json
import os
import socket
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vibedom.errors import RuntimeUnavailableError

if TYPE_CHECKING:
    import ssl

OLDEST_API = (1, 41)

WHERE = "start Docker, or name the engine with DOCKER_HOST or `docker context use`"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One place where an engine may be."""

    url: str
    """`unix:///path` or `tcp://host:port`."""
    source: str
    """Who named it: `--engine`, `DOCKER_HOST`, `context NAME`, `default socket`."""
    certificates: Path | None = None
    """Directory with ca.pem, cert.pem and key.pem for TLS."""
    verify: bool = True

    @property
    def is_tls(self) -> bool:
        return self.certificates is not None or self.url.startswith("https://")

    @property
    def path(self) -> str | None:
        """Of its Unix socket."""
        return self.url.removeprefix("unix://") if self.url.startswith("unix://") else None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port where it has no `path`. Raises `ValueError`."""
        parts = urllib.parse.urlsplit(self.url)
        return parts.hostname or "", parts.port or (2376 if self.is_tls else 2375)

    def dial(self, seconds: float) -> socket.socket:
        """A connection. Raises `OSError`, `ValueError`, and `RuntimeUnavailableError` for TLS files."""
        if self.path is None:
            plain = socket.create_connection(self.address, seconds)
            return tls_context(self).wrap_socket(plain, server_hostname=self.address[0]) if self.is_tls else plain
        near = socket.socket(socket.AF_UNIX)
        try:
            near.settimeout(seconds)
            near.connect(self.path)
        except OSError:
            near.close()
            raise
        return near


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
    raise RuntimeUnavailableError(f"no Docker Engine was found; tried {tried}; {WHERE}")


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


def tls_context(endpoint: Endpoint) -> "ssl.SSLContext":
    """The context for an engine behind TLS. Raises `RuntimeUnavailableError`."""
    import ssl  # an engine at a Unix socket needs none

    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    directory = endpoint.certificates
    if directory is None:
        return context
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


def unsuitable(endpoint: Endpoint, version: Mapping[str, Any]) -> str | None:
    """Why an engine cannot hold a sandbox. An old one would ignore what it does not know: a hole, not an error."""
    system, api = one_line(str(version.get("Os")), 20), one_line(str(version.get("ApiVersion")), 20)
    if system != "linux":
        return f"the engine of {endpoint.source} runs {system} containers, not Linux ones; choose another engine"
    parts = api.split(".")
    if not all(part.isdecimal() for part in parts) or tuple(map(int, parts)) < OLDEST_API:
        return f"the engine of {endpoint.source} speaks API {api}, older than 1.41; update it to Docker 20.10 or later"
    return None


def one_line(text: str, limit: int = 300) -> str:
    """`text` of the engine as one printable line of at most `limit` characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
