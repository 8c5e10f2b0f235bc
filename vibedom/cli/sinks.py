"""`vibedom sinks`: where alerts and records go, whether they get there, and what still waits."""

from functools import partial

import anyio.to_thread
import asyncclick as click
import msgspec

from vibedom.cli import render
from vibedom.paths import home
from vibedom.sink_settings import SinkSettings, describe, identity_of


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One sink as `vibedom sinks list --json` shows it."""

    id: str
    sink: str
    min_severity: str
    waiting: int
    """Alerts and records that are not delivered yet, of all sessions."""
    lost: int
    """Of those that had no room while they waited, and nobody was told of yet."""


@click.group()
async def command() -> None:
    """Show, test and flush the sinks of your policy: where alerts and records go beside the session's own files."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
async def list_(as_json: bool) -> None:
    """List the sinks of policy.toml, what waits in their spools, and the plugins that are installed.

    \b
    vibedom sinks list
    """
    from vibedom.sink_plugins import installed

    settings = await anyio.to_thread.run_sync(_settings)
    rows = await anyio.to_thread.run_sync(partial(_rows, settings))
    plugins = sorted(installed())
    if as_json:
        render.out_json({"sinks": rows, "plugins": plugins})
        return
    cells = [(row.id, row.sink, row.min_severity, str(row.waiting), str(row.lost)) for row in rows]
    render.out(render.table(cells, ("ID", "SINK", "FROM", "WAITING", "LOST")))
    render.err("alerts.jsonl and network.jsonl of each session are always written", "dim")
    if plugins:
        render.err(f"plugins installed: {', '.join(plugins)}", "dim")


@command.command()
@click.argument("which", nargs=-1, metavar="[ID|URL]...")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
async def test(which: tuple[str, ...], as_json: bool) -> int:
    """Send a test alert to every sink of policy.toml, to those with these IDs, or to a URL as `--sink` takes it.

    Exit code 1 where any of them did not take it; the reason is shown.

    \b
    vibedom sinks test
    vibedom sinks test syslog+udp://127.0.0.1:514
    """
    from vibedom.sink_delivery import send_test

    settings = await anyio.to_thread.run_sync(partial(_chosen, which))
    results = []
    for setting in settings:
        render.progress(f"sending to {describe(setting)}")
        results.append((describe(setting), await send_test(setting)))
    render.end_progress()
    if as_json:
        render.out_json([{"sink": sink, "is_taken": not fault, "fault": fault} for sink, fault in results])
    else:
        for sink, fault in results:
            text = render.printable(f"{'FAILED' if fault else 'taken'}  {sink}{f': {fault}' if fault else ''}")
            render.out(render.style(text, "bad" if fault else "good", "stdout"))
        if not results:
            render.err("policy.toml has no [[sinks]]; docs/sinks.md shows how to add one", "dim")
    return 1 if any(fault for _, fault in results) else 0


@command.command()
async def flush() -> int:
    """Deliver what ended sessions could not: what waits in their spools. Exit code 1 where some of it still waits.

    \b
    vibedom sinks flush
    """
    from vibedom import sessions
    from vibedom.sink_delivery import flush_spool

    state = home()
    settings = await anyio.to_thread.run_sync(_settings)
    left = 0
    for record in await anyio.to_thread.run_sync(partial(sessions.all_sessions, state)):
        if record.is_alive:
            continue
        for setting in settings:
            render.progress(f"{record.id}: {describe(setting)}")
            done = await flush_spool(setting, session=record.id, directory=state.session(record.id).root)
            left += done.left
            if done.delivered or done.left:
                render.end_progress()
                render.out(f"{record.id}  {describe(setting)}  delivered {done.delivered}, waiting {done.left}")
    render.end_progress()
    return 1 if left else 0


def _settings() -> list[SinkSettings]:
    from vibedom.settings import load_policy

    return list(load_policy(home(), clients=lambda: ()).sinks)


def _chosen(which: tuple[str, ...]) -> list[SinkSettings]:
    from vibedom.sink_settings import sink_of_url

    settings = {identity_of(setting): setting for setting in _settings()}
    return [settings.get(name) or sink_of_url(name) for name in which] if which else list(settings.values())


def _rows(settings: list[SinkSettings]) -> list[Row]:
    from sinks.spool import waiting
    from vibedom.alert_sinks import spool_path

    directories = [path for path in home().sessions.glob("*") if path.is_dir()]
    rows = []
    for setting in settings:
        counts = [waiting(spool_path(setting, directory)) for directory in directories]
        rows.append(
            Row(
                id=identity_of(setting),
                sink=describe(setting),
                min_severity=setting.min_severity,
                waiting=sum(pending for pending, _ in counts),
                lost=sum(lost for _, lost in counts),
            )
        )
    return rows
