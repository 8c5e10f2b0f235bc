"""`vibedom recover`: after a crash."""

from functools import partial

import anyio
import asyncclick as click

from vibedom import sessions
from vibedom.cli import render
from vibedom.cli.run_session import clean_up
from vibedom.paths import Home
from vibedom.paths import home as find_home
from vibedom.runtimes import candidates, make
from vibedom.sessions import SessionRecord
from vibedom.workspace.apply import resume


@click.command()
async def command() -> None:
    """Remove what crashed sessions left running, finish what an interrupted `vibedom apply` began, and list the work
    that is kept.

    `vibedom run` cleans up by itself; this is for looking at it.
    """
    state = find_home()
    for name in candidates("auto"):
        runtime = make(name, state)
        try:
            if await runtime.available() is None:
                await clean_up(state, runtime)
        finally:
            await runtime.aclose()
    kept = [record for record in sessions.all_sessions(state) if not record.is_alive and _has_work(state, record)]
    for record in kept:
        await _finish(state, record)
        render.out(f"{record.id}  work of {record.workspace}: vibedom diff {record.id}, vibedom apply {record.id}")
    if not kept:
        render.err("no session holds work that was not applied")


def _has_work(state: Home, record: SessionRecord) -> bool:
    return record.status != "applied" and any(state.session(record.id).upper.iterdir())


async def _finish(state: Home, record: SessionRecord) -> None:
    outcome = await anyio.to_thread.run_sync(partial(resume, state.session(record.id).journal))
    if outcome is not None:
        render.err(
            f"{record.id}: an interrupted apply was finished: {len(outcome.paths)} changes {outcome.action}", "warn"
        )
