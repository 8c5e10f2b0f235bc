"""`vibedom stop`: end a session in order."""

import anyio
import asyncclick as click

from vibedom import sessions
from vibedom.cli import render
from vibedom.cli.session_argument import running
from vibedom.control.messages import Stop
from vibedom.errors import VibedomError
from vibedom.paths import Home
from vibedom.paths import home as find_home

STOP_SECONDS = 150.0
"""The agent's own time to end, bundling its commits, removing the sandbox."""


@click.command(short_help="End a session in order.")
@click.argument("names", nargs=-1, metavar="[SESSION...]")
@click.option("--all", "is_all", is_flag=True, help="Every session that runs.")
async def command(names: tuple[str, ...], is_all: bool) -> None:
    """End each SESSION (default: the only one that runs) in order, as Ctrl-C would. Its work is kept for `vibedom diff`
    and `vibedom apply`.
    """
    state = find_home()
    wanted: list[str | None] = list(names) or [None]
    if is_all:
        wanted = [record.id for record in sessions.all_sessions(state) if record.is_alive]
    async with anyio.create_task_group() as group:
        for name in wanted:
            group.start_soon(_stop, state, name)


async def _stop(state: Home, name: str | None) -> None:
    record, client = await running(state, name)
    await client.do(Stop())
    with anyio.move_on_after(STOP_SECONDS):
        while sessions.load(state, record.id).is_alive:  # noqa: ASYNC110  # another process has no event for it
            await anyio.sleep(0.05)
        render.err(f"{record.id} ended; its work is kept: vibedom diff {record.id}")
        return
    raise VibedomError(f"{record.id} does not end within {STOP_SECONDS:.0f} s; `kill -9 {record.owner_pid}` does it")
