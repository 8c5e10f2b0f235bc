"""Collects what lines, entries, groups and projects say about hosts, and makes policy and context table of it."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path

from pipeline.context import ContextTable, Table
from pipeline.host_policy import HostPolicy, Route
from pipeline.patterns import Network, Pattern
from vibedom.errors import SettingsError
from vibedom.host_entries import Groups, HostEntry, entry_context, entry_patterns, entry_route
from vibedom.trusted_domains import parse_lines

MIRROR_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
        "192.0.2.0/24",  # RFC 5737: never on the internet, so where such a network is used, it is a lab's own
        "198.51.100.0/24",
        "203.0.113.0/24",
    )
)
"""Not public, but the user's own clients are set up for these registries, and a mirror inside is the usual case.
Loopback, link-local and the metadata services stay closed."""


class HostRules:
    """Starts with what the groups say about their hosts; then lines and entries are added in order."""

    def __init__(self, groups: Groups, config: Path) -> None:
        self._groups = groups
        self._config = config
        self._allow: list[Pattern] = []
        self._deny: list[Pattern] = []
        self._routes: list[Route] = []
        self._contexts = groups.context_rules()

    def add_lines(self, text: str, *, name: str) -> None:
        """The lines of trusted_domains.txt. Raises `SettingsError` that names `name` and line."""
        for source, word, is_denied in parse_lines(text, name=name):
            self._add(self._groups.patterns(word, source=source), is_denied=is_denied)

    def add_entry(self, entry: HostEntry, *, source: str) -> None:
        """One `[[hosts]]` of policy.toml. Raises `SettingsError` that names `source`."""
        for pattern in entry_patterns(entry, self._groups, source=source):
            self._add([pattern], is_denied=entry.verdict == "deny")
            route = entry_route(entry, pattern, source=source, directory=self._config)
            context = entry_context(entry, pattern)
            self._routes += [route] if route else []
            self._contexts += [context] if context else []

    def add_denied(self, patterns: list[Pattern]) -> None:
        self._add(patterns, is_denied=True)

    def _add(self, patterns: list[Pattern], *, is_denied: bool) -> None:
        for pattern in patterns:
            if not is_denied and pattern.is_wildcard and not pattern.host:
                raise SettingsError(f"{pattern.source}: '*' can only deny; list what may be reached")
        (self._deny if is_denied else self._allow).extend(patterns)

    def host_policy(self) -> HostPolicy:
        mirrors = [Route(pattern=pattern, networks=MIRROR_NETWORKS) for pattern in self._groups.registries]
        return HostPolicy(allow=self._allow, deny=self._deny, routes=[*self._routes, *mirrors])

    def context_table(self, overrides: Table, sensitive_headers: Sequence[str]) -> ContextTable:
        return ContextTable(
            self._contexts,
            registries=self._groups.registries,
            overrides=overrides,
            sensitive_headers=sensitive_headers,
        )
