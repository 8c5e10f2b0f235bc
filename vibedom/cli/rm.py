"""`vibedom rm`: delete a session with the work it holds."""

from functools import partial

import anyio
import asyncclick as click

from vibedom import sessions
from vibedom.cli import render
from vibedom.cli.ask import can_ask, confirm
from vibedom.errors import UsageError
from vibedom.paths import Home
from vibedom.paths import home as find_home
from vibedom.sessions import SessionRecord


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="SESSION...")
@click.option("--force", is_flag=True, help="Do not ask, even where there is work that was not applied.")
async def command(names: tuple[str, ...], force: bool) -> None:
    """Delete each SESSION: its logs, and the agent's work where it was not applied.

    Nothing else ever deletes that work.
    """
    state = find_home()
    for record in [sessions.find(state, name) for name in names]:
        await _remove(state, record, force=force)


async def _remove(state: Home, record: SessionRecord, *, force: bool) -> None:
    if record.is_alive:
        raise UsageError(f"{record.id} is running (pid {record.owner_pid}); end it first")
    has_work = any(state.session(record.id).upper.iterdir()) and record.status != "applied"
    if has_work and not force:
        if not can_ask():
            raise UsageError(f"{record.id} holds work that may not be applied; give --force to delete it")
        if not await confirm(f"delete {record.id} with work that may not be applied?"):
            return
    await anyio.to_thread.run_sync(partial(sessions.remove, state, record))
    render.err(f"deleted {record.id}")
