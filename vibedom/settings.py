"""The policy of a run: finds the files, loads and composes them."""

import ipaddress
import os
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import msgspec

from pipeline.context import ContextRule, ContextTable, Table
from pipeline.host_policy import HostPolicy, Route
from pipeline.patterns import Network, Pattern
from sinks.alert_rules import AlertRule
from vibedom.alert_sinks import SinkSettings
from vibedom.errors import SettingsError
from vibedom.host_entries import (
    GroupEntry,
    Groups,
    HostEntry,
    entry_context,
    entry_patterns,
    entry_route,
    existing_file,
)
from vibedom.paths import Home, ensure_private
from vibedom.policy_file import (
    AuditSettings,
    DlpSettings,
    LocalSettings,
    PolicyFile,
    UpstreamSettings,
    parse_toml,
    read_text,
)
from vibedom.registries import registry_hosts
from vibedom.sandbox.runtime import Limits
from vibedom.trusted_domains import parse_lines

TRUSTED_DOMAINS = "trusted_domains.txt"
POLICY = "policy.toml"
HOST_GROUPS = "host_groups.toml"
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


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run is told by its user's files."""

    hosts: HostPolicy
    contexts: ContextTable
    groups: Groups
    dlp: DlpSettings
    upstream: UpstreamSettings
    limits: Limits
    local: LocalSettings
    audit: AuditSettings
    alerts: tuple[AlertRule, ...]
    sinks: tuple[SinkSettings, ...]
    sources: tuple[Path, ...]
    """The files it was read from: what reload.py watches."""


class _GroupFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    groups: dict[str, GroupEntry]


def load_policy(home: Home, *, clients: Callable[[], Sequence[str]] = registry_hosts) -> Policy:
    """Read the user's files; those that are missing are made from the shipped defaults.

    `clients` answers what `@registries` stands for. Raises `SettingsError` that names file and place. Blocking: up to
    two seconds where clients are asked for the first time.
    """
    domains, policy = ensure_files(home)
    return compose(read_text(domains), read_text(policy), config=home.config, clients=clients)


def configured_rule_files(home: Home) -> tuple[str, ...]:
    """Absolute paths of `[dlp] rule_files`, without asking any client. Raises `SettingsError`."""
    _, policy = ensure_files(home)
    return _checked_dlp(parse_toml(read_text(policy), PolicyFile, name=POLICY).dlp, home.config).rule_files


def ensure_files(home: Home) -> tuple[Path, Path]:
    """Paths of trusted_domains.txt and policy.toml, made (0600) where they are missing."""
    directory = ensure_private(home.config)
    return _ensure(directory / TRUSTED_DOMAINS), _ensure(directory / POLICY)


def compose(domains: str, policy: str, *, config: Path, clients: Callable[[], Sequence[str]]) -> Policy:
    """The policy of the texts of both files. `config` is the directory that relative files are taken from."""
    file = parse_toml(policy, PolicyFile, name=POLICY)
    shipped = parse_toml(shipped_text(HOST_GROUPS), _GroupFile, name=HOST_GROUPS).groups
    groups = Groups({**shipped, **file.groups}, clients)
    build = _Build(groups, config)
    build.add_lines(domains)
    for index, entry in enumerate(file.hosts):
        build.add_entry(entry, source=f"{POLICY} $.hosts[{index}]")
    return Policy(
        hosts=build.host_policy(),
        contexts=build.context_table(file),
        groups=groups,
        dlp=_checked_dlp(file.dlp, config),
        upstream=_checked_upstream(file.upstream, config),
        limits=file.limits,
        local=file.local,
        audit=file.audit,
        alerts=file.alerts,
        sinks=file.sinks,
        sources=(config / TRUSTED_DOMAINS, config / POLICY),
    )


def shipped_text(name: str) -> str:
    """The text of a file of vibedom/config."""
    return (files("vibedom") / "config" / name).read_text(encoding="utf-8")


class _Build:
    """Collects what lines and entries say."""

    def __init__(self, groups: Groups, config: Path) -> None:
        self._groups = groups
        self._config = config
        self._allow: list[Pattern] = []
        self._deny: list[Pattern] = []
        self._routes: list[Route] = []
        self._contexts = groups.context_rules()

    def add_lines(self, text: str) -> None:
        for source, word, is_denied in parse_lines(text, name=TRUSTED_DOMAINS):
            self._add(self._groups.patterns(word, source=source), is_denied=is_denied)

    def add_entry(self, entry: HostEntry, *, source: str) -> None:
        for pattern in entry_patterns(entry, self._groups, source=source):
            self._add([pattern], is_denied=entry.verdict == "deny")
            route = entry_route(entry, pattern, source=source, directory=self._config)
            context: ContextRule | None = entry_context(entry, pattern)
            self._routes += [route] if route else []
            self._contexts += [context] if context else []

    def _add(self, patterns: list[Pattern], *, is_denied: bool) -> None:
        for pattern in patterns:
            if not is_denied and pattern.is_wildcard and not pattern.host:
                raise SettingsError(f"{pattern.source}: '*' can only deny; list what may be reached")
        (self._deny if is_denied else self._allow).extend(patterns)

    def host_policy(self) -> HostPolicy:
        mirrors = [Route(pattern=pattern, networks=MIRROR_NETWORKS) for pattern in self._groups.registries]
        return HostPolicy(allow=self._allow, deny=self._deny, routes=[*self._routes, *mirrors])

    def context_table(self, file: PolicyFile) -> ContextTable:
        return ContextTable(
            self._contexts,
            registries=self._groups.registries,
            overrides=_table(file),
            sensitive_headers=file.dlp.sensitive_headers,
        )


def _table(file: PolicyFile) -> Table:
    return {(context, way): row for context, ways in file.contexts.items() for way, row in ways.items()}


def _checked_dlp(dlp: DlpSettings, config: Path) -> DlpSettings:
    found = [str(existing_file(name, f"{POLICY} $.dlp.rule_files", config)) for name in dlp.rule_files]
    return msgspec.structs.replace(dlp, rule_files=tuple(found))


def _checked_upstream(upstream: UpstreamSettings, config: Path) -> UpstreamSettings:
    if upstream.ca is None:
        return upstream
    return msgspec.structs.replace(upstream, ca=str(existing_file(upstream.ca, f"{POLICY} $.upstream.ca", config)))


def _ensure(path: Path) -> Path:
    """Make the file from the shipped one unless it is there (0600; a link is left alone)."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be made ({error.strerror}); check the directory's owner and mode"
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(shipped_text(path.name))
    return path
