"""`[[sinks]]` and `--sink URL`: the kinds of sinks there are, and how each is shown."""

from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from sinks.address import shown
from sinks.command import CommandSettings
from sinks.desktop import DesktopSettings
from sinks.nats_stream import NatsSettings
from sinks.notify import NotifySettings
from sinks.otlp import OtlpSettings
from sinks.redis_stream import RedisSettings
from sinks.syslog import SyslogSettings
from sinks.webhook import WebhookSettings
from vibedom.errors import UsageError
from vibedom.sink_plugins import PluginSettings

SinkSettings = (
    WebhookSettings
    | CommandSettings
    | SyslogSettings
    | DesktopSettings
    | NotifySettings
    | OtlpSettings
    | NatsSettings
    | RedisSettings
    | PluginSettings
)
"""`[[sinks]]`, told apart by `type`."""

_CHATS = ("mailto", "mailtos", "slack", "discord", "msteams", "tgram", "matrix", "matrixs", "ntfy", "ntfys")
"""Apprise's schemes that need no `notify+` in front."""

_KINDS: dict[str, Callable[[str, str], SinkSettings]] = {
    "http": lambda url, rest: WebhookSettings(url=url),
    "https": lambda url, rest: WebhookSettings(url=url),
    "exec": lambda url, rest: CommandSettings(argv=(rest,)),
    "desktop": lambda url, rest: DesktopSettings(),
    "otlp+http": lambda url, rest: OtlpSettings(url=url.removeprefix("otlp+")),
    "otlp+https": lambda url, rest: OtlpSettings(url=url.removeprefix("otlp+")),
    "nats": lambda url, rest: NatsSettings(servers=tuple(url.split(","))),
    "nats+tls": lambda url, rest: NatsSettings(servers=tuple(each.removeprefix("nats+") for each in url.split(","))),
    "redis": lambda url, rest: RedisSettings(url=url),
    "rediss": lambda url, rest: RedisSettings(url=url),
    "plugin": lambda url, rest: PluginSettings(name=rest),
}


def sink_of_url(url: str) -> SinkSettings:
    """What `--sink URL` means; docs/sinks.md has the list. Raises `UsageError`, which never shows the URL."""
    scheme, _, rest = url.partition(":")
    try:
        if make := _KINDS.get(scheme):
            return make(url, rest)
        if scheme.startswith("syslog+"):
            return SyslogSettings(address=url.removeprefix("syslog+"))
        if scheme.startswith("notify+"):
            return NotifySettings(url=url.removeprefix("notify+"))
        if scheme in _CHATS:
            return NotifySettings(url=url)
    except ValueError as error:
        raise UsageError(f"--sink: {error}") from None
    raise UsageError(
        "--sink: write https://HOST/PATH, syslog+udp://HOST:PORT, otlp+http://HOST:4318, nats://HOST:4222, "
        "redis://HOST:6379, desktop:, exec:PROGRAM, plugin:NAME, or mailto://..., slack://... and the like"
    )


def kind_of(setting: SinkSettings) -> str:
    """The word of `type`."""
    return type(setting).__name__.removesuffix("Settings").lower()


def describe(setting: SinkSettings) -> str:
    """One line for people, without user information, path, query or arguments a secret could be in."""
    match setting:
        case WebhookSettings() | OtlpSettings():
            return f"{kind_of(setting)} {shown(setting.url)}"
        case CommandSettings():
            return f"command {setting.argv[0]}"
        case SyslogSettings():
            return f"syslog {shown(setting.address)}"
        case NotifySettings():
            return f"notify {setting.url_file or urlsplit(setting.url or '').scheme}"
        case NatsSettings():
            return f"nats {', '.join(shown(server) for server in setting.servers)}"
        case RedisSettings():
            return f"redis {shown(setting.url)}"
        case PluginSettings():
            return f"plugin {setting.name}"
        case DesktopSettings():
            return "desktop"


def identity_of(setting: SinkSettings) -> str:
    """Names the files that belong to one sink: the same for the same settings, whatever else stands in the policy."""
    import hashlib

    digest = hashlib.sha256(b"vibedom sink\0" + msgspec.json.encode(setting)).hexdigest()[:10]
    return f"{kind_of(setting)}-{digest}"
