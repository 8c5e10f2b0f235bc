"""`vibedom fleet`: the sessions of many machines, read from the stream they all send to."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import asyncclick as click

from vibedom.cli import render
from vibedom.errors import UsageError

if TYPE_CHECKING:
    from sinks.stream import Message
    from vibedom.fleet.source import SourceSettings

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.group()
async def command() -> None:
    """Watch the sessions of many machines, through the NATS or Redis stream that their sinks send to."""


def _options(function: Any) -> Any:
    source = click.option("--from", "url", metavar="URL", help="nats://HOST:4222 or redis://HOST:6379. Default: the first in policy.toml.")  # fmt: skip  # noqa: E501
    since = click.option("--since", default="24h", show_default=True, metavar="AGE", help="How far back: 30m, 24h, 7d.")
    as_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")
    return source(since(as_json(function)))


@command.command()
@_options
async def sessions(url: str | None, since: str, as_json: bool) -> None:
    """List the sessions, with what they did and their gravest alert.

    \b
    vibedom fleet sessions --from nats://nats.corp.example:4222 --since 7d
    """
    from vibedom.fleet.view import Fleet

    fleet = Fleet()
    async for message in _messages(await _source(url), age(since), follow=False):
        fleet.add(message)
    found = sorted(fleet.sessions.values(), key=lambda each: each.last, reverse=True)
    if as_json:
        render.out_json(found)
        return
    cells = [
        (
            each.session, each.last, each.state, str(each.requests), str(each.blocked), str(each.findings),
            str(each.alerts), each.worst, str(each.lost),
        )
        for each in found
    ]  # fmt: skip
    headings = ("SESSION", "LAST", "STATE", "REQUESTS", "BLOCKED", "FINDINGS", "ALERTS", "WORST", "LOST")
    render.out(render.table(cells, headings))


@command.command()
@_options
@click.option("--follow", "-f", is_flag=True, help="Go on with those that come.")
@click.option(
    "--min-severity", type=click.Choice(["low", "medium", "high", "critical"]), default="medium", show_default=True
)
async def alerts(url: str | None, since: str, as_json: bool, follow: bool, min_severity: Any) -> None:
    """Show the alerts of all sessions, oldest first. With --json it is one alert a line.

    \b
    vibedom fleet alerts --follow --min-severity high
    """
    from sinks.alert_rules import is_at_least
    from sinks.line import printable_json
    from vibedom.fleet.view import alert_of

    async for message in _messages(await _source(url), age(since), follow=follow):
        alert = alert_of(message)
        if alert is None or not is_at_least(alert.severity, min_severity):
            continue
        if as_json:
            render.out(printable_json(alert).decode())
        else:
            text = render.printable(f"{alert.time}  {alert.severity:8}  {alert.session}  {alert.message}")
            render.out(render.style(text, "bad" if alert.severity in ("high", "critical") else "plain", "stdout"))


async def _messages(setting: "SourceSettings", seconds: float, *, follow: bool) -> AsyncIterator["Message"]:
    from vibedom.fleet.lasting import lasting
    from vibedom.fleet.source import open_source
    from vibedom.fleet.view import once

    since = time.time() - seconds
    if follow:
        async with aclosing(once(lasting(setting, since=since, say=render.err))) as found:  # type: ignore[type-var]
            async for message in found:
                yield message
        return
    source = open_source(setting)
    try:
        async with aclosing(once(source.messages(since=since, follow=False))) as found:  # type: ignore[type-var]
            async for message in found:
                yield message
    finally:
        await source.aclose()


async def _source(url: str | None) -> "SourceSettings":
    from vibedom.fleet.source import source_of_policy, source_of_url
    from vibedom.paths import home
    from vibedom.settings import load_policy

    if url is not None:
        return source_of_url(url)
    policy = await anyio.to_thread.run_sync(partial(load_policy, home(), clients=lambda: ()))
    return source_of_policy(policy.sinks)


def age(text: str) -> float:
    """Seconds of `30m`, `24h`, `7d`. Raises `UsageError`."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isdigit():
        raise UsageError(f"--since {text}: write a number and s, m, h or d, such as 24h")
    return float(number) * _UNITS[unit]
