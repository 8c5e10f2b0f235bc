"""Addresses of sinks: looked at when they are read, and shown without what could be a secret."""

from collections.abc import Container
from urllib.parse import urlsplit


def is_address(url: str, schemes: Container[str]) -> bool:
    """Whether it is `SCHEME://HOST[:PORT]` with a port that can be one. A password with a `/` in it, which has to be
    written as `%2F`, gives none."""
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_socket(url: str) -> bool:
    """Whether it is `unix:///PATH`."""
    return url.startswith("unix:///")


def has_user(url: str) -> bool:
    return "@" in urlsplit(url).netloc


def shown(url: str) -> str:
    """Scheme, host and port, or the path of a socket: without user information, path and query."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"
