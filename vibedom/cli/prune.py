"""`vibedom prune`: delete sessions that hold nothing any more."""

import time

import anyio.to_thread
import asyncclick as click

from vibedom import sessions
from vibedom.cli import render
from vibedom.cli.amounts import parse_seconds, size
from vibedom.cli.ask import can_ask, confirm
from vibedom.disk_usage import measure
from vibedom.errors import UsageError
from vibedom.paths import Home
from vibedom.paths import home as find_home
from vibedom.sessions import SessionRecord

_MOST_FILES = 1_000_000
"""Counted of one session; what has more takes at least that."""


@click.command(short_help="Delete sessions that hold no work.")
@click.option("--older-than", metavar="TIME", default="0s", help="Only those that started so long ago, such as 7d.")
@click.option("--dry-run", is_flag=True, help="Only list them.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
async def command(older_than: str, dry_run: bool, yes: bool) -> None:
    """Delete the sessions, with their logs, whose work was applied or that changed nothing.

    A session that runs, that holds work that was not applied, or that was started with --keep stays.
    """
    home = find_home()
    before = time.time() - parse_seconds(older_than, "--older-than")
    found = await anyio.to_thread.run_sync(_prunable, home, before)
    if not found:
        render.err("nothing to delete")
        return
    for record, taken in found:
        render.out(f"{record.id}  {size(taken)}  {render.printable(str(record.workspace))}")
    if dry_run:
        return
    if not yes and not can_ask():
        raise UsageError("give --yes to delete them without a question, or --dry-run to list them")
    if yes or await confirm(f"delete {len(found)} sessions with their logs?"):
        for record, _ in found:
            await anyio.to_thread.run_sync(sessions.remove, home, record)
        render.err(f"deleted {len(found)} sessions, {size(sum(taken for _, taken in found))}")


def _prunable(home: Home, before: float) -> list[tuple[SessionRecord, int]]:
    """With the bytes each takes."""
    return [
        (record, measure([home.session(record.id).root], _MOST_FILES).size)
        for record in sessions.all_sessions(home)
        if record.created_at <= before and not record.is_kept and is_empty(home, record)
    ]


def is_empty(home: Home, record: SessionRecord) -> bool:
    """Whether nothing is lost with it: it has ended, and its work was applied or there is none."""
    if record.is_alive or record.is_crashed:
        return False
    return record.status == "applied" or not any(home.session(record.id).upper.iterdir())
