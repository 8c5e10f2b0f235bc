"""Where a fleet's messages are read from."""

from collections.abc import AsyncIterator
from typing import Protocol

from sinks.nats_stream import NatsSettings
from sinks.redis_stream import RedisSettings
from sinks.stream import Message
from vibedom.errors import UsageError
from vibedom.sink_settings import SinkSettings, sink_of_url

SourceSettings = NatsSettings | RedisSettings


class Source(Protocol):
    """A stream that is read without changing it."""

    is_reached: bool
    """Whether it was ever there."""

    def messages(self, *, since: float, follow: bool) -> AsyncIterator[Message]:
        """Everything stored since `since` (Unix seconds), oldest first, doubles included; with `follow` also what
        comes, for ever. Raises `VibedomError` where the stream cannot be read."""
        ...

    async def aclose(self) -> None: ...


def source_of_url(url: str) -> SourceSettings:
    """`nats://HOST:4222[,nats://...]` or `redis://HOST:6379`. Raises `UsageError`."""
    setting = sink_of_url(url)
    if not isinstance(setting, SourceSettings):
        raise UsageError("--from: write nats://HOST:4222 or redis://HOST:6379")
    return setting


def source_of_policy(sinks: tuple[SinkSettings, ...]) -> SourceSettings:
    """The first stream that the policy sends to. Raises `UsageError` where there is none."""
    for setting in sinks:
        if isinstance(setting, SourceSettings):
            return setting
    raise UsageError("policy.toml has no [[sinks]] of type nats or redis; name one with --from nats://HOST:4222")


def open_source(setting: SourceSettings) -> Source:
    """Nothing is connected yet. Raises `SettingsError` where the library is missing."""
    from vibedom.alert_sinks import open_carrier
    from vibedom.fleet.nats_source import NatsSource
    from vibedom.fleet.redis_source import RedisSource

    open_carrier(setting, session="reader")  # says what is missing
    return NatsSource(setting) if isinstance(setting, NatsSettings) else RedisSource(setting)
