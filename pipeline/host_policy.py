"""The host policy: which rule decides about a host, a port, a method and a path, and where a host is really dialled.

The most specific rule wins (host, then port, then path, then methods); between equals the one that denies wins.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from pipeline.addresses import is_public_address, parse_address
from pipeline.events import Decision
from pipeline.hosts import is_ip_literal
from pipeline.patterns import Network, Pattern

SSH_PORT = 22
MAX_REMEMBERED = 128
"""Decisions that are known without looking for their rules: a flow asks for the same one four times."""


class Dial(msgspec.Struct, frozen=True, kw_only=True):
    """Where a host is really dialled."""

    address: str
    """Canonical host or address."""
    port: int
    ca: str | None = None
    """Path of a PEM file whose certificates this service is trusted by, instead of the usual roots."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What a session may send to the hosts of one entry, all of them together."""

    name: str
    """The same for all patterns of the entry, and after a reload."""
    max_bytes: int


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """What is special about reaching the hosts of a pattern."""

    pattern: Pattern
    dial: Dial | None = None
    networks: tuple[Network, ...] = ()
    """Not public, but these hosts may resolve into them."""
    is_passthrough: bool = False
    """TLS is not intercepted."""
    is_ssh: bool = False
    """The port is one of SSH, and nothing else is spoken there."""
    budget: Budget | None = None


class HostPolicy:
    """Immutable: every change makes a new one."""

    def __init__(
        self,
        *,
        allow: Sequence[Pattern] = (),
        deny: Sequence[Pattern] = (),
        session: Sequence[Pattern] = (),
        routes: Sequence[Route] = (),
    ) -> None:
        """`session`: what the user allowed while the session ran. A bare `*` that allows raises `ValueError`."""
        self.allow = tuple(allow)
        self.deny = tuple(deny)
        self.session = tuple(session)
        self.routes = tuple(routes)
        for pattern in (*allow, *session):
            if pattern.is_wildcard and not pattern.host:
                raise ValueError(f"{pattern.label}: '*' can only deny")
        self._allow = _Index((*allow, *session))
        self._deny = _Index(deny)
        self._remembered = lru_cache(MAX_REMEMBERED)(self._decide)
        self._budgeted = tuple(route for route in self.routes if route.budget is not None)

    def allowing(self, patterns: Iterable[Pattern]) -> "HostPolicy":
        """The same policy with more hosts allowed for the session."""
        session = (*self.session, *patterns)
        return HostPolicy(allow=self.allow, deny=self.deny, session=session, routes=self.routes)

    def denying(self, patterns: Iterable[Pattern]) -> "HostPolicy":
        """The same policy with more hosts denied for the session."""
        deny = (*self.deny, *patterns)
        return HostPolicy(allow=self.allow, deny=deny, session=self.session, routes=self.routes)

    def decide(self, host: str, port: int, method: str | None = None, path: str | None = None) -> Decision:
        """The verdict for a canonical host. Without a method it is about opening a connection: then a rule that allows
        some path is enough, and a rule that denies some path is not. `path` is a request target; its query is ignored.
        """
        return self._remembered(host, port, method, path)

    def _decide(self, host: str, port: int, method: str | None, path: str | None) -> Decision:
        allowed = _best(self._allowing(host, port, method, path))
        denied = _best(self._denying(host, port, method, path))
        if allowed and _outranks(allowed, denied):
            return Decision(verdict="allow", reason="listed", rule=allowed.label)
        near = None if allowed else _best(self._allowing(host, port, None, None))
        if near and _outranks(near, denied):
            return Decision(verdict="deny", reason="method-or-path-not-listed", rule=near.label)
        if denied:
            return Decision(verdict="deny", reason="denied-by-rule", rule=denied.label)
        return Decision(verdict="deny", reason="not-listed")

    def is_resolvable(self, host: str) -> bool:
        """Whether some port of the host could be reached."""
        return self.resolution(host).verdict == "allow"

    def resolution(self, host: str) -> Decision:
        """The verdict for a DNS question."""
        allowed = _best(self._allow.matching(host))
        denied = _best(p for p in self._deny.matching(host) if p.port is None and not p.path and not p.methods)
        if denied and (allowed is None or _without_port(denied) >= _without_port(allowed)):
            return Decision(verdict="deny", reason="denied-by-rule", rule=denied.label)
        if allowed is None or is_ip_literal(host):
            return Decision(verdict="deny", reason="not-listed")
        return Decision(verdict="allow", reason="listed", rule=allowed.label)

    def dial(self, host: str, port: int) -> Dial | None:
        """Where the host is really dialled, or None for where it resolves to."""
        found = [r for r in self._routes(host, port) if r.dial is not None]
        return max(found, key=lambda route: route.pattern.specificity).dial if found else None

    def is_passthrough(self, host: str, port: int) -> bool:
        """Whether TLS to the host is passed on without being intercepted."""
        return any(route.is_passthrough for route in self._routes(host, port))

    def is_ssh(self, host: str, port: int) -> bool:
        """Whether the port speaks SSH: then a tunnel there carries that and nothing else."""
        return any(route.is_ssh for route in self._routes(host, port))

    def ssh_hosts(self) -> tuple[tuple[str, int], ...]:
        """Host and port of every rule for SSH, each once: `*.example.com` as written."""
        patterns = [route.pattern for route in self.routes if route.is_ssh]
        named = ((f"*.{p.host}" if p.is_wildcard else p.host, p.port or SSH_PORT) for p in patterns)
        return tuple(dict.fromkeys(named))

    def budgets(self, host: str, port: int) -> list[Budget]:
        """Every budget that what is sent to the host counts for."""
        meant = (r for r in self._budgeted if r.pattern.matches_host(host) and r.pattern.allows_port(port))
        return [route.budget for route in meant if route.budget is not None]

    def allows_private(self, host: str, ip: str, port: int | None = None) -> bool:
        """Whether `host` may be dialled at `ip`:`port` although that is not public: a rule lists that address or its
        network, or an entry of the host names it as its dial address or as a network it may resolve into."""
        listed = [p for p in self._allow.matching(ip) if p.network or p.host == ip]
        if any(port is None or p.allows_port(port) for p in listed):
            return not self._is_address_denied(ip, listed)
        return any(_reaches(route, ip, port) for route in self.routes if route.pattern.matches_host(host))

    def allows_address(self, host: str, ip: str, port: int | None = None) -> bool:
        """Whether `host` may be dialled at the resolved address `ip`."""
        if is_public_address(ip):
            return not self._is_address_denied(ip, ())
        return self.allows_private(host, ip, port)

    def _is_address_denied(self, ip: str, listed: Sequence[Pattern]) -> bool:
        """Only rules that name addresses count: `*` is about names."""
        denied = _best(p for p in self._deny.matching(ip) if not p.is_wildcard and p.port is None and not p.path)
        allowed = _best(iter(listed))
        return denied is not None and (allowed is None or not _outranks(allowed, denied))

    def _allowing(self, host: str, port: int, method: str | None, path: str | None) -> Iterator[Pattern]:
        for pattern in self._allow.matching(host):
            if pattern.allows_port(port) and (method is None or _allows(pattern, method, path or "")):
                yield pattern

    def _denying(self, host: str, port: int, method: str | None, path: str | None) -> Iterator[Pattern]:
        for pattern in self._deny.matching(host):
            if pattern.denies_port(port) and _denies(pattern, method, path or ""):
                yield pattern

    def _routes(self, host: str, port: int) -> Iterator[Route]:
        return (r for r in self.routes if r.pattern.matches_host(host) and r.pattern.allows_port(port))


class _Index:
    """Patterns by host, so that a long list costs no more than a short one."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._exact: defaultdict[str, list[Pattern]] = defaultdict(list)
        self._suffix: defaultdict[str, list[Pattern]] = defaultdict(list)
        self._networks: list[Pattern] = []
        for pattern in patterns:
            if pattern.network is not None:
                self._networks.append(pattern)
            else:
                (self._suffix if pattern.is_wildcard else self._exact)[pattern.host].append(pattern)

    def matching(self, host: str) -> Iterator[Pattern]:
        yield from self._exact.get(host, ())
        yield from self._suffix.get("", ())
        if is_ip_literal(host):
            yield from (p for p in self._networks if p.matches_host(host))
            return
        rest = host
        while "." in rest:
            rest = rest.partition(".")[2]
            yield from self._suffix.get(rest, ())


def _allows(pattern: Pattern, method: str, path: str) -> bool:
    return pattern.covers_method(method) and (pattern.path is None or pattern.path.matches_always(path))


def _denies(pattern: Pattern, method: str | None, path: str) -> bool:
    if method is None:
        return not pattern.methods and pattern.path is None
    return pattern.covers_method(method) and (pattern.path is None or pattern.path.matches_ever(path))


def _best(patterns: Iterator[Pattern]) -> Pattern | None:
    return max(patterns, key=lambda pattern: pattern.specificity, default=None)


def _outranks(allowed: Pattern, denied: Pattern | None) -> bool:
    """Between equals the one that denies wins."""
    return denied is None or allowed.specificity > denied.specificity


def _without_port(pattern: Pattern) -> tuple[int, int]:
    return pattern.specificity[:2]


def _reaches(route: Route, ip: str, port: int | None) -> bool:
    address = parse_address(ip)
    if address is None:
        return False
    dial = route.dial
    if dial is not None and parse_address(dial.address) == address and port in (None, dial.port):
        return True
    return any(address in network for network in route.networks)
