"""The hosts of all clients together, as host patterns. No registry is named here: every name comes from a client."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from urllib.parse import urlsplit

from pipeline.hosts import HostError, canonical_host
from vibedom.registries import cargo, debian, golang, node, python, ruby

READERS: tuple[Callable[[], list[str]], ...] = (
    python.urls,
    node.urls,
    debian.urls,
    cargo.urls,
    golang.urls,
    ruby.urls,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@cache
def registry_hosts() -> tuple[str, ...]:
    """Patterns (`host` or `host:port`), sorted. Clients that are absent or do not answer are left out.

    Asked once for the process, all clients at the same time; takes as long as the slowest of them, about two seconds:
    call it early and in a thread.
    """
    with ThreadPoolExecutor(len(READERS)) as pool:
        found = pool.map(lambda read: read(), READERS)
        return patterns(url for urls in found for url in urls)


def patterns(urls: Iterable[str]) -> tuple[str, ...]:
    """The hosts of http and https URLs as patterns; everything else (files, Git over SSH, nonsense) is left out."""
    return tuple(sorted({found for url in urls if (found := _pattern(url)) is not None}))


def _pattern(url: str) -> str | None:
    try:
        parts = urlsplit(url.strip())
        scheme, name, port = parts.scheme.lower(), parts.hostname, parts.port
        if scheme not in _DEFAULT_PORTS or name is None:
            return None
        host = canonical_host(name)
    except (HostError, ValueError):
        return None
    shown = f"[{host}]" if ":" in host else host
    return shown if port in (None, _DEFAULT_PORTS[scheme]) else f"{shown}:{port}"
