"""The alert sinks of a session: what policy.toml and `--sink` ask for, opened."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.events import Severity
from sinks.alert_engine import AlertEngine
from sinks.alert_rules import DEFAULT_RULES, AlertRule
from sinks.alerts import AlertFile, AlertSink, Delivery
from sinks.command import CommandRunner, CommandSettings
from sinks.outbox import Outbox
from sinks.spool import Spool
from sinks.syslog import Syslog, SyslogSettings
from sinks.webhook import Webhook, WebhookSettings
from vibedom.errors import SettingsError, UsageError

SinkSettings = WebhookSettings | CommandSettings | SyslogSettings
"""`[[sinks]]`, told apart by `type`."""


def sink_of_url(url: str) -> SinkSettings:
    """What `--sink URL` means: `https://...` a webhook, `syslog+udp://HOST:PORT` and the like syslog, `exec:PROGRAM` a
    command. Raises `UsageError`."""
    scheme, _, rest = url.partition(":")
    try:
        if scheme in ("http", "https"):
            return WebhookSettings(url=url)
        if scheme == "exec":
            return CommandSettings(argv=(rest,))
        if scheme.startswith("syslog+"):
            return SyslogSettings(address=url.removeprefix("syslog+"))
    except ValueError as error:
        raise UsageError(f"--sink: {error}") from None
    raise UsageError("--sink: write https://HOST/PATH, syslog+udp://HOST:PORT, syslog+tls://HOST:PORT or exec:PROGRAM")


def open_alert_sinks(
    settings: Sequence[SinkSettings], rules: Sequence[AlertRule], *, session: str, alerts_log: Path
) -> list[AlertSink]:
    """The file `alerts_log` first, then one sink for each setting. `rules` come beside the default ones.

    Raises `OSError` for the file, `SettingsError` for a key file that cannot be read.
    """
    every = (*DEFAULT_RULES, *rules)
    sinks = [AlertSink("alerts", _engine(session, every, "low"), AlertFile(alerts_log))]
    for number, setting in enumerate(settings, start=1):
        kind = type(setting).__name__.removesuffix("Settings").lower()
        delivery = _delivery(setting, alerts_log.with_name(f"{kind}-{number}.dead.jsonl"))
        outbox = Outbox(delivery, Spool(alerts_log.with_name(f"{kind}-{number}.spool")), session=session)
        sinks.append(AlertSink(f"{kind}-{number}", _engine(session, every, setting.min_severity), outbox))
    return sinks


def describe(setting: SinkSettings) -> str:
    """One line for people, without user information, query or arguments a secret could be in."""
    if isinstance(setting, WebhookSettings):
        parts = urlsplit(setting.url)
        return f"webhook {parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    if isinstance(setting, CommandSettings):
        return f"command {setting.argv[0]}"
    return f"syslog {setting.address}"


def _engine(session: str, rules: Sequence[AlertRule], minimum: Severity) -> AlertEngine:
    return AlertEngine(session=session, rules=rules, min_severity=minimum)


def _delivery(setting: SinkSettings, dead_letters: Path) -> Delivery:
    if isinstance(setting, WebhookSettings):
        return Webhook(setting, key=_key(setting.secret_file), dead_letters=dead_letters)
    if isinstance(setting, CommandSettings):
        return CommandRunner(setting)
    return Syslog(setting)


def _key(secret_file: str | None) -> bytes | None:
    if secret_file is None:
        return None
    try:
        key = Path(secret_file).expanduser().read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"{secret_file}: cannot be read ({error.strerror})") from None
    if len(key) < 16:
        raise SettingsError(f"{secret_file}: the key has fewer than 16 bytes")
    return key
