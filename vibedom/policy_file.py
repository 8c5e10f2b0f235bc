"""policy.toml: its keys, and reading them so that a mistake is named with its file and place."""

import re
import tomllib
from typing import Literal

import msgspec

from pipeline.events import Action, Context, Direction, SecretClass
from pipeline.exfiltration import Thresholds
from sinks.alert_rules import AlertRule
from sinks.append_file import Fsync
from sinks.retention import Keeping
from vibedom.alert_sinks import SinkSettings
from vibedom.errors import SettingsError
from vibedom.host_entries import GroupEntry, HostEntry
from vibedom.preflight.settings import PreflightSettings
from vibedom.sandbox.runtime import Limits

Cells = dict[Context, dict[Direction, dict[SecretClass, Action]]]


class DlpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[dlp]`: what is scanned, and what happens to what cannot be."""

    max_body_bytes: int = 512 * 1024
    """Bodies up to here are buffered and scrubbed with their structure; longer ones are streamed."""
    oversize: Literal["scan", "skip", "block"] = "scan"
    undecodable: Literal["block", "skip"] = "block"
    sensitive_headers: tuple[str, ...] = ()
    """Lower-case names that count as authentication headers beside the built-in ones."""
    rule_files: tuple[str, ...] = ()
    """More rule files in gitleaks' format."""

    def __post_init__(self) -> None:
        if not 1024 <= self.max_body_bytes <= 64 * 1024 * 1024:
            raise ValueError("max_body_bytes must be from 1024 to 67108864")
        if any(name != name.lower() or not re.fullmatch(r"[a-z0-9-]+", name) for name in self.sensitive_headers):
            raise ValueError("sensitive_headers must be header names in lower case")


class UpstreamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[upstream]`: how hosts are reached from this machine."""

    ca: str | None = None
    """PEM file of roots trusted beside this machine's own."""
    proxy: str | None = None
    """`http://HOST:PORT` of the proxy this machine needs, instead of the one in its environment."""

    def __post_init__(self) -> None:
        if self.proxy is not None and not re.fullmatch(r"https?://[^\s/]+/?", self.proxy):
            raise ValueError("proxy must be http://HOST:PORT")


class LocalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[local]`: the local runtime."""

    visible: tuple[str, ...] = ()
    """Paths of this machine the sandbox sees beside its tools, read-only."""


class AuditSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[audit]`: the audit log."""

    rotate_bytes: int = 100 * 1024 * 1024
    """A file longer than this is closed and the next one continues its chain."""
    fsync: Fsync = "interval"
    compress: bool = True
    """Closed files are compressed with gzip."""
    keep_days: float | None = None
    """Closed files whose last line is older are removed. The file being written stays whatever its age."""
    keep_bytes: int | None = None
    """The oldest closed files are removed while all files of a session's log together are larger."""

    def __post_init__(self) -> None:
        if self.rotate_bytes < 64 * 1024:
            raise ValueError("rotate_bytes must be at least 65536")
        if self.keep_days is not None and self.keep_days <= 0:
            raise ValueError("keep_days must be greater than 0")
        if self.keep_bytes is not None and self.keep_bytes < self.rotate_bytes:
            raise ValueError("keep_bytes must be at least rotate_bytes")

    @property
    def keeping(self) -> Keeping:
        age = self.keep_days * 86400 if self.keep_days is not None else None
        return Keeping(compress=self.compress, max_age_seconds=age, max_bytes=self.keep_bytes)


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[metrics]`: where `vibedom metrics` serves."""

    listen: str = "127.0.0.1:9464"
    """`127.0.0.1:PORT` or `unix:PATH`."""


class ApprovalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[approval]`: hosts that are not listed, asked about while the agent waits."""

    wait_seconds: float = 30.0
    """How long a request waits for the user's answer; 0 asks nobody. Nobody is asked where nobody watches."""
    bell: bool = True
    """The terminal of the session rings, and its title says what is asked."""
    desktop: bool = True
    """A desktop notification, where there is a desktop."""

    def __post_init__(self) -> None:
        if not 0 <= self.wait_seconds <= 600:
            raise ValueError("wait_seconds must be from 0 to 600")


class PolicyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    hosts: tuple[HostEntry, ...] = ()
    groups: dict[str, GroupEntry] = {}
    contexts: Cells = {}
    dlp: DlpSettings = DlpSettings()
    upstream: UpstreamSettings = UpstreamSettings()
    limits: Limits = Limits()
    local: LocalSettings = LocalSettings()
    audit: AuditSettings = AuditSettings()
    approval: ApprovalSettings = ApprovalSettings()
    exfiltration: Thresholds = Thresholds()
    metrics: MetricsSettings = MetricsSettings()
    preflight: PreflightSettings = PreflightSettings()
    alerts: tuple[AlertRule, ...] = ()
    sinks: tuple[SinkSettings, ...] = ()


def parse_toml[T](text: str, kind: type[T], *, name: str) -> T:
    """Read `text` as `kind`. Raises `SettingsError`: `name`, then line and column or `$.path`, then what is wrong."""
    try:
        return msgspec.convert(tomllib.loads(text), kind)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name}: {error}") from None
    except msgspec.ValidationError as error:
        raise SettingsError(f"{name}: {error}") from None
