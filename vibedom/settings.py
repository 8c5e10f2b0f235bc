"""The policy of a run: finds the files, loads and composes them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from pipeline.context import ContextTable, Table
from pipeline.exfiltration import Thresholds
from pipeline.host_policy import HostPolicy
from sinks.alert_rules import AlertRule
from vibedom.alert_sinks import SinkSettings
from vibedom.host_entries import (
    GroupEntry,
    Groups,
    existing_file,
)
from vibedom.host_rules import HostRules
from vibedom.paths import Home
from vibedom.policy_file import (
    ApprovalSettings,
    AuditSettings,
    DlpSettings,
    LocalSettings,
    PolicyFile,
    UpstreamSettings,
    parse_toml,
)
from vibedom.preflight.settings import PreflightSettings
from vibedom.project_file import ProjectFile, denied, narrowed_dlp, narrowed_table, read_project
from vibedom.registries.kept import kept_registry_hosts
from vibedom.sandbox.runtime import Limits
from vibedom.user_files import POLICY, TRUSTED_DOMAINS, ensure_files, read_text, shipped_text

HOST_GROUPS = "host_groups.toml"


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
    approval: ApprovalSettings
    exfiltration: Thresholds
    preflight: PreflightSettings
    alerts: tuple[AlertRule, ...]
    sinks: tuple[SinkSettings, ...]
    sources: tuple[Path, ...]
    """The files it was read from: what reload.py watches."""


class _GroupFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    groups: dict[str, GroupEntry]


def load_policy(
    home: Home, *, project: Path | None = None, clients: Callable[[], Sequence[str]] | None = None
) -> Policy:
    """Read the user's files; those that are missing are made from the shipped defaults.

    `project` is a directory whose vibedom.toml may narrow the policy; it is not among the `sources` to watch.
    `clients` answers what `@registries` stands for. Raises `SettingsError` that names file and place. Blocking: up to
    two seconds where clients are asked: the first time, and after their own settings have changed.
    """
    domains, policy = ensure_files(home)
    wishes = read_project(project) if project is not None else ProjectFile()
    asked = clients or partial(kept_registry_hosts, home.cache)
    return compose(read_text(domains), read_text(policy), config=home.config, clients=asked, project=wishes)


def configured_rule_files(home: Home) -> tuple[str, ...]:
    """Absolute paths of `[dlp] rule_files`, without asking any client. Raises `SettingsError`."""
    _, policy = ensure_files(home)
    return _checked_dlp(parse_toml(read_text(policy), PolicyFile, name=POLICY).dlp, home.config).rule_files


def metrics_listen(home: Home) -> str:
    """`[metrics] listen`, without asking any client. Raises `SettingsError`."""
    _, policy = ensure_files(home)
    return parse_toml(read_text(policy), PolicyFile, name=POLICY).metrics.listen


def compose(
    domains: str,
    policy: str,
    *,
    config: Path,
    clients: Callable[[], Sequence[str]],
    project: ProjectFile = ProjectFile(),  # noqa: B008  # frozen
) -> Policy:
    """The policy of the texts of both files. `config` is the directory that relative files are taken from."""
    file = parse_toml(policy, PolicyFile, name=POLICY)
    shipped = parse_toml(shipped_text(HOST_GROUPS), _GroupFile, name=HOST_GROUPS).groups
    groups = Groups({**shipped, **file.groups}, clients)
    rules = HostRules(groups, config)
    rules.add_lines(domains, name=TRUSTED_DOMAINS)
    for index, entry in enumerate(file.hosts):
        rules.add_entry(entry, source=f"{POLICY} $.hosts[{index}]")
    rules.add_denied(denied(project))
    return Policy(
        hosts=rules.host_policy(),
        contexts=rules.context_table(narrowed_table(project, _table(file)), file.dlp.sensitive_headers),
        groups=groups,
        dlp=narrowed_dlp(project, _checked_dlp(file.dlp, config)),
        upstream=_checked_upstream(file.upstream, config),
        limits=file.limits,
        local=file.local,
        audit=file.audit,
        approval=file.approval,
        exfiltration=file.exfiltration,
        preflight=file.preflight,
        alerts=file.alerts,
        sinks=file.sinks,
        sources=(config / TRUSTED_DOMAINS, config / POLICY),
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
