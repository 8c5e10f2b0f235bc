"""`vibedom list`: the sessions."""

import time

import anyio
import asyncclick as click
import msgspec

from vibedom import sessions
from vibedom.cli import render
from vibedom.paths import home as find_home
from vibedom.sessions import SessionRecord


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Everything that is known of each, as JSON.")
async def command(as_json: bool) -> None:
    """List the sessions, the newest first."""
    records = await anyio.to_thread.run_sync(sessions.all_sessions, find_home())
    if as_json:
        render.out_json([without_passwords(record) for record in records])
        return
    if not records:
        render.err("no sessions; start one with `vibedom run PROJECT`")
        return
    rows = [
        (record.id, state(record), record.runtime, age(record.created_at), str(record.workspace)) for record in records
    ]
    render.out(render.table(rows, ("SESSION", "STATE", "RUNTIME", "STARTED", "PROJECT")))


def without_passwords(record: SessionRecord) -> SessionRecord:
    """Of the sinks that `--sink` named only the kind: their URLs are passwords."""
    kinds = tuple(url.partition(":")[0] + ":..." for url in record.launch.sinks)
    return msgspec.structs.replace(record, launch=msgspec.structs.replace(record.launch, sinks=kinds))


def state(record: SessionRecord) -> str:
    """One word for people, with the exit code where there is one."""
    if record.is_crashed:
        return "crashed"
    if record.is_alive and record.is_paused:
        return "paused"
    code = "" if record.exit_code in (None, 0) else f" ({record.exit_code})"
    return record.status + code


def age(created_at: float) -> str:
    """`5 min ago`."""
    seconds = max(0, time.time() - created_at)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "now"
