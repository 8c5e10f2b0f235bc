"""The sinks of a session beside its audit log: what policy.toml and `--sink` ask for, opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard, assert_never, cast

from pipeline.ports import Sink
from sinks.alert_engine import AlertEngine
from sinks.alert_rules import DEFAULT_RULES, AlertRule
from sinks.alerts import AlertFile, AlertSink, Delivery
from sinks.command import CommandRunner, CommandSettings
from sinks.courier import Carrier
from sinks.desktop import Desktop, DesktopSettings
from sinks.nats_stream import NatsCarrier, NatsSettings
from sinks.notify import Notify, NotifySettings
from sinks.otlp import Otlp, OtlpSettings
from sinks.outbox import Outbox
from sinks.redis_stream import RedisCarrier, RedisSettings
from sinks.spool import Spool
from sinks.stream import STREAM_SPOOL_BYTES, StreamSink
from sinks.syslog import Syslog, SyslogSettings
from sinks.webhook import Webhook, WebhookSettings
from vibedom.errors import SettingsError
from vibedom.sink_plugins import PluginSettings, open_plugin
from vibedom.sink_settings import SinkSettings as SinkSettings
from vibedom.sink_settings import describe as describe
from vibedom.sink_settings import identity_of, kind_of
from vibedom.sink_settings import sink_of_url as sink_of_url


def open_alert_sinks(
    settings: Sequence[SinkSettings], rules: Sequence[AlertRule], *, session: str, alerts_log: Path
) -> list[Sink]:
    """The file `alerts_log` first, then one sink for each different setting. `rules` come beside the default ones.

    Raises `OSError` for the file, `SettingsError` for what a setting names and is not there.
    """
    engine = AlertEngine(session=session, rules=(*DEFAULT_RULES, *rules), min_severity="low")
    sinks: list[Sink] = [AlertSink("alerts", engine, AlertFile(alerts_log))]
    different = list({identity_of(setting): setting for setting in settings}.values())
    for number, setting in enumerate(different, start=1):
        name = f"{kind_of(setting)}-{number}"
        sinks.append(open_sink(setting, rules, name=name, session=session, directory=alerts_log.parent))
    return sinks


def open_sink(
    setting: SinkSettings, rules: Sequence[AlertRule], *, name: str, session: str, directory: Path
) -> AlertSink | StreamSink | Sink:
    """One sink with its spool in `directory`. Raises `OSError`, `SettingsError`."""
    rules = (*DEFAULT_RULES, *rules)
    engine = AlertEngine(session=session, rules=rules, min_severity=setting.min_severity)
    spool = spool_path(setting, directory)
    if isinstance(setting, NatsSettings | RedisSettings):
        carrier = open_carrier(setting, session=session)
        queue = Spool(spool, limit_bytes=STREAM_SPOOL_BYTES)
        return StreamSink(name, carrier, queue, session=session, engine=engine, with_records=setting.records)
    opened = open_delivery(setting, session=session, dead_letters=spool.with_suffix(".dead.jsonl"))
    if _takes_alerts(opened):
        return AlertSink(name, engine, Outbox(opened, Spool(spool), session=session))
    return cast(Sink, opened)


def spool_path(setting: SinkSettings, directory: Path) -> Path:
    """What waits for delivery is in files whose names begin with this."""
    return directory / f"{identity_of(setting)}.spool"


def open_carrier(setting: NatsSettings | RedisSettings, *, session: str) -> Carrier:
    """What takes messages to the fleet's stream. Raises `SettingsError` where its library is missing."""
    if isinstance(setting, NatsSettings):
        _require("nats", "nats")
        return NatsCarrier(setting, session=session)
    _require("redis", "redis")
    return RedisCarrier(setting, session=session)


def open_delivery(setting: SinkSettings, *, session: str, dead_letters: Path) -> Delivery | Sink:
    """What takes alerts to where `setting` says; a plugin may take records instead. Raises `SettingsError`."""
    match setting:
        case WebhookSettings():
            return Webhook(setting, key=_key(setting.secret_file), dead_letters=dead_letters)
        case OtlpSettings():
            return Otlp(setting, headers=_headers(setting.headers_file), dead_letters=dead_letters)
        case CommandSettings():
            return CommandRunner(setting)
        case DesktopSettings():
            return Desktop(setting)
        case SyslogSettings():
            return Syslog(setting)
        case NotifySettings():
            return _notify(setting)
        case PluginSettings():
            return open_plugin(setting, session=session)
        case NatsSettings() | RedisSettings():
            raise TypeError("a stream has a carrier, not a delivery")
        case _:
            assert_never(setting)


def _takes_alerts(opened: Delivery | Sink) -> TypeGuard[Delivery]:
    return hasattr(opened, "deliver")


def _notify(setting: NotifySettings) -> Notify:
    _require("apprise", "notify")
    url = setting.url if setting.url_file is None else _read(setting.url_file).strip()
    try:
        return Notify(url or "")
    except ValueError as error:
        raise SettingsError(f"{setting.url_file or 'sink notify'}: {error}") from None


def _require(module: str, extra: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise SettingsError(f"this sink needs vibedom[{extra}]; install it into vibedom's environment")


def _key(secret_file: str | None) -> bytes | None:
    if secret_file is None:
        return None
    key = _read(secret_file).strip().encode(errors="surrogateescape")
    if len(key) < 16:
        raise SettingsError(f"{secret_file}: the key has fewer than 16 bytes")
    return key


def _headers(headers_file: str | None) -> dict[str, str]:
    if headers_file is None:
        return {}
    headers = {}
    for number, line in enumerate(_read(headers_file).splitlines(), start=1):
        name, colon, value = line.partition(":")
        if line.strip() and not (colon and name.strip() and value.strip().isprintable()):
            raise SettingsError(f"{headers_file}:{number}: write Name: value")
        if line.strip():
            headers[name.strip()] = value.strip()
    return headers


def _read(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read ({error.strerror})") from None
